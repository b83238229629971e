"""Peak memory of renders of a short and a long clip, to show that it does not grow with the length.

    python -m benchmarks.memory --style candy --seconds 6 60 --size 360

Both clips are generated: a gradient that shifts by a pixel a frame. `vst render` renders them, each in its
own process. The memory of that process and all its descendants is sampled every 0.2 s from
/proc/*/smaps_rollup (Linux only): anonymous and shared memory, each page counted once. The code of
libraries is not counted, because its share depends on which other processes have them loaded.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.process_tree import run_sampled

RATE = 25
INTERVAL = 0.2
"""Seconds between two samples."""

_OWN = ("Pss_Anon:", "Pss_Shmem:")

MAX_RATIO = 1.10
"""The largest ratio of the peak of the long clip to that of the short one."""


@dataclass(frozen=True)
class Usage:
    """The memory that a command used.

    Attributes:
        code: Its exit code.
        peak: Bytes, the largest of all samples.
        samples: How many samples were taken.
        errors: The text on stderr.
    """

    code: int
    peak: int
    samples: int
    errors: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns 0 if the ratio is at most `MAX_RATIO`, else 1."""
    options = _parser().parse_args(arguments)
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in options.seconds:
            clip = make_clip(Path(folder) / f"{seconds:g}.mp4", seconds, options.size)
            began = time.monotonic()
            usage = measure(render_command(clip, options))
            if usage.code != 0:
                print(f"the render of {seconds:g} s failed: {usage.errors.strip()}", file=sys.stderr)
                return 1
            print(
                f"{seconds:g} s: peak {usage.peak / 2**20:.1f} MiB, "
                f"{usage.samples} samples in {time.monotonic() - began:.0f} s",
                flush=True,
            )
            peaks.append(usage.peak)
    ratio = peaks[1] / peaks[0]
    print(f"ratio {ratio:.3f}, expected at most {MAX_RATIO:.2f}")
    return 0 if ratio <= MAX_RATIO else 1


def make_clip(path: Path, seconds: float, size: int) -> Path:
    """Write a 16:9 clip without sound, with short side `size`, that shifts by a pixel a frame."""
    width = round(size * 16 / 9 / 2) * 2
    ramp = np.arange(max(width, 256)) % 256
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, size, "yuv420p"
        down = np.arange(size)[:, None]
        for number in range(max(round(seconds * RATE), 1)):
            row = np.roll(ramp, number)[:width]
            red = np.broadcast_to(row, (size, width))
            picture = np.stack([red, (red + down) % 256, 255 - red], axis=2).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def render_command(clip: Path, options: argparse.Namespace) -> list[str]:
    """The command that renders the clip."""
    command = [sys.executable, "-m", "vst", "render", str(clip), "--style", options.style, "-q"]
    command += ["--mode", options.mode]
    if options.weights_dir is not None:
        command += ["--weights-dir", str(options.weights_dir)]
    return command


def measure(command: Sequence[str]) -> Usage:
    """Run a command and sample the memory of its process tree."""
    found: list[int] = []
    code, errors = run_sampled(command, INTERVAL, lambda members: found.append(sum(map(_memory, members))))
    return Usage(code, max(found, default=0), len(found), errors)


def _memory(pid: int) -> int:
    """Anonymous and shared memory in bytes, shared pages divided; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_OWN))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--seconds", nargs=2, type=float, default=[6, 60], metavar=("SHORT", "LONG"))
    parser.add_argument("--style", default="candy")
    parser.add_argument("--mode", default="vtn")
    parser.add_argument("--weights-dir", type=Path)
    parser.add_argument("--size", type=int, default=360, help="short side of the clips, pixels")
    return parser


if __name__ == "__main__":
    sys.exit(main())
