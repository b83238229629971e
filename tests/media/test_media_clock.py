"""Timestamps that cannot be right: frames keep the decoder's order, and times are mended and noted."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pytest
import torch
from clips import Sound, make_clip, packets
from clocks import CLOCK, change_ts, joined, remux
from test_media_writer import render

from vst.media import Reader
from vst.media.clock.demux import _StreamClock
from vst.media.notes import NoteKind
from vst.media.probe import probe

FRAMES = 30
STEP = Fraction(1, 25)
OPTIONS = {
    "crf": "10",
    "preset": "ultrafast",
    "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal:keyint=10",
}


def b_frames(path: Path, **options) -> Path:
    """H.264 whose decoding order differs from its order of presentation."""
    return make_clip(path, frames=FRAMES, options=OPTIONS, **options)


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """A recording in MPEG-TS with sound."""
    folder = tmp_path_factory.mktemp("recording")
    return b_frames(folder / "c.ts", sound=[Sound("mp2", seconds=1.2)])


@pytest.fixture(scope="module")
def images(recording) -> list[torch.Tensor]:
    return [frame.image for frame in Reader(recording)]


def mended(path: Path, images: list[torch.Tensor], gap: Fraction = STEP) -> Reader:
    """Read a clip, whose frames have to be these, at a constant distance, and none of them damaged."""
    reader = Reader(path)
    frames = list(reader)
    assert len(frames) == len(images)
    assert all(torch.equal(frame.image, image) for frame, image in zip(frames, images, strict=True))
    assert all(abs(b.time - a.time - gap) <= STEP / 25 for a, b in itertools.pairwise(frames))
    assert frames[0].time == reader.info.start
    assert (reader.repaired, reader.errors) == (0, 0)
    assert not any("damaged" in note for note in reader.notes)
    return reader


def has_note(reader: Reader, text: str) -> bool:
    return any(text in note and note.kind is NoteKind.REPAIRED for note in reader.notes)


def test_h264_with_b_frames_in_avi_keeps_every_frame(tmp_path, images):
    reader = mended(b_frames(tmp_path / "c.avi", time_base=STEP), images)
    assert reader.info.start == 0
    assert reader.info.frames == FRAMES


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg", "ffv1", "rawvideo"])
def test_other_codecs_in_avi_start_at_zero(tmp_path, codec):
    options = {"bf": "2"} if codec == "mpeg4" else {}
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = make_clip(tmp_path / "c.avi", codec=codec, options=options, time_base=STEP, pix_fmt=pix_fmt)
    assert [frame.time for frame in Reader(clip)] == [number * STEP for number in range(12)]
    assert probe(clip).start == 0


def packed(clip: Path, target: Path) -> Path:
    """MPEG-4 as XviD and DivX stored it: P and B share a chunk, and an empty picture follows."""
    with av.open(str(clip)) as given, av.open(str(target), "w") as out:
        copy = out.add_stream_from_template(given.streams.video[0], opaque=True)
        chunks: list[bytes] = []
        for packet in given.demux(video=0):
            data = bytes(packet)
            start = data.find(b"\0\0\1\xb6")
            if start >= 0 and data[start + 4] >> 6 == 2:
                chunks[-1] += data[start:]
                chunks.append(b"\0\0\1\xb6\x50\x5f")
            elif data:
                chunks.append(data)
        for number, data in enumerate(chunks):
            at = data.find(b"Lavc")
            named = data if at < 0 else data[:at] + b"DivX503b1393p" + data[data.index(b"\0\0\1", at) :]
            packet = av.Packet(named)
            packet.stream, packet.time_base, packet.duration = copy, STEP, 1
            packet.pts = packet.dts = number
            out.mux_one(packet)
    return target


def test_packed_b_frames_in_avi_keep_every_frame(tmp_path):
    options = {"codec": "mpeg4", "options": {"bf": "1", "qscale": "3"}, "time_base": STEP}
    clip = make_clip(tmp_path / "c.avi", frames=20, **options)
    mended(packed(clip, tmp_path / "p.avi"), [frame.image for frame in Reader(clip)])


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv", "c.flv"])
def test_timestamps_in_decoding_order_are_sorted(tmp_path, images, name):
    def change(number: int, packet: av.Packet) -> None:
        packet.dts += round(2 * STEP / packet.time_base)
        packet.pts = packet.dts

    clip = remux(b_frames(tmp_path / "good.mp4"), tmp_path / name, change)
    assert mended(clip, images).info.in_decoding_order


def test_frames_that_contradict_their_timestamps_later_keep_the_order_of_the_decoder(tmp_path):
    # No B-frames for as long as `probe` looks, then timestamps in decoding order.
    good = make_clip(tmp_path / "g.mp4", frames=140, options={**OPTIONS, "preset": "medium"})

    def change(number: int, packet: av.Packet) -> None:
        packet.dts += round(2 * STEP / packet.time_base)
        if number > 110:
            packet.pts = packet.dts
        else:
            packet.pts += round(2 * STEP / packet.time_base)

    reader = Reader(remux(good, tmp_path / "c.mp4", change))
    frames = list(reader)
    assert len(frames) == 140
    assert has_note(reader, "contradict the order")
    expected = [frame.image for frame in Reader(good)]
    assert all(torch.equal(a.image, b) for a, b in zip(frames[-20:], expected[-20:], strict=True))


def test_a_recording_joined_from_two_goes_on(tmp_path, recording, images):
    clip = joined(tmp_path / "c.ts", recording, recording)
    reader = mended(clip, images * 2)
    assert has_note(reader, "restart or jump once")
    assert (reader.info.duration, reader.info.frames) == (2 * FRAMES * STEP, 2 * FRAMES)
    assert any("restart" in note for note in probe(clip).notes)


@pytest.mark.parametrize(("name", "skip"), [("c.mpg", 0), ("c.mkv", 0), ("c.flv", 13)])
def test_other_files_joined_from_two_go_on(tmp_path, images, name, skip):
    part = b_frames(tmp_path / f"part{name}")
    mended(joined(tmp_path / name, part, part, skip=skip), images * 2)


@pytest.mark.parametrize("seconds", [0.5, 2])
def test_a_clock_that_wraps_around_goes_on(tmp_path, recording, images, seconds):
    ticks = round(seconds * CLOCK)
    clip = change_ts(recording, tmp_path / "c.ts", lambda kind, number, stamp: stamp - ticks)
    reader = mended(clip, images)
    assert reader.info.start < 0
    assert not any("cut short" in note for note in reader.notes)
    render(clip, tmp_path / "o.mkv")
    assert probe(tmp_path / "o.mkv").start < Fraction(1, 10)
    assert len(list(Reader(tmp_path / "o.mkv"))) == FRAMES


@pytest.mark.parametrize("jump", [100, 30 * 3600, -1, -8])
@pytest.mark.parametrize("kinds", [("video",), ("video", "audio")])
def test_a_clock_that_jumps_goes_on(tmp_path, recording, images, jump, kinds):
    def change(kind: str, number: int, stamp: int) -> int:
        late = kind in kinds and number >= (12 if kind == "video" else 3)
        return stamp + 10 * CLOCK + (jump * CLOCK if late else 0)

    clip = change_ts(recording, tmp_path / "c.ts", change)
    assert has_note(mended(clip, images), "restart or jump")
    assert sound_offsets(clip, tmp_path / "o.mkv") == sound_offsets(recording, tmp_path / "r.mkv")


def sound_offsets(source: Path, target: Path) -> list[float]:
    """How much later than the first frame each packet of sound is in a render, to 10 ms."""
    render(source, target)
    first = min(time for time, _ in packets(target, "video"))
    return [round(float(time - first), 2) for time, _ in packets(target, "audio")]


@pytest.mark.parametrize("jump", [100, -1, -8])
def test_a_jump_in_the_clock_of_the_sound_alone_is_closed(tmp_path, recording, images, jump):
    def change(kind: str, number: int, stamp: int) -> int:
        return stamp + 10 * CLOCK + (jump * CLOCK if kind == "audio" and number >= 3 else 0)

    clip = change_ts(recording, tmp_path / "c.ts", change)
    mended(clip, images)
    assert sound_offsets(clip, tmp_path / "o.mkv") == sound_offsets(recording, tmp_path / "r.mkv")


@pytest.mark.parametrize("name", ["o.mkv", "o.mp4", "o.mov", "o.webm"])
def test_sound_stays_with_the_picture_where_recordings_are_joined(tmp_path, recording, name):
    clip = joined(tmp_path / "c.ts", recording, recording)
    render(clip, tmp_path / name)
    found = [frame.time for frame in Reader(tmp_path / name)]
    assert len(found) == 2 * FRAMES
    assert abs(found[-1] - found[0] - (2 * FRAMES - 1) * STEP) <= Fraction(1, 1000)
    sound = [time for time, _ in packets(tmp_path / name, "audio")]
    assert sound == sorted(set(sound))
    assert abs(sound[-1] - found[-1] - Fraction(3, 100)) < Fraction(4, 100)
    if name == "o.webm":
        return
    # The second part has the same sound: as late against its first frame as in the first part.
    payloads = [payload for _, payload in packets(tmp_path / name, "audio")]
    again = payloads.index(payloads[10], 11)
    assert abs(sound[again] - sound[10] - FRAMES * STEP) <= Fraction(2, 1000)


@pytest.mark.parametrize(("wrong", "jump"), [(1, 100), (3, -8), (2, 1000)])
def test_a_few_wrong_timestamps_are_computed(tmp_path, recording, images, wrong, jump):
    def change(kind: str, number: int, stamp: int) -> int:
        inside = kind == "video" and 12 <= number < 12 + wrong
        return stamp + 9 * CLOCK + (jump * CLOCK if inside else 0)

    reader = mended(change_ts(recording, tmp_path / "c.ts", change), images)
    assert has_note(reader, "cannot be right")


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
def test_a_single_wrong_presentation_time_is_computed(tmp_path, images, name):
    def change(number: int, packet: av.Packet) -> None:
        if number == 13:
            packet.pts += round(1000 / packet.time_base)

    mended(remux(b_frames(tmp_path / "good.mp4"), tmp_path / name, change), images)


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
def test_a_long_pause_stays_as_it_is(tmp_path, images, name):
    pause, begins = 1000, 12 * STEP

    def change(number: int, packet: av.Packet) -> None:
        ticks = round(pause / packet.time_base)
        packet.pts += ticks if packet.pts * packet.time_base >= begins else 0
        packet.dts += ticks if packet.dts * packet.time_base >= begins else 0

    reader = Reader(remux(b_frames(tmp_path / "good.mp4"), tmp_path / name, change))
    found = [frame.time for frame in reader]
    assert found == [n * STEP + (pause if n >= 12 else 0) for n in range(FRAMES)]
    assert not any(note.kind is NoteKind.REPAIRED for note in reader.notes)


def test_a_gap_in_the_sound_of_a_recording_stays(tmp_path, recording):
    # 12 s of pause in both, in steps that are too short for a restarted clock.
    def change(kind: str, number: int, stamp: int) -> int:
        late = number >= (12 if kind == "video" else 3)
        return stamp + (9 * CLOCK if late else 0)

    clip = change_ts(recording, tmp_path / "c.ts", change)
    found = [frame.time for frame in Reader(clip)]
    assert max(b - a for a, b in itertools.pairwise(found)) > 8
    render(clip, tmp_path / "o.mkv")
    sound = [time for time, _ in packets(tmp_path / "o.mkv", "audio")]
    assert max(b - a for a, b in itertools.pairwise(sound)) == pytest.approx(9, abs=0.1)


@pytest.mark.parametrize("name", ["c.ts", "c.mkv"])
def test_a_clock_that_stands_still_is_replaced_by_the_frame_rate(tmp_path, recording, images, name):
    if name == "c.ts":
        clip = change_ts(recording, tmp_path / name, lambda kind, number, stamp: 2 * CLOCK)
    else:

        def change(number: int, packet: av.Packet) -> None:
            packet.pts = round(2 / packet.time_base)

        clip = remux(b_frames(tmp_path / "good.mp4"), tmp_path / name, change)
    reader = mended(clip, images)
    assert reader.info.average_rate in (None, 25)
    assert has_note(reader, "computed from the frame rate")


def test_a_stream_without_timestamps_has_those_of_the_frame_rate(tmp_path, images):
    with av.open(str(b_frames(tmp_path / "good.ts"))) as given:
        data = b"".join(bytes(packet) for packet in given.demux(video=0))
    (tmp_path / "c.h264").write_bytes(data)
    mended(tmp_path / "c.h264", images)


def test_what_an_edit_list_leaves_out_is_not_missed(tmp_path):
    def change(number: int, packet: av.Packet) -> None:
        packet.pts -= round(1 / packet.time_base)
        packet.dts -= round(1 / packet.time_base)

    reader = Reader(remux(b_frames(tmp_path / "good.mp4"), tmp_path / "c.mp4", change))
    assert [frame.time for frame in reader] == [number * STEP for number in range(5)]
    assert not any(note.kind is NoteKind.REPAIRED for note in reader.notes)


def test_frames_are_the_same_wherever_reading_of_a_joined_recording_begins(tmp_path, recording):
    clip = joined(tmp_path / "c.ts", recording, recording)
    whole = list(Reader(clip))
    reader = Reader(clip)
    reader.begin_at(FRAMES + 3)
    rest = list(reader)
    assert [frame.time for frame in rest] == [frame.time for frame in whole[FRAMES + 3 :]]
    assert all(torch.equal(a.image, b.image) for a, b in zip(rest, whole[FRAMES + 3 :], strict=True))
    assert list(Reader(clip).times()) == [frame.time for frame in whole]


@pytest.mark.parametrize("kind", ["subtitle", "audio"])
def test_only_sound_is_expected_to_go_on_without_a_gap(kind):
    clock = _StreamClock(SimpleNamespace(type=kind), discontinuous=True)
    stamps = []
    for seconds in (80, 10, 40):
        packet = av.Packet(b"x")
        packet.time_base, packet.pts, packet.duration = Fraction(1), seconds, 1
        clock.mend(packet, [])
        stamps.append(packet.pts)
    assert stamps == ([80, 10, 40] if kind == "subtitle" else [80, 81, 82])
