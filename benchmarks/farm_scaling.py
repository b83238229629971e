"""How a film scales over a cluster: a simulation from measured times of segments.

    python -m benchmarks.farm_scaling ../shared/data/clips/fox.mp4 --frames 60 --height 240 --mode vtn

First the parts of a render are measured in CPU seconds on one thread, which other programs disturb least:
the plan, a worker's start, segments after their predecessor, one that stylizes the shot before it again,
and the join. Then a film, 100 minutes in 1,500 shots of log-normal length, is rendered as
`vst.batch.cluster.scheduler` does: all nodes search parts of it for shots, then tasks are given to them,
the longest first, each to the next idle node. A shot is a task where frames depend on earlier ones, else a
segment is. `--long` makes one of the shots so many minutes long.
"""

from __future__ import annotations

import argparse
import heapq
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batch_workers import shorten
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from vst.batch.farm import SegmentRenderer, join, plan, planning, read_job
from vst.batch.farm.parallel_scan import SHORTEST_PART
from vst.errors import VstError
from vst.media.segments.encoder import MAX_SEGMENT_FRAMES
from vst.pipeline import RenderSettings

NODES = (1, 3, 10, 30, 100, 300, 1000)
RATE, MINUTES, SHOTS, SPREAD = 25, 100, 1500, 0.9
"""Of the film; the spread is that of the logarithm of a shot's length."""

HANDING_OVER = 0.01
"""Seconds between the end of a task and the begin of the next one on that node."""


@dataclass(frozen=True)
class Costs:
    """CPU seconds of the parts of a render.

    Attributes:
        plan: A frame in the pass that finds the shots.
        start: A worker's start: libraries, network, the check of its node.
        segment: A segment, whatever its length.
        frame: A frame of a segment.
        replay: A frame before a segment that is stylized again.
        join: A frame, copied into the output.
    """

    plan: float
    start: float
    segment: float
    frame: float
    replay: float
    join: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = create_parser(__doc__)
    parser.add_argument("clip", type=Path, help="its first frames have to be one shot")
    parser.add_argument("--frames", type=positive, default=60)
    parser.add_argument("--height", type=positive, default=240)
    parser.add_argument("--mode", default="vtn")
    parser.add_argument("--quality", default="fast")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--cores", type=positive, default=1, help="workers of a node, which plan together")
    parser.add_argument("--long", type=float, default=0, help="minutes of one long shot")
    return run(_run, parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, object]:
    rounds = [measure(options) for _ in range(options.rounds)]
    names = list(Costs.__dataclass_fields__)
    costs = Costs(*(statistics.median(getattr(each, name) for each in rounds) for name in names))
    print(markdown(["CPU ms", *names], [["", *(f"{1000 * getattr(costs, n):.1f}" for n in names)]]))
    is_stateful = options.mode != "itn"
    shots = film(options.long)
    rows, result = [], {}
    for nodes in NODES:
        found = simulate(shots, costs, nodes, options.cores, is_stateful)
        single = simulate(shots, costs, 1, options.cores, is_stateful)
        efficiency = single.whole / found.whole / nodes
        rendering = single.rendering / found.rendering / nodes
        rows.append(
            [
                f"{nodes:,}",
                f"{found.whole / 60:.1f}",
                f"{100 * efficiency:.0f} %",
                f"{found.rendering / 60:.1f}",
                f"{100 * rendering:.0f} %",
                found.limit,
            ]
        )
        result[str(nodes)] = {"minutes": found.whole / 60, "efficiency": efficiency}
    head = ["nodes", "whole: min", "efficiency", "rendering: min", "efficiency", "limited by"]
    print(markdown(head, rows))
    if is_stateful and costs.replay:
        print(_inside(costs))
    return result


def measure(options: argparse.Namespace) -> Costs:
    """Plan, render and join a short clip of one shot, in three segments and one of half their length."""
    length = options.frames // 7 * 2
    frames = 3 * length + length // 2
    planning.MAX_SEGMENT_FRAMES = length
    settings = RenderSettings(
        style="candy", mode=options.mode, quality=options.quality, threads=1, device="cpu", resume=False
    )
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        shorten(options.clip, clip, frames, options.height)
        began = time.process_time()
        job = plan(clip, settings, Path(folder) / "job.json", Path(folder) / "out.mp4")
        planned = time.process_time() - began
        if len(job.segments) != 4:
            raise VstError(f"the first {frames} frames of {options.clip} are not one shot")
        began = time.process_time()
        with SegmentRenderer(read_job(job.path)) as renderer:
            start = time.process_time() - began + _imports()
            renderer.render(0)  # warm
            after = (_seconds(renderer, 1) + _seconds(renderer, 2)) / 2
            short = _seconds(renderer, 3)
            for left in ("state", "video"):
                for index in (0, 1, 2):
                    getattr(job.work, left)(index).unlink(missing_ok=True)
            alone = _seconds(renderer, 2)
            for index in (0, 1):
                renderer.render(index)
        began = time.process_time()
        join(job)
        joined = time.process_time() - began
    frame = (after - short) / (length - length // 2)
    replay = max(alone - after, 0) / (2 * length) if options.mode != "itn" else 0.0
    segment = max(after - frame * length, 0)
    return Costs(planned / frames, start, segment, frame, replay, joined / frames)


def _imports() -> float:
    """CPU seconds until a new process has loaded its libraries."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", "import vst.batch.farm.segment_renderer, scenedetect"], check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _seconds(renderer: SegmentRenderer, index: int) -> float:
    began = time.process_time()
    renderer.render(index)
    return time.process_time() - began


def film(long: float) -> list[int]:
    """Lengths of the shots of a film in frames.

    Args:
        long: Minutes of one of its shots; 0: none is made longer.
    """
    chance = random.Random(0)
    frames = MINUTES * 60 * RATE - round(long * 60 * RATE)
    lengths = [chance.lognormvariate(0, SPREAD) for _ in range(SHOTS - bool(long))]
    scale = frames / sum(lengths)
    return [max(round(each * scale), 1) for each in lengths] + ([round(long * 60 * RATE)] if long else [])


@dataclass(frozen=True)
class Simulated:
    """How long a film takes, in seconds.

    Attributes:
        whole: Planning, rendering and joining.
        rendering: The part that is spread.
        limit: What keeps it from being shorter.
    """

    whole: float
    rendering: float
    limit: str


def simulate(shots: Sequence[int], costs: Costs, nodes: int, cores: int, is_stateful: bool) -> Simulated:
    """Give the tasks of a film to nodes, the longest first.

    Args:
        shots: Their lengths in frames.
        costs: Measured.
        nodes: How many.
        cores: Workers of each.
        is_stateful: Whether a shot is one task.
    """
    tasks = []
    for shot in shots:
        cut = [min(MAX_SEGMENT_FRAMES, shot - first) for first in range(0, shot, MAX_SEGMENT_FRAMES)]
        seconds = [costs.segment + costs.frame * length for length in cut]
        tasks.extend([sum(seconds)] if is_stateful else seconds)
    tasks.sort(reverse=True)
    free = [costs.start] * (nodes * cores)
    for task in tasks:
        heapq.heappush(free, heapq.heappop(free) + HANDING_OVER + task)
    rendering = max(free)
    frames = sum(shots)
    planning = costs.plan * frames / min(nodes * cores, max(frames // SHORTEST_PART, 1))
    joining = costs.join * frames
    whole = planning + rendering + joining
    what = "shot" if is_stateful else "segment"
    parts = {
        "the work": sum(tasks) / nodes / cores,
        f"the longest {what}": tasks[0],
        "the plan": planning,
        "the join on one node": joining,
    }
    return Simulated(whole, rendering, max(parts, key=lambda name: parts[name]))


def _inside(costs: Costs) -> str:
    """How many nodes a single shot can keep busy by stylizing its keyframes again."""
    ratio = costs.frame / costs.replay
    return (
        f"Inside one shot: a frame that is stylized again takes {100 / ratio:.0f} % of one that is "
        "rendered, so without the snapshots of their predecessors the segments of a long shot are done at "
        f"most {ratio:.2f} times as fast, on any number of nodes.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
