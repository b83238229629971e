"""Random `kill -9` of workers, nodes and the driver of `vst render --ray`: is anything lost, or twice?

    python -m benchmarks.farm_kills ../shared/data/clips --kills 20 --seed 0

A clip of five shots is rendered on a cluster of three nodes. Now and then a worker, all processes of a
node, or the driver is killed; the node is added again, and the driver's command is given again. Once the
output is there, it is compared byte for byte with that of one process, and what is left beside it and what
still runs is counted. Then the next render begins, until there were so many kills.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.farm_clips import shots_clip
from benchmarks.farm_table import VST, one_process
from benchmarks.frame_hashes import hash_video
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from benchmarks.ray_nodes import Nodes, kill, writers
from vst.errors import VstError
from vst.files import hidden_name

NODES = ("one", "two", "three")
TARGETS = ("worker", "node", "driver")

KILLS_A_DRIVER = 2
"""Workers or nodes that are killed under one driver: after three deaths of one task a render gives up."""

EARLY = 0.25
"""Share of the kills that come while nodes are checked or the clip is planned, rather than later."""

LEFT_SECONDS = 60.0
"""What still runs so long after a render is left over."""


@dataclass
class Found:
    """What was found after the renders.

    Attributes:
        kills: How often each kind of process was killed.
        writing: How many of them, or of their processes, were writing a segment.
        starts: How often the driver was started.
        renders: Outputs that were finished.
        different: Those that differ from that of one process.
        files: Names that were left beside them.
        processes: Workers that went on.
    """

    kills: Counter[str] = field(default_factory=Counter)
    writing: int = 0
    starts: int = 0
    renders: int = 0
    different: int = 0
    files: list[str] = field(default_factory=list)
    processes: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code: 1 too if anything was lost or is left."""
    parser = create_parser(__doc__)
    parser.add_argument("sources", type=Path, help="folder with cutbunny, car, bigbuckbunny and dancer")
    parser.add_argument("--height", type=positive, default=120)
    parser.add_argument("--mode", default="vtn")
    parser.add_argument("--kills", type=positive, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=20.0, help="seconds until a kill, at most")
    return run(_run, parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, object]:
    chosen = ["--style", "candy", "--mode", options.mode, "--threads", str(options.threads)]
    with tempfile.TemporaryDirectory(prefix="vst") as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = name  # no other program's timing changes the backend meanwhile
        clip = shots_clip(options.sources, folder / "clip.mp4", options.height)
        whole = folder / "whole.mp4"
        one_process(clip, whole, chosen)
        with Nodes(*NODES) as nodes:
            found = Killing(nodes, options, folder, clip, chosen).run(whole)
    print(markdown(["", ""], _rows(found)))
    if found.different or found.files or found.processes:
        raise VstError("something was lost, or is left")
    return {"kills": dict(found.kills), "renders": found.renders, "starts": found.starts}


def _rows(found: Found) -> list[list[str]]:
    kills = ", ".join(f"{found.kills[each]} {each}s" for each in TARGETS)
    return [
        ["kills", f"{found.kills.total()}: {kills}"],
        ["of processes that were writing a segment", str(found.writing)],
        ["starts of the driver", str(found.starts)],
        ["outputs", str(found.renders)],
        ["outputs that differ from that of one process", str(found.different)],
        ["files left beside them", str(len(found.files))],
        ["processes left", str(found.processes)],
    ]


class Killing:
    """Renders a clip on a cluster again and again, and kills.

    Args:
        nodes: The cluster.
        options: Of the command.
        folder: For the outputs.
        clip: The clip.
        chosen: Options of `vst render`.
    """

    def __init__(
        self, nodes: Nodes, options: argparse.Namespace, folder: Path, clip: Path, chosen: Sequence[str]
    ) -> None:
        self._nodes, self._options, self._folder = nodes, options, folder
        self._clip, self._chosen = clip, chosen
        self._random = random.Random(options.seed)
        self._found = Found()

    def run(self, whole: Path) -> Found:
        """Render until there were enough kills; compares with the output of one process."""
        found, expected = self._found, (whole.read_bytes(), hash_video(whole))
        while found.kills.total() < self._options.kills:
            folder = self._folder / str(found.renders)
            folder.mkdir()
            output = folder / "out.mp4"
            while not output.exists():
                self._drive(output)
            found.renders += 1
            found.different += (output.read_bytes(), hash_video(output)) != expected
            found.files += [each.name for each in folder.iterdir() if each != output]
            found.processes += self._still_running()
        return found

    def _drive(self, output: Path) -> None:
        """Start the driver, and kill until it is killed itself or the output is there.

        Raises:
            VstError: The render has failed.
        """
        command = [*VST, "render", self._clip, "-o", output, "--json", *self._chosen]
        driver = subprocess.Popen(
            [*map(str, command), "--ray", self._nodes.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._nodes.environment},
        )
        self._found.starts += 1
        work = output.with_name(hidden_name(output.name, ".vst-work"))
        for _ in range(KILLS_A_DRIVER):
            if self._found.kills.total() == self._options.kills or not self._wait(driver, work):
                break
            target = self._random.choice(TARGETS)
            self._kill(target, driver, work)
            if target == "driver":
                driver.communicate()
                return
        out, said = driver.communicate()
        if driver.returncode:
            raise VstError(f"the render failed: {said.strip()[-500:]}")
        done = json.loads(out.splitlines()[-1])
        print("   done", done["frames"], "frames,", done["resumed"], "of them kept", file=sys.stderr)

    def _wait(self, driver: subprocess.Popen[str], work: Path) -> bool:
        """Wait for a random time; whether the driver still runs then.

        The time begins when a segment is written, or now and then when a worker begins to check its node.
        """
        is_early = self._random.random() < EARLY
        while not (self._nodes.workers() if is_early else writers(work)) and driver.poll() is None:
            time.sleep(0.2)
        end = time.monotonic() + self._random.uniform(0, self._options.longest)
        while time.monotonic() < end and driver.poll() is None:
            time.sleep(0.05)
        return driver.poll() is None

    def _kill(self, target: str, driver: subprocess.Popen[str], work: Path) -> None:
        busy = writers(work)
        if target == "driver":
            was_writing = bool(busy)
            driver.kill()
        elif target == "node":
            name = self._random.choice(NODES)
            was_writing = name in map(self._nodes.node_of, busy)
            self._nodes.kill(name)
            self._nodes.add(name)
        else:
            workers = self._nodes.workers()
            if not workers:
                return
            worker = self._random.choice(workers)
            was_writing = worker in busy
            kill(worker)
        self._found.kills[target] += 1
        self._found.writing += was_writing
        number = self._found.kills.total()
        what = "which was writing" if was_writing else ""
        print(number, target, what, file=sys.stderr, flush=True)

    def _still_running(self) -> int:
        end = time.monotonic() + LEFT_SECONDS
        while self._nodes.workers() and time.monotonic() < end:
            time.sleep(0.5)
        return len(self._nodes.workers())


if __name__ == "__main__":
    sys.exit(main())
