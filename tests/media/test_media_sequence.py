"""Reading and writing image sequences."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from clips import Sound, make_clip, pattern
from PIL import Image

from vst.errors import MediaError, UsageError
from vst.media import Encoding, NoteKind, Reader, open_writer
from vst.media.probe import probe
from vst.media.stills import samples
from vst.media.stills.picture_kind import kind_of
from vst.media.stills.read import read_still
from vst.media.stills.sequence import find_sequence, is_output_pattern, is_pattern, numbered

NUMBERS = (8, 9, 10, 13, 14, 20)


def pictures(folder, names, suffix=".png"):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.round(pattern(20, 12, number).transpose(1, 2, 0) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}{suffix}")
    return folder


def copy(source, target, encoding=None, **options):
    overwrite = options.pop("overwrite", False)
    reader = Reader(source, **options)
    with reader, open_writer(target, reader.info, encoding, overwrite=overwrite) as writer:
        for frame in reader:
            writer.write(frame)
    return reader, writer


@pytest.mark.parametrize("name", ["shot.%04d.png", "shot.####.png", "shot.*.png", "shot.00[012]?.png"])
def test_every_kind_of_pattern_finds_the_files_in_order_of_number(tmp_path, name):
    folder = pictures(tmp_path / "in", [f"shot.{n:04d}" for n in reversed(NUMBERS)])
    (folder / "shot.0011.txt").write_text("no picture")
    (folder / "other.0012.png").write_bytes(b"")
    found = find_sequence(folder / name)
    assert found.numbers == NUMBERS
    assert [file.name for file in found.files] == [f"shot.{n:04d}.png" for n in NUMBERS]


def test_numbers_without_leading_zeros_are_sorted_as_numbers(tmp_path):
    folder = pictures(tmp_path / "in", ["a9", "a10", "a100", "a009"])
    assert find_sequence(folder / "a%d.png").numbers == (9, 10, 100)


def test_numbers_may_have_more_digits_than_the_pattern(tmp_path):
    folder = pictures(tmp_path / "in", ["a099", "a100", "a1000", "a01000"])
    assert find_sequence(folder / "a%03d.png").numbers == (99, 100, 1000)


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    pictures(tmp_path, ["what?", "take#1"])
    for name in ("what?.png", "take#1.png"):
        assert not is_pattern(tmp_path / name)
        assert probe(tmp_path / name).is_still


def test_gaps_are_noted_and_keep_their_time(tmp_path):
    folder = pictures(tmp_path / "in", [f"{n:04d}" for n in NUMBERS])
    reader = Reader(folder / "%04d.png", fps=Fraction(25))
    frames = list(reader)
    assert [frame.time for frame in frames] == [Fraction(n - 8, 25) for n in NUMBERS]
    assert [frame.duration * 25 for frame in frames] == [1, 1, 3, 1, 6, 1]
    assert any("frames 11-12, 15-19 are missing in %04d.png" in note for note in reader.notes)
    assert (reader.info.frames, reader.info.duration) == (6, Fraction(13, 25))


def test_a_missing_frame_rate_is_assumed_with_a_note(tmp_path):
    folder = pictures(tmp_path / "in", ["1", "2"])
    info = probe(folder / "%d.png")
    assert info.average_rate == 24
    assert any("assuming 24" in note for note in info.notes)
    told = probe(folder / "%d.png", fps=Fraction(30000, 1001))
    assert told.average_rate == Fraction(30000, 1001)
    assert not any(note.kind is NoteKind.ASSUMED for note in told.notes)


def test_a_frame_rate_for_a_video_is_refused(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=1)
    with pytest.raises(UsageError, match=r"--fps is for image sequences, and c\.mp4 is not one"):
        probe(clip, fps=Fraction(25))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("in/%04d.png", r"no file matches .*in/%04d\.png: check the folder"),
        ("nowhere/%04d.png", "the folder .*nowhere cannot be read: no such file"),
        ("in/*.tif", "no file matches"),
    ],
)
def test_a_pattern_without_files_is_refused_in_one_line(tmp_path, name, message):
    pictures(tmp_path / "in", ["1"])
    with pytest.raises(MediaError, match=message) as caught:
        probe(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_two_counters_are_refused(tmp_path):
    with pytest.raises(UsageError, match="has 2 counters"):
        probe(tmp_path / "a%02d_####.png")


def test_a_damaged_picture_is_replaced_by_its_neighbour(tmp_path):
    folder = pictures(tmp_path / "in", ["1", "2", "3", "4"])
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:60])
    whole = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(whole[: len(whole) // 2])
    reader = Reader(folder / "[1234].png")
    frames = list(reader)
    assert len(frames) == 4
    assert torch.equal(frames[0].image, frames[1].image)
    assert torch.equal(frames[2].image, frames[1].image)
    assert any("2 damaged frames were replaced" in note for note in reader.notes)


@pytest.mark.parametrize("suffix", ["png", "exr", "dpx"])
def test_the_kind_of_each_picture_is_found_out_once(tmp_path, monkeypatch, suffix):
    clip = make_clip(tmp_path / "c.mp4", frames=3)
    with Reader(clip) as reader, open_writer(tmp_path / "s" / f"%d.{suffix}", reader.info) as writer:
        for frame in reader:
            writer.write(frame)
    found = []
    with Reader(tmp_path / "s" / f"%d.{suffix}") as reader:
        monkeypatch.setattr(samples, "kind_of", lambda head: found.append(kind_of(head)) or found[-1])
        frames = list(reader)
    assert len(frames) == len(found) == 3


def test_too_many_damaged_pictures_in_a_row_end_the_clip(tmp_path):
    folder = pictures(tmp_path / "in", "123456")
    for name in "3456":
        (folder / f"{name}.png").write_bytes((folder / f"{name}.png").read_bytes()[:60])
    with pytest.raises(MediaError, match="3 frames in a row cannot be decoded"):
        list(Reader(folder / "%d.png", max_damaged=2))


def test_a_picture_of_another_size_is_scaled_with_a_note(tmp_path):
    folder = pictures(tmp_path / "in", "12")
    Image.new("RGB", (40, 24)).save(folder / "3.png")
    reader = Reader(folder / "%d.png")
    assert {tuple(frame.image.shape) for frame in reader} == {(3, 12, 20)}
    assert any("frame size changes" in note for note in reader.notes)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".exr", ".jpg"])
def test_written_pictures_keep_the_numbers_of_the_source(tmp_path, suffix):
    folder = pictures(tmp_path / "in", [f"{n:04d}" for n in NUMBERS])
    copy(folder / "%04d.png", tmp_path / "out" / f"new.####{suffix}")
    names = sorted(os.listdir(tmp_path / "out"))
    assert names == [f"new.{n:04d}{suffix}" for n in NUMBERS]
    for number, name in zip(NUMBERS, names, strict=True):
        before, after = read_still(folder / f"{number:04d}.png"), read_still(tmp_path / "out" / name)
        bound = {".jpg": 0.15, ".exr": 0.001}.get(suffix, 0)
        assert (before.image - after.image).abs().max() <= bound


def test_pictures_of_a_video_are_numbered_from_one_and_dropped_audio_is_noted(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=3, sound=[Sound()])
    _, writer = copy(clip, tmp_path / "%03d.png")
    assert sorted(os.listdir(tmp_path)) == ["001.png", "002.png", "003.png", "c.mp4"]
    assert any(note == "picture files cannot store audio: dropped" for note in writer.notes)


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.mov"])
def test_a_sequence_becomes_a_clip_with_its_rate(tmp_path, name):
    folder = pictures(tmp_path / "in", "1234")
    copy(folder / "%d.png", tmp_path / name, fps=Fraction(24000, 1001))
    frames = list(Reader(tmp_path / name))
    tick = probe(tmp_path / name).time_base
    assert all(abs(f.time - f.index * Fraction(1001, 24000)) <= tick for f in frames)
    assert len(frames) == 4


def test_no_picture_gets_its_name_before_all_are_written(tmp_path):
    folder = pictures(tmp_path / "in", "123")
    with (
        Reader(folder / "%d.png") as reader,
        open_writer(tmp_path / "out" / "%d.png", reader.info) as writer,
    ):
        for frame in reader:
            writer.write(frame)
            assert not [name for name in os.listdir(tmp_path / "out") if not name.startswith(".")]
    assert sorted(os.listdir(tmp_path / "out")) == ["1.png", "2.png", "3.png"]


def test_a_failure_leaves_neither_pictures_nor_folder(tmp_path):
    folder = pictures(tmp_path / "in", "123")

    def broken() -> None:
        with (
            Reader(folder / "%d.png") as reader,
            open_writer(tmp_path / "out" / "%d.png", reader.info) as writer,
        ):
            writer.write(next(iter(reader)))
            raise KeyError("the network broke")

    with pytest.raises(KeyError):
        broken()
    assert os.listdir(tmp_path) == ["in"]


def test_existing_pictures_are_kept_without_overwrite(tmp_path):
    folder = pictures(tmp_path / "in", "12")
    copy(folder / "%d.png", tmp_path / "out" / "%d.png")
    with pytest.raises(MediaError, match=r"out/1\.png exists already: pass -y"):
        copy(folder / "%d.png", tmp_path / "out" / "%d.png")
    copy(folder / "%d.png", tmp_path / "out" / "%d.png", overwrite=True)
    with pytest.raises(MediaError, match="is the input itself"):
        copy(folder / "%d.png", folder / "#.png", overwrite=True)


def test_one_missing_folder_is_created_but_not_two(tmp_path):
    folder = pictures(tmp_path / "in", "1")
    with pytest.raises(MediaError, match="no does not exist: make it first"):
        copy(folder / "%d.png", tmp_path / "none" / "no" / "%d.png")


def test_a_counter_in_the_name_of_a_video_is_part_of_the_name(tmp_path):
    folder = pictures(tmp_path / "in", "1")
    copy(folder / "%d.png", tmp_path / "%d.mp4")
    assert (tmp_path / "%d.mp4").is_file()
    with pytest.raises(UsageError, match=r"%d\.bmp does not have the extension of a picture format: use"):
        copy(folder / "%d.png", tmp_path / "%d.bmp")


def test_a_single_picture_has_a_single_output_of_any_name(tmp_path):
    folder = pictures(tmp_path / "in", ["IMG #3"])
    for name in ("IMG #3.candy.png", "cover #1.png", "%04d.png"):
        copy(folder / "IMG #3.png", tmp_path / name)
        assert (tmp_path / name).is_file()


@pytest.mark.parametrize(
    ("output", "source", "is_still", "expected"),
    [
        ("a%04d.png", "clip.mov", False, True),
        ("a#.png", "in/%d.png", False, True),
        ("a#.mov", "clip.mov", False, False),
        ("a#.png", "photo.png", True, False),
        ("IMG #3.candy.png", "IMG #3.png", False, False),
        ("IMG #3.%d.png", "IMG #3.png", False, True),
    ],
)
def test_what_an_output_is_the_pattern_of(output, source, is_still, expected):
    assert (
        is_output_pattern(Path(output), Path(source), is_still=is_still, is_sequence="%" in source)
        is expected
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a%d.png", True),
        ("a*.exr", True),
        ("a.*", True),
        ("C# 1.mp4", False),
        ("what?", False),
        ("*.mp4", False),
    ],
)
def test_a_pattern_has_the_suffix_of_a_picture(name, expected):
    assert is_pattern(Path(name)) is expected


@pytest.mark.parametrize("encoding", [Encoding("h264"), Encoding(crf=3)])
def test_a_codec_for_pictures_is_refused(tmp_path, encoding):
    folder = pictures(tmp_path / "in", "1")
    with pytest.raises(UsageError, match="is a picture: --codec and --crf are for video"):
        copy(folder / "%d.png", tmp_path / "%d.tif", encoding)


@pytest.mark.parametrize(
    ("pattern", "name"), [("a.%04d.png", "a.0007.png"), ("a#.png", "a7.png"), ("%d.png", "7.png")]
)
def test_numbers_are_written_with_the_width_of_the_pattern(tmp_path, pattern, name):
    assert numbered(tmp_path / pattern, 7) == tmp_path / name


def test_finding_a_sequence_lists_names_without_opening_files(tmp_path):
    pictures(tmp_path / "in", ["000000001", "000999999"])
    info = probe(tmp_path / "in" / "%09d.png", fps=Fraction(1000))
    assert (info.frames, info.duration) == (2, Fraction(999999, 1000))


def test_each_openexr_picture_keeps_the_attributes_of_its_own_file(tmp_path):
    (tmp_path / "in").mkdir()
    plane = np.full((4, 6), 0.5, np.float16)
    for number in (1, 2):
        header = {
            "compression": OpenEXR.ZIP_COMPRESSION,
            "type": OpenEXR.scanlineimage,
            "timeCode": OpenEXR.TimeCode(1, 2, 3, number, *[0] * 14),
            "framesPerSecond": Fraction(25),
            "owner": f"number {number}",
            "pixelAspectRatio": 2.0,
        }
        with OpenEXR.File(header, {"R": plane, "G": plane, "B": plane}) as file:
            file.write(str(tmp_path / "in" / f"{number}.exr"))
    info = probe(tmp_path / "in" / "%d.exr")
    assert (info.average_rate, info.sample_aspect) == (25, 2)
    copy(tmp_path / "in" / "%d.exr", tmp_path / "out" / "%d.exr")
    for number in (1, 2):
        with OpenEXR.File(str(tmp_path / "out" / f"{number}.exr"), header_only=True) as file:
            header = dict(file.header())
        assert header["owner"] == f"number {number}"
        assert header["timeCode"].frame == number
        assert header["pixelAspectRatio"] == 2
