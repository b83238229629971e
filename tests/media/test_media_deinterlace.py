"""Interlaced clips: detected, noted, and deinterlaced on request."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from vst.errors import UsageError
from vst.media import Reader, open_writer
from vst.media.decode.combing import is_interlaced
from vst.media.decode.deinterlace import Deinterlacer
from vst.media.probe import probe

WIDTH, HEIGHT, FRAMES = 96, 64, 12


def moment(time: float) -> np.ndarray:
    """A bar that moves to the right, height × width, 8 bits."""
    x = np.arange(WIDTH)[None].repeat(HEIGHT, 0)
    return np.where(abs(x - 20 - 4 * time) < 8, 220, 40).astype(np.uint8)


def woven(number: int, top_first: bool) -> np.ndarray:
    """A frame of two fields, half a frame apart in time."""
    picture = moment(number)
    picture[1 if top_first else 0 :: 2] = moment(number + 0.5)[1 if top_first else 0 :: 2]
    return picture


def interlaced_clip(path, *, top_first=True, codec="mpeg2video", marked=True, times=None):
    with av.open(str(path), "w") as out:
        options = {"flags": "+ildct+ilme", "qscale": "1"} if codec == "mpeg2video" else {"level": "3"}
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if codec == "mpeg2video":
            stream.codec_context.qmin = stream.codec_context.qmax = 1
            stream.codec_context.bit_rate = 8_000_000
        for number, time in enumerate(times or range(FRAMES)):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            for plane, value in zip(frame.planes, (woven(number, top_first), 128, 128), strict=True):
                rows = np.frombuffer(memoryview(plane), "u1").reshape(plane.height, -1)
                rows[:, : plane.width] = value
            frame.pts, frame.time_base = time, Fraction(1, 25)
            if marked:
                frame = marked_as_interlaced(frame, top_first)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("fields", [False, True])
def test_a_frame_that_is_lost_among_progressive_ones_is_repeated_in_its_place(tmp_path, fields):
    clip = probe(interlaced_clip(tmp_path / "c.mpg"))
    deinterlacer = Deinterlacer(replace(clip, time_base=Fraction(1, 25)), fields=fields)
    found = []
    for number in (0, 1, 2, 3, 5, 6, 7, 8):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        frame.pts, frame.duration = number, 1
        found += deinterlacer.feed(frame, [4] if number == 5 else [])
    found += deinterlacer.drain()
    lost = {picture.pts: before for picture, before in found if before}
    assert lost == {10: [8, 9] if fields else [8]}


def marked_as_interlaced(frame, top_first):
    graph = av.filter.Graph()
    source = graph.add_buffer(width=WIDTH, height=HEIGHT, format="yuv420p", time_base=frame.time_base)
    mark = graph.add("setfield", f"mode={'tff' if top_first else 'bff'}")
    sink = graph.add("buffersink")
    source.link_to(mark)
    mark.link_to(sink)
    graph.configure()
    graph.vpush(frame)
    return graph.vpull()


def combing(image: torch.Tensor) -> float:
    """Mean difference of the rows from the mean of their neighbours."""
    luma = image[1]
    return float((luma[1:-1] - (luma[:-2] + luma[2:]) / 2).abs().mean())


def bar(image: torch.Tensor) -> float:
    """The horizontal position of the bar."""
    weight = (image[1] - image[1].min()).clamp_min(0).sum(0)
    return float((weight * torch.arange(WIDTH)).sum() / weight.sum())


@pytest.mark.parametrize("name", ["c.ts", "c.mkv", "c.mov"])
def test_an_interlaced_clip_is_noted_and_unchanged_by_default(tmp_path, name):
    clip = interlaced_clip(tmp_path / name)
    info = probe(clip)
    assert info.fields.interlaced is True
    assert any("the clip is interlaced" in note and "--deinterlace" in note for note in info.notes)
    assert combing(list(Reader(clip))[5].image) > 0.02


@pytest.mark.parametrize("top_first", [True, False])
def test_deinterlacing_to_frames_keeps_the_number_and_times_of_the_frames(tmp_path, top_first):
    clip = interlaced_clip(tmp_path / "c.mkv", top_first=top_first)
    before = list(Reader(clip))
    reader = Reader(clip, deinterlace="frames")
    after = list(reader)
    assert [frame.time for frame in after] == [frame.time for frame in before]
    assert [frame.duration for frame in after[:-1]] == [frame.duration for frame in before[:-1]]
    for frame in after[1:-1]:
        assert combing(frame.image) < 0.01
        assert bar(frame.image) == pytest.approx(20 + 4 * frame.index, abs=1.2)
    assert not any("the clip is interlaced" in note for note in reader.notes)
    assert any("deinterlaced to one picture per frame" in note for note in reader.notes)


@pytest.mark.parametrize("top_first", [True, False])
def test_deinterlacing_to_fields_doubles_the_rate_and_keeps_the_order_of_motion(tmp_path, top_first):
    clip = interlaced_clip(tmp_path / "c.mkv", top_first=top_first)
    before = list(Reader(clip))
    reader = Reader(clip, deinterlace="fields")
    after = list(reader)
    assert reader.info.average_rate == 50
    assert len(after) == reader.info.frames == 2 * FRAMES
    assert [frame.time for frame in after[::2]] == [frame.time for frame in before]
    assert all(frame.duration == Fraction(1, 50) for frame in after[:-1])
    places = [bar(frame.image) for frame in after[2:-2]]
    assert all(0.8 < step < 3.2 for step in np.diff(places))
    assert all(combing(frame.image) < 0.01 for frame in after[2:-2])


def test_deinterlacing_keeps_a_variable_frame_rate(tmp_path):
    times = [0, 1, 2, 5, 6, 9, 10, 11]
    clip = interlaced_clip(tmp_path / "c.mkv", times=times)
    frames = list(Reader(clip, deinterlace="frames"))
    assert [frame.time for frame in frames] == [Fraction(time, 25) for time in times]


def test_a_clip_that_is_not_flagged_is_deinterlaced_with_a_note(tmp_path):
    clip = interlaced_clip(tmp_path / "c.mkv", codec="ffv1", marked=False)
    assert not probe(clip).fields.interlaced
    reader = Reader(clip, deinterlace="frames")
    frames = list(reader)
    assert len(frames) == FRAMES
    assert combing(frames[5].image) < 0.01
    assert any("not flagged as interlaced; assuming top field" in note for note in reader.notes)


def test_deinterlacing_a_clip_of_one_frame_gives_one_frame(tmp_path):
    clip = interlaced_clip(tmp_path / "c.mkv", times=[0])
    assert len(list(Reader(clip, deinterlace="frames"))) == 1


def test_a_deinterlaced_output_keeps_its_length_and_is_progressive(tmp_path):
    clip = interlaced_clip(tmp_path / "c.ts")
    with (
        Reader(clip, deinterlace="fields") as reader,
        open_writer(tmp_path / "o.mp4", reader.info) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    after = probe(tmp_path / "o.mp4")
    assert (after.fields.interlaced, after.average_rate) == (False, 50)
    assert after.duration == pytest.approx(Fraction(FRAMES, 25), abs=1e-3)


def test_deinterlacing_a_picture_is_noted_as_having_no_effect(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    reader = Reader(tmp_path / "p.png", deinterlace="fields")
    assert len(list(reader)) == 1
    assert any("pictures have no fields" in note for note in reader.notes)


def test_an_unknown_deinterlace_value_is_refused(tmp_path):
    with pytest.raises(UsageError, match="deinterlace is 'field': did you mean 'fields'"):
        Reader(tmp_path / "none.mp4", deinterlace="field")


def noted(reader: Reader) -> bool:
    frames = list(reader)
    assert len(frames) == FRAMES
    return any("the frames look interlaced" in note for note in reader.notes)


def test_an_unflagged_interlaced_clip_is_detected_by_combing(tmp_path):
    clip = interlaced_clip(tmp_path / "c.mkv", codec="ffv1", marked=False)
    assert not probe(clip).fields.interlaced
    assert noted(Reader(clip))
    assert not noted(Reader(clip, deinterlace="frames"))


def test_combing_is_not_analysed_in_a_flagged_clip(tmp_path):
    assert not noted(Reader(interlaced_clip(tmp_path / "c.ts")))


@pytest.mark.parametrize("kind", ["progressive", "still stripes", "moving texture", "noise"])
def test_fine_detail_is_not_combing(kind):
    chance = np.random.default_rng(1)
    before, picture = moment(2) / 255, moment(3) / 255
    if kind == "still stripes":
        picture[::2] = 0.9
        before = picture
    elif kind == "moving texture":
        before = chance.random((HEIGHT, WIDTH))
        picture = np.roll(before, 3, axis=1)
    elif kind == "noise":
        before, picture = chance.random((2, HEIGHT, WIDTH))
    assert not is_interlaced(picture.astype(np.float32), before.astype(np.float32))


def test_only_moving_pixels_are_combed():
    pictures = [woven(number, True).astype(np.float32) / 255 for number in (2, 3)]
    assert is_interlaced(pictures[1], pictures[0])
    assert not is_interlaced(pictures[1], pictures[1])
