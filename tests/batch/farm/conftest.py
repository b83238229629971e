"""Clips for jobs: one with cuts, one of variable rate, and one long shot; settings with tiny networks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.clips import Sound, make_clip
from tests.pipeline.scenes import scenes
from vst.pipeline import RenderSettings

SEGMENT = 8
"""Frames of the longest segment in these tests."""


@pytest.fixture
def settings(tiny_weights: Path) -> Callable[..., RenderSettings]:
    """Makes settings with tiny networks, in fp32 on one thread of the CPU."""

    def make(**options: object) -> RenderSettings:
        given = {"style": "red", "device": "cpu", "precision": "fp32", "threads": 1, **options}
        return RenderSettings(weights_dir=tiny_weights, **given)

    return make


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit segments of renders and jobs to eight frames."""
    monkeypatch.setattr("vst.pipeline.job.MAX_SEGMENT_FRAMES", SEGMENT)
    monkeypatch.setattr("vst.batch.farm.planning.MAX_SEGMENT_FRAMES", SEGMENT)


def film(path: Path, frames: int = 26, *, gop: int = 6, b_frames: int = 2, options: str = "") -> Path:
    """Shots from frames 0, 11 and 20, with keyframes in between, and frames out of decoding order."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.options = {
            "crf": "12",
            "x264-params": f"keyint={gop}:scenecut=0:bframes={b_frames}{options}",
        }
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, picture in enumerate(scenes(frames)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    return path


def cut_clip(folder: Path) -> Path:
    """26 frames in three shots."""
    return film(folder / "cut.mkv")


def variable_clip(folder: Path) -> Path:
    """20 frames at irregular times, with sound and subtitles; one shot."""
    times = [Fraction(n * n + 40 * n, 1000) for n in range(20)]
    return make_clip(
        folder / "variable.mkv",
        width=64,
        height=48,
        times=times,
        time_base=Fraction(1, 1000),
        sound=[Sound()],
        subtitles=[(0.1, 0.5, "one"), (0.6, 0.9, "two")],
        options={"crf": "12", "g": "5"},
    )


def long_clip(folder: Path) -> Path:
    """30 frames in one shot, with sound."""
    return make_clip(
        folder / "long.mp4",
        frames=30,
        width=64,
        height=48,
        sound=[Sound(seconds=1.2)],
        options={"crf": "12", "g": "7", "bf": "2"},
    )


CLIPS = {"cut": cut_clip, "variable": variable_clip, "long": long_clip}
