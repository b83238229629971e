"""Which files a batch renders, and the names of their outputs."""

from __future__ import annotations

from vst.batch.find import MANIFEST_NAME, find_files


def names(files):
    return [file.name for file in files]


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
    outputs = {file.source.name: file.name for file in files}
    assert outputs["tape.mkv"] == "a/tape.mkv"
    assert outputs["tape.ts"] == "a/tape.ts.mkv"


def test_numbered_pictures_are_rendered_one_by_one_with_a_warning(footage, tmp_path, caplog):
    for number in range(30):
        (footage / f"b/shot.{number:04d}.exr").write_text("frame")
        (footage / f"a/IMG_{number * 7}.jpg").write_text("photograph")
    found = names(find_files(footage, tmp_path / "out"))
    assert sum(name.startswith("b/shot.") for name in found) == 30
    assert [record.getMessage() for record in caplog.records] == [
        f"{footage}/b/shot.%04d.exr: 30 pictures, each rendered by itself; if they are the frames of a "
        "clip, render them with 'vst render' and this pattern"
    ]
