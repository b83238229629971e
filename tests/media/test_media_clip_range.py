"""The part of a clip that is selected, and its audio, subtitles and timecode."""

from __future__ import annotations

import math
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from clips import make_clip
from PIL import Image

from vst.errors import UsageError
from vst.media import Reader
from vst.media.decode.clip_range import parse_position, parse_range
from vst.media.encode.time_window import TimeWindow
from vst.media.probe import probe
from vst.media.probe.timecode import fits_timecode, later_timecode

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("12.5", Fraction(25, 2)),
        ("12", 12),
        ("12s", 12),
        ("0.04 s", Fraction(1, 25)),
        ("1:02.5", Fraction(125, 2)),
        ("75:00", 4500),
        ("0:01:02.5", Fraction(125, 2)),
        ("10:00:00", 36000),
        (2, 2),
        (0.5, Fraction(1, 2)),
        (Fraction(1, 3), Fraction(1, 3)),
    ],
)
def test_times_are_parsed_in_the_formats_of_ffmpeg(given, seconds):
    found = parse_position(given)
    assert (found.seconds, found.number) == (seconds, None)


@pytest.mark.parametrize("given", ["300f", "300F", "300 frames"])
def test_a_number_with_an_f_is_a_frame_number(given):
    found = parse_position(given)
    assert (found.seconds, found.number) == (None, 300)


@pytest.mark.parametrize(
    "given",
    [
        *("", "f", "-1", "1e9", "nan", "1:2:3:4", "0:61:00", "1:60", "12.5f", "ten", "1:00:00.5.5"),
        *("9" * 12, "9" * 5000, -1, math.inf, math.nan, 10**400),
    ],
)
def test_an_invalid_position_is_refused_with_examples(given):
    with pytest.raises(UsageError, match="--start is") as refused:
        parse_position(given, "--start")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("2", "1", None), "--end 1 is not after --start 2"),
        (("5f", "5f", None), "--end 5f is not after --start 5f"),
        ((None, "0", None), "expected a position after the first frame"),
        ((None, "0f", None), "expected a position after the first frame"),
        ((None, "3", 5), "give one of them"),
        ((None, None, 0), "expected 1 or more"),
    ],
)
def test_an_empty_range_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        parse_range(*options)


def test_consecutive_ranges_share_no_frame_and_leave_none_out(tmp_path):
    times = [Fraction(1001 * n, 30000) + Fraction(7, 5) for n in range(9)]
    info = probe(make_clip(tmp_path / "c.mkv", times=times))
    here = parse_position("0.1")
    # Three frames of 33.4 ms take 100.1 ms, which is told as 0.1 s.
    assert [here.reached(n, time, info) for n, time in enumerate(times)] == [n >= 3 for n in range(9)]


def test_frame_numbers_of_a_sequence_are_those_of_its_files(tmp_path):
    for number in (1001, 1002, 1005, 1006):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    info = probe(tmp_path / "%04d.png")
    reached = [parse_position("1003f").reached(n, Fraction(n), info) for n in range(4)]
    assert reached == [False, False, True, True]
    assert parse_range("1002f", "1006f", None).count(1, Fraction(1, 24), info) == 2


def test_the_number_of_frames_in_a_range_is_estimated_from_the_container(tmp_path):
    info = probe(make_clip(tmp_path / "c.mp4", frames=20))
    counts = [
        parse_range(start, end, frames).count(5, Fraction(1, 5), info)
        for start, end, frames in [(5, None, None), (5, "8f", None), (5, None, 3), ("0.2", "0.4", None)]
    ]
    assert counts == [15, 3, 3, 5]


@pytest.mark.parametrize("first", [1, 7, 11])
def test_a_frame_is_the_same_wherever_reading_begins(tmp_path, first):
    clip = make_clip(tmp_path / "c.mp4", frames=12, times=[Fraction(n * n, 100) for n in range(1, 13)])
    whole = list(Reader(clip))
    reader = Reader(clip)
    reader.begin_at(first)
    for ours, theirs in zip(reader, whole[first:], strict=True):
        assert (ours.index, ours.time, ours.duration) == (theirs.index, theirs.time, theirs.duration)
        assert torch.equal(ours.image, theirs.image)
    assert list(Reader(clip).times()) == [frame.time for frame in whole]


def test_a_damaged_frame_gets_the_same_neighbour_wherever_reading_begins(tmp_path):
    options = {"g": "1", "bf": "0", "crf": "10", "preset": "ultrafast"}
    clip = make_clip(tmp_path / "c.mp4", frames=12, options=options)
    with av.open(str(clip)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    with clip.open("r+b") as file:
        for position, size in places[5:8]:
            file.seek(position)
            file.write(b"\xff" * size)
    whole = list(Reader(clip))
    assert len(whole) == 12
    for first in (5, 6, 8):
        reader = Reader(clip)
        reader.begin_at(first)
        assert all(torch.equal(a.image, b.image) for a, b in zip(reader, whole[first:], strict=True))


def test_a_sequence_is_read_from_any_frame_without_opening_the_earlier_files(tmp_path):
    for number in range(1, 31):
        Image.new("RGB", (8, 8), (8 * number, 0, 0)).save(tmp_path / f"{number}.png")
    whole = list(Reader(tmp_path / "%d.png"))
    for number in range(1, 10):
        (tmp_path / f"{number}.png").write_bytes(b"not read")
    reader = Reader(tmp_path / "%d.png")
    reader.begin_at(20)
    assert all(torch.equal(a.image, b.image) for a, b in zip(reader, whole[20:], strict=True))
    assert len(list(Reader(tmp_path / "%d.png").times())) == 30


# What goes with the picture


def test_intervals_are_clipped_to_the_time_window_and_moments_are_in_or_out():
    window = TimeWindow(start=Fraction(2), end=Fraction(5))
    assert window.clipped(Fraction(1), Fraction(2)) == (2, 1)
    assert window.clipped(Fraction(4), Fraction(9)) == (4, 1)
    assert window.clipped(Fraction(1), Fraction(9)) == (2, 3)
    assert window.clipped(Fraction(0), Fraction(2)) is None
    assert window.clipped(Fraction(5), Fraction(1)) is None
    assert window.clipped(Fraction(2), Fraction(0)) == (2, 0)
    assert window.clipped(Fraction(5), Fraction(0)) is None
    assert TimeWindow().clipped(Fraction(-1), Fraction(1)) == (-1, 1)


@pytest.mark.parametrize("planar", [True, False])
def test_decoded_audio_is_trimmed_to_the_sample(planar):
    ramp = np.arange(2000, dtype="<i2").reshape(1000, 2)
    kind = "s16p" if planar else "s16"
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(ramp.T) if planar else ramp.reshape(1, -1), kind, "stereo"
    )
    frame.sample_rate, frame.pts, frame.time_base = 1000, 500, Fraction(1, 1000)
    part = TimeWindow(start=Fraction(6, 10), end=Fraction(7, 10)).trim(frame)
    assert (part.samples, part.pts, part.sample_rate) == (100, 600, 1000)
    found = part.to_ndarray()
    assert np.array_equal(found.T if planar else found.reshape(-1, 2), ramp[100:200])
    assert TimeWindow(start=Fraction(2)).trim(frame) is None
    assert TimeWindow(end=Fraction(1, 2)).trim(frame) is None
    assert TimeWindow(end=Fraction(2)).trim(frame) is frame


@pytest.mark.parametrize(
    ("timecode", "frames", "rate", "later"),
    [
        ("01:00:00:00", 0, Fraction(25), "01:00:00:00"),
        ("01:00:00:20", 30, Fraction(25), "01:00:02:00"),
        ("00:59:59:23", 1, Fraction(24000, 1001), "01:00:00:00"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        # Drop-frame has no ;00 and ;01 in minutes that ten does not divide.
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:00;00", 17982, NTSC, "00:10:00;00"),
        ("00:00:00;00", 107892, NTSC, "01:00:00;00"),
        ("00:00:59;59", 1, 2 * NTSC, "00:01:00;04"),
        ("23:59:59;29", 1, NTSC, "00:00:00;00"),
    ],
)
def test_a_later_frame_has_a_later_timecode(timecode, frames, rate, later):
    assert later_timecode(timecode, frames, rate) == later


def test_drop_frame_counts_every_frame_once():
    found = [later_timecode("00:00:58;00", n, NTSC) for n in range(40_000)]
    assert len(set(found)) == len(found)
    assert found == sorted(found)
    assert all(fits_timecode(each, NTSC) for each in found)
    assert not any(each[6:] in ("00;00", "00;01") and each[4] != "0" for each in found)
    for n in (0, 1799, 17_000, 39_999):
        assert later_timecode(found[n], 1, NTSC) == later_timecode("00:00:58;00", n + 1, NTSC)
