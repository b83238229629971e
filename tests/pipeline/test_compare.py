"""Comparisons of several clips: layout, timing, sound, labels and refused options."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.clips import Sound, make_clip, packets
from vst.errors import Interrupted, MediaError, UsageError
from vst.media import Reader
from vst.media.probe import probe
from vst.pipeline import CompareSettings, compare

UNEVEN = [Fraction(n, 25) for n in (0, 1, 3, 4, 10, 11)]
RED, GREEN, BLUE, GREY = (250, 0, 0), (0, 250, 0), (0, 0, 250), (100, 100, 100)


def plain(colour: tuple[int, int, int], count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Frames of one colour that gets darker by 2 with every frame."""
    whole = np.broadcast_to(np.array(colour, np.int16), (height, width, 3))
    return [(whole - 2 * t).clip(0, 255).astype(np.uint8) for t in range(count)]


@pytest.fixture
def four(exact_clip) -> list[Path]:
    return [
        exact_clip(f"{name}.mkv", plain(colour, 5))
        for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE), ("grey", GREY))
    ]


def settings(**options: object) -> CompareSettings:
    return CompareSettings(**{"labels": (), "codec": "ffv1", **options})


def colours(frame: torch.Tensor, *points: tuple[int, int]) -> list[tuple[int, int, int]]:
    """The colours at x, y in 8 bits."""
    return [tuple((frame[:, y, x] * 255).round().int().tolist()) for x, y in points]


@pytest.mark.parametrize(("count", "size"), [(2, (128, 48)), (3, (192, 48)), (4, (128, 96))])
def test_two_or_three_clips_are_in_one_row_and_four_in_two_rows(tmp_path, four, images, count, size):
    report = compare(four[:count], tmp_path / "out.mkv", settings())
    assert (report.frames, report.width, report.height) == (5, *size)
    frames = images(report.output)
    centres = [(32, 24), (96, 24), (32, 72) if count == 4 else (160, 24), (96, 72)][:count]
    for t, frame in enumerate(frames):
        expected = [tuple(max(c - 2 * t, 0) for c in each) for each in (RED, GREEN, BLUE, GREY)]
        assert colours(frame, *centres) == expected[:count]


def test_a_fixed_divider_shows_the_first_clip_on_its_left(tmp_path, four, images):
    report = compare(four[:2], tmp_path / "out.mkv", settings(layout="split", split=0.25))
    assert (report.width, report.height) == (64, 48)
    frame = images(report.output)[0]
    assert colours(frame, (12, 24), (20, 24), (60, 24)) == [RED, GREEN, GREEN]
    assert colours(frame, (16, 24)) == [(255, 255, 255)]


def test_a_moving_divider_starts_in_the_middle_and_goes_to_both_sides(tmp_path, exact_clip, images):
    clips = [exact_clip(f"{i}.mkv", plain(c, 6), rate=1) for i, c in enumerate((RED, BLUE))]
    frames = images(compare(clips, tmp_path / "out.mkv", settings(layout="split", split=None)).output)
    white = [int((frame[:, 24] == 1).all(0).float().argmax()) for frame in frames]
    assert white[0] == white[3] == 31
    assert max(white[1:3]) > 50
    assert min(white[4:6]) < 10


def test_a_difference_is_amplified_and_equal_pixels_are_black(tmp_path, exact_clip, images):
    one = plain((100, 100, 100), 2)
    other = [picture.copy() for picture in one]
    for picture in other:
        picture[:, 32:] += np.array([10, 0, 80], np.uint8)
    clips = [exact_clip("a.mkv", one), exact_clip("b.mkv", other)]
    frame = images(compare(clips, tmp_path / "out.mkv", settings(layout="difference", gain=5.0)).output)[1]
    assert colours(frame, (10, 24), (50, 24)) == [(0, 0, 0), (50, 0, 255)]


def test_timestamps_and_sound_are_those_of_the_first_clip(tmp_path):
    first = make_clip(tmp_path / "a.mp4", times=UNEVEN, sound=[Sound(start=Fraction(1, 8))])
    second = make_clip(tmp_path / "b.mkv", times=UNEVEN, sound=[Sound("pcm_s16le")])
    report = compare([first, second], tmp_path / "out.mp4")
    assert report.frames == 6
    with Reader(first) as source, Reader(report.output) as out:
        assert [frame.time for frame in out] == [frame.time for frame in source]
    assert packets(report.output, "audio") == packets(first, "audio")


def test_frames_are_matched_by_time_and_not_by_index(tmp_path, exact_clip, images):
    slow = exact_clip("slow.mkv", plain(RED, 4), rate=10)
    fast = exact_clip("fast.mkv", plain(BLUE, 8), rate=20)
    frames = images(compare([slow, fast], tmp_path / "out.mkv", settings()).output)
    # Each slow frame is shown for two fast ones; halfway through it the second of them begins.
    assert [colours(frame, (96, 24))[0][2] for frame in frames] == [250 - 2 * n for n in (1, 3, 5, 7)]


def test_the_comparison_ends_with_the_shortest_clip_and_a_note_says_so(tmp_path, four, exact_clip):
    short = exact_clip("short.mkv", plain(GREY, 3))
    report = compare([four[0], short], tmp_path / "out.mkv", settings())
    assert report.frames == 3
    assert "the clips differ in length: the comparison ends with short.mkv, after 3 frames" in report.notes
    turned = compare([short, four[0]], tmp_path / "out2.mkv", settings())
    assert turned.frames == 3
    assert any("ends with short.mkv" in note for note in turned.notes)
    same = compare(four[:2], tmp_path / "out3.mkv", settings())
    assert not any("differ in length" in note for note in same.notes)


def test_a_clip_of_another_size_is_scaled_to_fit_and_a_note_says_so(tmp_path, four, exact_clip, images):
    tall = exact_clip("tall.mkv", plain(GREEN, 5, 48, 96))
    report = compare([four[0], tall], tmp_path / "out.mkv", settings())
    assert "tall.mkv is 48×96 and is scaled to fit the 64×48 of red.mkv" in report.notes
    frame = images(report.output)[0]
    assert (report.width, report.height) == (128, 48)
    assert colours(frame, (70, 24), (96, 24), (122, 24)) == [(0, 0, 0), GREEN, (0, 0, 0)]


def test_non_square_pixels_keep_their_aspect_ratio(tmp_path, exact_clip, images):
    wide = make_clip(tmp_path / "wide.mp4", width=32, height=48, sample_aspect=Fraction(2))
    square = exact_clip("square.mkv", plain(GREEN, 5))
    frame = images(compare([square, wide], tmp_path / "out.mkv", settings()).output)[0]
    # 32 pixels twice as wide as high are the 64 of the other: no border is left.
    assert frame[:, :, 64:68].amax() > 0.1
    assert frame[:, :, 124:].amax() > 0.1


def test_size_applies_to_each_clip_and_a_row_that_is_too_wide_is_scaled_down(tmp_path, four, monkeypatch):
    report = compare(four[:3], tmp_path / "out.mkv", settings(size=24))
    assert (report.width, report.height) == (96, 24)
    monkeypatch.setattr("vst.pipeline.comparison.MAX_WIDTH", 96)
    report = compare(four[:3], tmp_path / "out2.mkv", settings())
    assert (report.width, report.height) == (96, 24)
    assert "each picture is scaled to 32×24; --size changes that" in report.notes


def test_labels_are_drawn_in_the_corners_only(tmp_path, four, images):
    bare = images(compare(four[:2], tmp_path / "a.mkv", settings()).output)[0]
    named = images(compare(four[:2], tmp_path / "b.mkv", settings(labels=None)).output)[0]
    changed = (named - bare).abs().amax(0) > 0.05
    assert changed[:24, :50].any()
    assert changed[:24, 64:120].any()
    assert not changed[28:].any()
    split = settings(layout="split", split=0.5, labels=("first", "second"))
    whole = images(compare(four[:2], tmp_path / "c.mkv", split).output)[0]
    assert (whole[1, :24, :28] > 0.5).any()  # white letters on red
    assert (whole[0, :24, 36:] > 0.5).any()  # and on green


def test_a_still_is_repeated_and_two_stills_give_a_still(tmp_path, four):
    Image.new("RGB", (64, 48), RED).save(tmp_path / "a.png")
    report = compare([four[0], tmp_path / "a.png"], tmp_path / "out.mkv", settings())
    assert report.frames == 5
    report = compare([tmp_path / "a.png"] * 2, tmp_path / "out.png", CompareSettings())
    assert probe(report.output).width == 128


def test_a_stopped_comparison_leaves_no_files(tmp_path, four):
    stop = threading.Event()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Interrupted, match="stopped after 2 frames"):
        compare(
            four[:2],
            tmp_path / "out.mkv",
            settings(),
            progress=lambda each: stop.set() if each.frame == 2 else None,
            stop=stop,
        )
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_output_is_kept_unless_overwrite_is_given_and_inputs_always_are(tmp_path, four):
    (tmp_path / "out.mkv").write_bytes(b"an earlier file")
    with pytest.raises(MediaError, match="exists already"):
        compare(four[:2], tmp_path / "out.mkv", settings())
    assert (tmp_path / "out.mkv").read_bytes() == b"an earlier file"
    for path in four[:2]:
        with pytest.raises(MediaError, match=r"the input itself|one of the inputs"):
            compare(four[:2], path, settings(overwrite=True))
    compare(four[:2], tmp_path / "out.mkv", settings(overwrite=True))
    assert probe(tmp_path / "out.mkv").width == 128


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (1, {}, "number of clips given: 1; expected 2 to 4"),
        (3, {"layout": "split"}, "layout split takes 2 clips, 3 were given"),
        (3, {"layout": "difference"}, "layout difference takes 2 clips"),
        (2, {"labels": ("one",)}, "number of labels: 1, of clips: 2"),
        (2, {"size": 16000}, "no side may be longer"),
    ],
)
def test_invalid_options_are_refused_before_any_work(tmp_path, four, count, options, message):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=message):
        compare(four[:count], tmp_path / "out.mkv", settings(**options))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "sdie"},
        {"split": 0.0},
        {"split": 1.5},
        {"gain": 0.0},
        {"gain": float("nan")},
        {"size": 8},
    ],
)
def test_invalid_settings_are_refused(options):
    with pytest.raises(UsageError):
        CompareSettings(**options)
