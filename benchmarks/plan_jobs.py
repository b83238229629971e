"""How much sooner a long clip is planned if its parts are searched for shots at a time.

    python -m benchmarks.plan_jobs --minutes 10 --jobs 1 2 --rounds 2

A clip of that length, of shots of ten seconds, is planned by each number of processes in turns, and the
plans are compared. Run nothing beside it.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from benchmarks.segment_start import RATE, long_clip
from vst.batch.farm import Job, plan
from vst.errors import VstError
from vst.pipeline import RenderSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code: 1 too if the plans are not equal."""
    parser = create_parser(__doc__)
    parser.add_argument("--minutes", type=positive, default=10)
    parser.add_argument("--jobs", type=positive, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=positive, default=2)
    parser.add_argument("--width", type=positive, default=320)
    parser.add_argument("--height", type=positive, default=180)
    return run(_run, parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, object]:
    seconds: dict[int, list[float]] = {jobs: [] for jobs in options.jobs}
    found: list[Job] = []
    with tempfile.TemporaryDirectory() as folder:
        clip = long_clip(Path(folder) / "clip.mp4", options.minutes, options.width, options.height)
        for number in range(options.rounds):
            for jobs, taken in seconds.items():
                job = Path(folder) / f"{number}-{jobs}.json"
                began = time.monotonic()
                found.append(_plan(clip, job, jobs, options.threads))
                taken.append(time.monotonic() - began)
    if any(dataclasses.replace(each, path=found[0].path) != found[0] for each in found):
        raise VstError("the plans are not equal")
    medians = {jobs: statistics.median(taken) for jobs, taken in seconds.items()}
    first = medians[options.jobs[0]]
    frames = options.minutes * 60 * RATE
    print(f"{frames:,} frames, {options.width}×{options.height}\n")
    rows = [[f"--jobs {jobs}", f"{each:.1f}", f"{first / each:.2f}"] for jobs, each in medians.items()]
    print(markdown(["vst plan", "wall s", "times as fast"], rows))
    return {str(jobs): taken for jobs, taken in seconds.items()}


def _plan(clip: Path, path: Path, jobs: int, threads: int) -> Job:
    settings = RenderSettings(style="candy", mode="itn", threads=threads, device="cpu", resume=False)
    return plan(clip, settings, path, clip.with_name("out.mp4"), jobs=jobs)


if __name__ == "__main__":
    sys.exit(main())
