"""CPU milliseconds a frame of whole `vst render` commands, user and system time, start-up taken off.

    python -m benchmarks.cpu_time ../shared/data/clips/fox.mp4 --frames 48 --repeat 5 \
        -- --style candy --size 480 -- --style candy --size 480 --mode itn --keyframe-interval auto

Everything between two `--` is one command's options. Each is run with `--frames N` and with `--frames N/4`;
the difference in CPU time over the difference in frames has no start-up in it. Rounds of all commands take
turns, so that a machine that slows down slows all of them. Run nothing beside it. `--threads` is passed on.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from vst.errors import UsageError, VstError

SEPARATOR = "--"


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        cpu: User and system time of it and its children, seconds.
        wall: Seconds by the clock.
    """

    cpu: float
    wall: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    own, *commands = split(given)
    options = _parser().parse_args(own)
    options.commands = commands
    return run(_run, options)


def split(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments between separators.

    >>> split(["a", "--", "b", "c", "--", "d"])
    [['a'], ['b', 'c'], ['d']]
    """
    parts: list[list[str]] = [[]]
    for each in arguments:
        if each == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(each)
    return parts


def _run(options: argparse.Namespace) -> dict[str, Any]:
    if not options.commands:
        raise UsageError("no command is given; give the options of vst render after --")
    rounds: list[list[tuple[float, float]]] = [[] for _ in options.commands]
    for _ in range(options.repeat):
        for found, command in zip(rounds, options.commands, strict=True):
            command = ["--threads", str(options.threads), *command]
            cost = measure_a_frame(options.clip, command, options.frames)
            found.append((cost.cpu, cost.wall))
    rows, result = [], {}
    for command, found in zip(options.commands, rounds, strict=True):
        cpu, wall = (statistics.median(values) for values in zip(*found, strict=True))
        spread = max(each for each, _ in found) - min(each for each, _ in found)
        rows.append([" ".join(command), f"{1000 * cpu:.0f}", f"{1000 * spread:.0f}", f"{1 / wall:.1f}"])
        result[" ".join(command)] = {"cpu_ms": 1000 * cpu, "frames_per_second": 1 / wall}
    print(markdown(["vst render", "CPU ms a frame", "spread", "frames/s"], rows))
    return result


def measure_a_frame(clip: Path, command: Sequence[str], frames: int) -> Cost:
    """What a frame takes: a render of so many, less one of a quarter of them.

    Raises:
        VstError: The command failed.
    """
    few = max(1, frames // 4)
    short, long = (measure(clip, command, count) for count in (few, frames))
    return Cost((long.cpu - short.cpu) / (frames - few), (long.wall - short.wall) / (frames - few))


def measure(clip: Path, command: Sequence[str], frames: int) -> Cost:
    """Render the first frames of a clip, and say what that took.

    Raises:
        VstError: The command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.mp4"
        full = [sys.executable, "-m", "vst", "render", str(clip), *command, "--frames", str(frames)]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            [*full, "-o", str(output), "-q"], check=False, capture_output=True, text=True, env=os.environ
        )
        after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if done.returncode:
        raise VstError(f"vst render {' '.join(command)} failed: {done.stderr.strip()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, ended - began)


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=positive, default=48, help="of the longer render")
    parser.add_argument("--repeat", type=positive, default=5, help="rounds; the median counts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
