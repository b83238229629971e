"""Frames that are read from a keyframe in a file are those of a file read from its start."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.pipeline.scenes import scenes
from vst.errors import MediaError
from vst.media import Reader
from vst.media.decode.decoder import SeekError, SeekPoint

X264 = "keyint=12:bframes=3:scenecut=0"
EXACT = {
    "h264.mp4": ("libx264", {"x264-params": X264}),
    "h264.avi": ("libx264", {"x264-params": X264}),
    "h264.flv": ("libx264", {"x264-params": X264}),
    "open.mkv": ("libx264", {"x264-params": f"{X264}:open-gop=1"}),
    "open.ts": ("libx264", {"x264-params": f"{X264}:open-gop=1"}),
    "hevc.mkv": ("libx265", {"x265-params": f"{X264}:open-gop=1:log-level=none"}),
    "vp8.webm": ("libvpx", {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "vp9.webm": ("libvpx-vp9", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    "mpeg2.mpg": ("mpeg2video", {"g": "12", "bf": "2"}),
    "mpeg2.mxf": ("mpeg2video", {"g": "12", "bf": "2"}),
    "mpeg4.mp4": ("mpeg4", {"g": "12", "bf": "2"}),
    "ffv1.mkv": ("ffv1", {"g": "12"}),
}
FROM_THE_START = {
    "raw.h264": ("libx264", {"x264-params": X264}),  # no timestamps
    "mpeg4.avi": ("mpeg4", {"g": "12", "bf": "2"}),  # decoding order only
}


def encoded(path: Path, codec: str, options: dict[str, str], frames: int = 40) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        pictures = scenes()
        for number in range(frames):
            picture = np.ascontiguousarray(np.roll(pictures[number % 26], number, 1))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def frames_from(path: Path, first: int, points: list[SeekPoint]) -> list:
    with Reader(path) as reader:
        reader.begin_at(first, points)
        return list(reader)


@pytest.mark.parametrize("name", EXACT)
def test_frames_after_a_seek_are_those_of_the_whole_file(tmp_path, name):
    path = encoded(tmp_path / name, *EXACT[name])
    with Reader(path) as reader:
        whole, points = list(reader), list(reader.seek_points)
    assert points[0].frame == 0
    assert len(points) > 2
    for point in points[1:]:
        found = frames_from(path, point.frame + 1, [point])
        assert [(each.index, each.time, each.duration) for each in found] == [
            (each.index, each.time, each.duration) for each in whole[point.frame + 1 :]
        ]
        assert all(
            torch.equal(a.image, b.image) for a, b in zip(found, whole[point.frame + 1 :], strict=True)
        )


@pytest.mark.parametrize("name", FROM_THE_START)
def test_a_file_that_cannot_be_searched_says_so(tmp_path, name):
    path = encoded(tmp_path / name, *FROM_THE_START[name])
    with Reader(path) as reader:
        list(reader)
        points = list(reader.seek_points)[1:]
    for point in points:
        with pytest.raises(SeekError, match="read it from its beginning"):
            frames_from(path, point.frame, [point])


@pytest.mark.parametrize("pts", [7, -(10**6), 10**9, 2**62])
def test_a_frame_that_is_not_there_is_not_found(tmp_path, pts):
    path = encoded(tmp_path / "clip.mkv", *EXACT["open.mkv"])
    with pytest.raises(SeekError):
        frames_from(path, 20, [SeekPoint(12, pts)])


def test_reading_begins_at_the_last_seek_point_before_the_first_frame(tmp_path, monkeypatch):
    path = encoded(tmp_path / "h264.mp4", *EXACT["h264.mp4"])
    with Reader(path) as reader:
        list(reader)
        points = list(reader.seek_points)
    assert [each.frame for each in points] == [0, 12, 24, 36]
    for first, begun in ((11, 0), (12, 12), (35, 24), (39, 36)):
        with Reader(path) as reader:
            reader.begin_at(first, points)
            assert reader._begin == begun
            assert next(iter(reader)).index == first


def test_a_deinterlaced_clip_is_read_from_its_beginning(tmp_path):
    path = encoded(tmp_path / "h264.mp4", *EXACT["h264.mp4"])
    with Reader(path, deinterlace="frames") as reader:
        reader.begin_at(30, [SeekPoint(12, 6144)])
        assert next(iter(reader)).index == 30
        assert reader._begin == 0


def test_a_file_that_is_gone_is_an_error(tmp_path):
    path = encoded(tmp_path / "h264.mp4", *EXACT["h264.mp4"])
    with Reader(path) as reader:
        path.unlink()
        reader.begin_at(12, [SeekPoint(12, 6144)])
        with pytest.raises(MediaError, match="does not exist"):
            list(reader)
