"""Frame ranges: frames equal those of the whole render, and sound, subtitles and chapters are trimmed."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import Sound, make_clip, packets
from PIL import Image

from tests.pipeline.scenes import CUTS, scenes
from vst.errors import Interrupted, UsageError
from vst.media import Reader
from vst.media.decode import reader
from vst.media.probe import probe
from vst.motion import shots
from vst.pipeline import FlowSettings, follow_motion, frame_range, render
from vst.pipeline.frame_range import first_of_shot


def timestamps(path: Path) -> list[tuple[Fraction, Fraction]]:
    with Reader(path) as reader:
        return [(frame.time, frame.duration) for frame in reader]


@pytest.fixture
def clip(exact_clip) -> Path:
    """Three shots, 26 frames at 25 frames a second."""
    return exact_clip("clip.mkv", scenes())


@pytest.mark.parametrize(
    ("mode", "interval"), [("vtn", 1), ("vtn", 0), ("lstm", 1), ("itn", 1), ("itn", 4)]
)
@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        ({"start": "7f", "frames": 8}, 7, 15),
        ({"start": "0.6", "end": "0:00:00.92"}, 15, 23),
        ({"start": 0.8}, 20, 26),
        ({"end": "12f"}, 0, 12),
    ],
)
def test_a_frame_range_has_the_frames_of_the_whole_render(
    clip, settings, images, tmp_path, mode, interval, options, first, last
):
    common = {"mode": mode, "codec": "ffv1", "keyframe_interval": interval}
    whole = images(render(clip, settings(**common), tmp_path / "whole.mkv").output)
    report = render(clip, settings(**common, **options), tmp_path / "part.mkv")
    assert report.frames == last - first
    assert torch.equal(images(report.output), whole[first:last])
    cuts_inside = {cut for cut in CUTS if first < cut < last}
    assert report.shots == 1 + len(cuts_inside)


def test_a_clip_is_described_once_however_often_it_is_read(clip, settings, tmp_path, monkeypatch):
    described, opened = [], []
    describe, open_again = reader.probe, reader.Reader.decoded
    monkeypatch.setattr(
        reader, "probe", lambda path, **given: described.append(path) or describe(path, **given)
    )
    monkeypatch.setattr(reader.Reader, "decoded", lambda self: opened.append(self) or open_again(self))
    render(clip, settings(mode="vtn", start="15f", frames=2), tmp_path / "o.mkv")
    assert len(opened) > 1
    assert described == [clip]


def test_a_frame_range_is_stylized_from_the_first_frame_of_its_shot(
    exact_clip, settings, images, tmp_path, monkeypatch
):
    monkeypatch.setattr(frame_range, "SEARCHED", 4)
    clip = exact_clip("clip.mkv", scenes())
    whole = images(render(clip, settings(codec="ffv1"), tmp_path / "whole.mkv").output)
    reports = []
    report = render(
        clip,
        settings(codec="ffv1", start="18f", frames=1),
        tmp_path / "part.mkv",
        progress=lambda each: reports.append((each.frame, each.frames, each.stage == "pre-roll")),
    )
    assert torch.equal(images(report.output), whole[18:19])
    assert reports == [*[(0, 1, True)] * 7, (1, 1, False)]
    assert "stylized from frame 11f on, where the shot of the first frame begins" in report.notes


@pytest.mark.parametrize("searched", [1, 3, 48])
def test_searching_backwards_finds_the_same_shots_as_reading_forwards(clip, monkeypatch, searched):
    monkeypatch.setattr(frame_range, "SEARCHED", searched)

    class From:
        def __init__(self, first: int) -> None:
            self._reader = Reader(clip)
            self._reader.begin_at(first)

        def __enter__(self):
            return self._reader

        def __exit__(self, *_):
            self._reader.close()

    found = [first_of_shot(From, index) for index in range(26)]
    assert found == [max(cut for cut in CUTS if cut <= index) for index in range(26)]
    with Reader(clip) as reader:
        assert [frame.index for frame, begins in shots(reader) if begins] == list(CUTS)


def test_a_frame_range_can_use_recorded_flow(clip, settings, images, tmp_path):
    follow_motion(clip, FlowSettings(form="flo", device="cpu"), folder=tmp_path / "flow")
    common = {"codec": "ffv1", "flow": f"file:{tmp_path / 'flow'}"}
    whole = images(render(clip, settings(**common), tmp_path / "whole.mkv").output)
    part = render(clip, settings(**common, start="14f", end="22f"), tmp_path / "part.mkv")
    assert torch.equal(images(part.output), whole[14:22])


def test_a_frame_range_of_a_variable_rate_clip_keeps_the_durations(tmp_path, settings):
    times = [Fraction(n, 25) for n in (3, 4, 6, 10, 11, 15, 16, 20)]
    clip = make_clip(tmp_path / "c.mp4", times=times, width=64, height=48)
    before = timestamps(clip)
    report = render(clip, settings(mode="itn", start="2f", end="6f"), tmp_path / "part.mp4")
    assert timestamps(report.output) == [(time - before[2][0], lasts) for time, lasts in before[2:6]]
    # The first frame is at 0.12 s, so the third one is 0.12 s after it.
    again = render(clip, settings(mode="itn", start=0.12, frames=1), tmp_path / "one.mp4")
    assert [lasts for _, lasts in timestamps(again.output)] == [before[2][1]]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_sound_is_trimmed_to_packets_and_keeps_its_offset(tmp_path, settings, suffix):
    clip = make_clip(
        tmp_path / "c.mp4", frames=50, width=64, height=48, sound=[Sound(seconds=2, start=Fraction(1, 90))]
    )
    report = render(clip, settings(mode="itn", start="0.4", end="1.2"), tmp_path / f"part.{suffix}")
    begin, end = Fraction(10, 25), Fraction(30, 25)
    expected = [(t - begin, data) for t, data in packets(clip, "audio") if begin <= t < end]
    found = packets(report.output, "audio")
    assert [data for _, data in found] == [data for _, data in expected]
    tick = Fraction(1, 1000) if suffix == "mkv" else 0
    assert all(abs(a - b) <= tick for (a, _), (b, _) in zip(found, expected, strict=True))
    assert timestamps(report.output)[0][0] == 0


def test_a_frame_range_from_the_first_frame_keeps_the_sound_timestamps(tmp_path, settings):
    clip = make_clip(tmp_path / "c.mp4", frames=20, width=64, height=48, sound=[Sound(seconds=0.8)])
    report = render(clip, settings(mode="itn", frames=10), tmp_path / "part.mp4")
    assert packets(report.output, "audio") == [
        (t, data) for t, data in packets(clip, "audio") if t < Fraction(10, 25)
    ]


def test_converted_sound_is_trimmed_to_samples(tmp_path, settings):
    clip = make_clip(
        tmp_path / "c.mkv", frames=50, width=64, height=48, sound=[Sound("pcm_s16le", seconds=2)]
    )
    report = render(clip, settings(mode="itn", start="0.4", end="1.2", codec="vp9"), tmp_path / "p.webm")
    with av.open(str(report.output)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    # An Opus packet has 960 samples.
    assert abs(samples - 0.8 * 48000) <= 960


def test_subtitles_chapters_and_timecode_are_trimmed_to_the_frame_range(tmp_path, settings):
    clip = make_clip(
        tmp_path / "c.mkv",
        frames=50,
        width=64,
        height=48,
        subtitles=[(0.1, 0.3, "gone"), (0.3, 0.6, "begun"), (0.7, 0.9, "whole"), (1.1, 1.9, "cut")],
        chapters=[(0, 0.5, "one"), (0.5, 1, "two"), (1.5, 2, "three")],
        tags={"timecode": "01:00:00:20", "title": "A clip"},
    )
    report = render(clip, settings(mode="itn", start="10f", end="30f"), tmp_path / "part.mkv")
    with av.open(str(report.output)) as container:
        lines = [
            (float(p.pts * p.time_base), float(p.duration * p.time_base), bytes(p))
            for p in container.demux(subtitles=0)
            if p.size
        ]
    assert lines == [(0.0, 0.2, b"begun"), (0.3, 0.2, b"whole"), (0.7, 0.1, b"cut")]
    info = probe(report.output)
    assert [(float(c.start), float(c.end), c.title) for c in info.chapters] == [
        (0.0, 0.1, "one"),
        (0.1, 0.6, "two"),
    ]
    assert info.timecode == "01:00:01:05"
    assert info.metadata["title"] == "A clip"


def test_a_frame_range_of_a_sequence_keeps_the_file_numbers(tmp_path, settings):
    for n, picture in enumerate(scenes()):
        Image.fromarray(picture).save(tmp_path / f"{1001 + n}.png")
    render(tmp_path / "%04d.png", settings(), tmp_path / "whole" / "%04d.png")
    report = render(
        tmp_path / "%04d.png", settings(start="1015f", end="1019f"), tmp_path / "part" / "%04d.png"
    )
    names = [f"{number}.png" for number in range(1015, 1019)]
    assert report.frames == 4
    assert sorted(each.name for each in (tmp_path / "part").iterdir()) == names
    for name in names:
        ours, theirs = (np.asarray(Image.open(tmp_path / kind / name)) for kind in ("part", "whole"))
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"start": "26f"},
            r"--start 26f is after the end of clip\.mkv: its last frame is 25f, at 1\.000 s",
        ),
        ({"start": 60}, r"--start 60s is after the end"),
        ({"start": "20f", "end": "0.4"}, "--end 0.4 is not after --start 20f"),
    ],
)
def test_a_frame_range_outside_the_clip_is_refused_and_leaves_no_files(
    clip, settings, tmp_path, options, message
):
    with pytest.raises(UsageError, match=message) as refused:
        render(clip, settings(mode="itn", **options), tmp_path / "part.mkv")
    assert "\n" not in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == ["clip.mkv"]


@pytest.mark.parametrize("mode", ["vtn", "itn"])
def test_the_search_for_the_first_frame_can_be_stopped(clip, settings, tmp_path, mode):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match="stopped before the first frame; no output was written"):
        render(clip, settings(mode=mode, start="18f"), tmp_path / "part.mkv", stop=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["clip.mkv"]


def test_a_frame_range_of_a_still_is_refused(tmp_path, settings):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (20, 20)).save(photo)
    with pytest.raises(UsageError, match=r"photo\.png is one picture"):
        render(photo, settings(mode="itn", frames=1))


def test_an_end_after_the_clip_is_the_end_of_the_clip(clip, settings, tmp_path):
    report = render(clip, settings(mode="itn", start="20f", end="1:00"), tmp_path / "part.mkv")
    assert report.frames == 6
