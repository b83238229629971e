"""CPU milliseconds a frame by stage of a `vst render` command: decoding, flow, network and so on.

    python -m benchmarks.stages ../shared/data/clips/bear.mp4 --frames 40 -- --style candy --size 480

Everything after `--` are options of the command. It runs in this process, after a first run of a few
frames that loads and prepares everything. A thread looks at the stacks of all others every few
milliseconds: what a thread does is told by the innermost file of vst that it is in. The CPU time of each
thread, from the operating system, is divided by these looks; threads that are not Python's (codecs, OpenMP,
OpenCV) have a row of their own. *waiting* is the time by the clock in which a stage had nothing to do; it
costs no CPU time.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.cpu_time import split
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from vst.cli import main as vst
from vst.errors import UsageError

_PERIOD = 0.003
_WARM_UP = 4

WAITING, OTHER, NATIVE = "waiting", "other", "threads of codecs, OpenMP, OpenCV"

_PLACES = (
    ("pipeline/threads.py", WAITING),
    ("media/encode", "encode"),
    ("media/segments", "encode"),
    ("media/colour", "colour conversion"),
    ("media/", "decode"),
    ("pipeline/frame_size.py", "resize"),
    ("motion/resize.py", "resize"),
    ("motion/shot_detection.py", "shots"),
    ("keyframes/memory.py", "memory of keyframes"),
    ("motion/", "flow"),
    ("keyframes/propagation.py", "warp"),
    ("keyframes/compositing.py", "composite"),
    ("keyframes/transition.py", "composite"),
    ("keyframes/", "trust"),
    ("modes/", "network"),
    ("nn/", "network"),
    ("postprocess/", "postprocess"),
)
"""Parts of paths below the package, and the stage that they mean; the first that fits counts."""


_SHARED = {
    "motion/fields.py",
    "keyframes/operations.py",
    "keyframes/array_operations.py",
    "keyframes/tensor_operations.py",
}
"""What several stages call: who called it counts."""


def stage_of(path: str) -> str | None:
    """The stage of a source file, by its path below the package; None for files that all stages use.

    >>> stage_of("keyframes/compositing.py")
    'composite'
    >>> stage_of("motion/fields.py") is None
    True
    """
    if path in _SHARED:
        return None
    return next((stage for part, stage in _PLACES if path.startswith(part)), None)


@dataclass
class Sampler:
    """Looks at all threads until it is stopped.

    Attributes:
        looks: For each native thread number, how often it was in each stage.
        cpu: For each native thread number, CPU seconds so far.
    """

    looks: dict[int, Counter[str]] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _began: dict[int, float] = field(default_factory=dict)

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._began = _cpu_of_threads()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self) -> None:
        own, count = threading.get_native_id(), 0
        while not self._stop.wait(_PERIOD):
            numbers = {each.ident: each.native_id for each in threading.enumerate()}
            for ident, frame in sys._current_frames().items():
                number = numbers.get(ident)
                if number is not None and number != own:
                    self.looks.setdefault(number, Counter())[_stage(frame)] += 1
            if count % 10 == 0:
                self._read_clocks(own)
            count += 1
        self._read_clocks(own)

    def _read_clocks(self, own: int) -> None:
        for number, seconds in _cpu_of_threads().items():
            if number != own:
                self.cpu[number] = seconds - self._began.get(number, 0.0)

    def by_stage(self) -> dict[str, float]:
        """CPU seconds by stage, and seconds by the clock that Python's threads waited."""
        found: defaultdict[str, float] = defaultdict(float)
        for number, seconds in self.cpu.items():
            looks = self.looks.get(number)
            busy = {} if looks is None else {stage: n for stage, n in looks.items() if stage != WAITING}
            if not busy:
                found[NATIVE] += seconds
                continue
            for stage, n in busy.items():
                found[stage] += seconds * n / sum(busy.values())
        found[WAITING] = _PERIOD * sum(looks[WAITING] for looks in self.looks.values())
        return dict(found)


def _stage(frame: FrameType | None) -> str:
    package = os.sep + "vst" + os.sep
    while frame is not None:
        name = frame.f_code.co_filename
        if name.endswith(("threading.py", "queue.py")):
            return WAITING
        if package in name:
            stage = stage_of(name.rpartition(package)[2].replace(os.sep, "/"))
            if stage is not None:
                return stage
        frame = frame.f_back
    return OTHER


def _cpu_of_threads() -> dict[int, float]:
    """CPU seconds of every thread of this process, by its native number."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for folder in Path("/proc/self/task").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        found[int(folder.name)] = (int(fields[11]) + int(fields[12])) / ticks
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    own, *commands = split(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(own)
    options.commands = commands
    return run(_run, options)


def _run(options: argparse.Namespace) -> dict[str, Any]:
    if len(options.commands) != 1:
        raise UsageError(f"{len(options.commands)} commands are given; give the options of one after --")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / f"output{options.suffix}"
        _render(options, _WARM_UP, output)
        before, began = time.process_time(), time.monotonic()
        with Sampler() as sampler:
            _render(options, options.frames, output)
        cpu, wall = time.process_time() - before, time.monotonic() - began
    stages = sampler.by_stage()
    waiting = stages.pop(WAITING)
    per_frame = 1000 / options.frames
    found = {stage: seconds * per_frame for stage, seconds in stages.items()}
    rows = [(stage, f"{found[stage]:.1f}") for stage in sorted(found, key=found.__getitem__, reverse=True)]
    rows += [
        ("**all, CPU**", f"**{cpu * per_frame:.0f}**"),
        ("all, by the clock", f"{wall * per_frame:.0f}"),
        ("waiting, all stages", f"{waiting * per_frame:.0f}"),
    ]
    print(markdown(("stage", "ms a frame"), rows))
    return {"cpu_ms": found, "cpu_ms_in_all": cpu * per_frame, "wall_ms": wall * per_frame}


def _render(options: argparse.Namespace, frames: int, output: Path) -> None:
    command = ["render", str(options.clip), "--threads", str(options.threads), *options.commands[0]]
    command += ["--frames", str(frames)]
    log = logging.getLogger("vst")
    level = log.level  # the command sets it for the whole process
    try:
        vst([*command, "-o", str(output), "-y", "-q", "--no-resume"])
    except SystemExit as ended:
        if ended.code:
            raise UsageError(f"vst {' '.join(command)} failed; give options of vst render") from None
    finally:
        log.setLevel(level)


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=positive, default=40)
    parser.add_argument("--suffix", default=".mp4", help="of the output's name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
