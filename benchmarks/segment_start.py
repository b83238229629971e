"""Time to the first frame of a segment deep in a long clip: from a keyframe, and from the clip's start.

    python -m benchmarks.segment_start --minutes 61 --at 60 --rounds 3 --formats mp4 mkv ts

A clip of that length, with the keyframes that x264 sets by default, is planned. Then the segment at that
minute is rendered until its first frame comes out: with the seek points of the plan, and without. The
network is loaded before.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import statistics
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.markdown import markdown
from benchmarks.options import positive
from vst.batch.farm import Job, SegmentRenderer, plan
from vst.errors import Interrupted
from vst.pipeline import RenderSettings

RATE, SHOT = 25, 250
"""Frames a second, and frames of a shot."""


def long_clip(path: Path, minutes: int, width: int, height: int) -> Path:
    """A clip of shots of ten seconds, textures that move."""
    random = np.random.default_rng(0)
    coarse = random.integers(16, 235, (8, height // 8 + 1, width // 4), np.uint8)
    textures = coarse.repeat(8, axis=1).repeat(8, axis=2)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(
            "libx264", rate=RATE, options={"preset": "ultrafast", "crf": "28", "bf": "2"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(height, -1)
        for number in range(minutes * 60 * RATE):
            shift = number % SHOT
            rows[:, :width] = textures[number // SHOT % 8, :height, shift : shift + width]
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def in_container(clip: Path, suffix: str) -> Path:
    """The same video in another container."""
    path = clip.with_name(f"clip.{suffix}")
    with av.open(str(clip)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return path


def first_frame(job: Job) -> float:
    """Seconds until the first frame of the job's first segment."""
    stop, found = threading.Event(), []
    with SegmentRenderer(job, stop=stop) as renderer:
        began = time.monotonic()

        def progress(each: object) -> None:
            if not stop.is_set() and getattr(each, "stage", "") != "pre-roll":
                found.append(time.monotonic() - began)
                stop.set()

        with contextlib.suppress(Interrupted):
            renderer.render(0, progress)
    return found[0]


def measure(clip: Path, arguments: argparse.Namespace) -> list[str]:
    """One row of the table: container, seconds with seek points, without, and the ratio."""
    folder = clip.parent
    settings = RenderSettings(
        style="candy",
        mode="itn",
        threads=1,
        device="cpu",
        start=f"{arguments.at}:00",
        frames=100,
        resume=False,
    )
    job = plan(clip, settings, folder / "job.json", folder / "out.mp4")
    whole = dataclasses.replace(job, seek_points=())
    seconds = [(first_frame(job), first_frame(whole)) for _ in range(arguments.rounds)]
    sought, read = (statistics.median(each) for each in zip(*seconds, strict=True))
    (folder / "job.json").unlink()
    return [clip.suffix, f"{sought:.2f}", f"{read:.1f}", f"{read / sought:.0f}"]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=positive, default=61)
    parser.add_argument("--at", type=int, default=60, help="minute at which the segment begins")
    parser.add_argument("--width", type=positive, default=320)
    parser.add_argument("--height", type=positive, default=180)
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--formats", nargs="+", default=["mp4", "mkv", "ts"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.mp4"
        long_clip(made, arguments.minutes, arguments.width, arguments.height)
        rows = [measure(in_container(made, suffix), arguments) for suffix in arguments.formats]
    print(markdown(["", "from a keyframe: s", "from the start: s", "times"], rows))


if __name__ == "__main__":
    main()
