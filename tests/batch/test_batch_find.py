"""Which files a batch renders, and the names of their outputs."""

from __future__ import annotations

import pytest
from PIL import Image

from vst.batch.find import find_files, warn_of_sequences
from vst.batch.search import MANIFEST_NAME
from vst.media.probe.suffixes import media_suffixes
from vst.pipeline import RenderSettings
from vst.pipeline.output_path import output_path


def names(found):
    return [file.name for file in found.files]


def test_media_are_found_by_extension_in_any_case_and_hidden_files_are_ignored(footage, tmp_path):
    assert names(find_files(footage, tmp_path / "out")) == [
        "a/deep/two.MP4",
        "a/one.mov",
        "b/photo.jpg",
    ]


def test_an_output_folder_within_the_source_is_not_searched(footage):
    (footage / "out").mkdir()
    (footage / "out/one.mov").write_text("out")
    assert "out/one.mov" not in names(find_files(footage, footage / "out"))
    assert "out/one.mov" in names(find_files(footage, footage / "elsewhere"))


def test_the_output_folder_of_another_batch_is_not_searched(footage):
    (footage / "out").mkdir()
    (footage / "out/one.mov").write_text("out")
    (footage / "out" / MANIFEST_NAME).write_text("{}")
    assert "out/one.mov" not in names(find_files(footage, footage / "elsewhere"))


def test_a_container_that_cannot_be_written_is_replaced(footage, tmp_path):
    (footage / "a/tape.ts").write_text("tape")
    (footage / "a/scan.bmp").write_text("scan")
    files = find_files(footage, tmp_path / "out")
    assert {"a/tape.mkv", "a/scan.png"} <= set(names(files))


def test_no_two_outputs_have_the_same_name(footage, tmp_path):
    for name in ("tape.ts", "tape.mkv"):
        (footage / "a" / name).write_text("tape")
    files = find_files(footage, tmp_path / "out")
    outputs = {file.source.name: file.name for file in files.files}
    assert outputs["tape.mkv"] == "a/tape.mkv"
    assert outputs["tape.ts"] == "a/tape.ts.mkv"


def test_numbered_pictures_are_rendered_one_by_one_with_a_warning(footage, tmp_path, caplog):
    for number in range(30):
        (footage / f"b/shot.{number:04d}.exr").write_text("frame")
        (footage / f"a/IMG_{number * 7}.jpg").write_text("photograph")
    found = find_files(footage, tmp_path / "out")
    assert sum(name.startswith("b/shot.") for name in names(found)) == 30
    warn_of_sequences(found.files)
    assert [record.getMessage() for record in caplog.records] == [
        f"{footage}/b/shot.%04d.exr: 30 pictures, each rendered by itself; if they are the frames of a "
        "clip, render them with 'vst render' and this pattern"
    ]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["a.png", "a.jpg", "b.mov", "b.mp4"], ["a.png", "a.jpg", "b.mov", "b.mp4"]),
        (["c.ts", "c.mts"], ["c.ts.mkv", "c.mts.mkv"]),
        (["c.ts", "c.mkv", "c.ts.mkv"], ["c.ts-2.mkv", "c.mkv", "c.ts.mkv"]),
        (["d.ts", "d.mkv/e.mov"], ["d.ts.mkv", "d.mkv/e.mov"]),
        (["F.mov", "f.mov"], ["F.mov", "f.mov"]),
    ],
)
def test_outputs_keep_their_names_and_others_get_a_free_one(tmp_path, sources, expected):
    for name in sources:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found = find_files(tmp_path / "in", tmp_path / "out").files
    assert {str(file.source.relative_to(tmp_path / "in")): file.name for file in found} == dict(
        zip(sources, expected, strict=True)
    )


@pytest.fixture
def mixed(tmp_path):
    """A picture, two animated ones, and clips (which are not opened)."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "photo.webp")
    for name in ("moving.gif", "moving.png"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    for name in ("a.mp4", "b.mov", "c.mkv", "d.ts"):
        (folder / name).write_text("clip")
    return folder


@pytest.mark.parametrize(
    ("codec", "clips", "animations"),
    [
        (None, "a.mp4 b.mov c.mkv d.mkv", "moving.gif moving.png"),
        ("prores", "a.mov b.mov c.mkv d.mkv", "moving.gif moving.png"),
        ("vp9", "a.mp4 b.webm c.mkv d.mkv", "moving.gif moving.png"),
        ("gif", "a.gif b.gif c.gif d.gif", "moving.gif moving.png.gif"),
        ("apng", "a.apng b.apng c.apng d.apng", "moving.apng moving.png"),
    ],
)
def test_clips_get_a_container_that_holds_the_codec_and_pictures_keep_theirs(
    mixed, tmp_path, codec, clips, animations
):
    found = {file.source.name: file for file in find_files(mixed, tmp_path / "out", codec).files}
    assert " ".join(found[name].name for name in ("a.mp4", "b.mov", "c.mkv", "d.ts")) == clips
    assert f"{found['moving.gif'].name} {found['moving.png'].name}" == animations
    assert found["photo.webp"].name == "photo.webp"
    assert found["photo.webp"].is_picture
    assert not found["a.mp4"].is_picture
    assert found["moving.gif"].is_picture == (codec not in ("gif", "apng"))


def test_a_render_and_a_batch_choose_the_same_suffix(tmp_path):
    sources = [tmp_path / f"clip{suffix}" for suffix in sorted(media_suffixes())]
    for source in sources:
        source.write_text("clip")
    found = {file.source: file.output.suffix for file in find_files(tmp_path, tmp_path / "out").files}
    settings = RenderSettings(style="candy")
    assert found == {source: output_path(source, settings).suffix for source in sources}


def test_a_picture_without_an_extension_stays_a_picture(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "scan", format="PNG")
    (file,) = find_files(tmp_path, tmp_path / "out").files
    assert (file.name, file.is_picture) == ("scan.png", True)
    assert output_path(tmp_path / "scan", RenderSettings(style="candy")).name == "scan.candy.png"
