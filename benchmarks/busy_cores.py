"""CPU time and wall time of vst while other programs use the cores, with threads that spin or sleep.

    python -m benchmarks.busy_cores [--frames 6] [--rounds 3] [--mode vtn] [--loads 0 2]

`vst render`, `vst batch` with two jobs, and the worker of the editor plugins stylize the same frames, alone
and beside processes that only count. Each of them runs with threads that wait in a loop, the default of
libgomp, and with threads that wait asleep, the default of vst (`vst.openmp`). Rounds take turns; the table
has medians. CPU time is user and system time of the whole process, the start of Python included.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.markdown import markdown
from vst.host.plugin_build import Built, find_or_build

ROOT = Path(__file__).parents[1]

SPIN = {"GOMP_SPINCOUNT": "300000"}
"""What libgomp does by default."""

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "KMP_BLOCKTIME")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--style", default="candy")
    parser.add_argument("--mode", default="vtn")
    parser.add_argument("--loads", type=int, nargs="+", default=[0, 2], help="counting processes")
    options = parser.parse_args()
    built = find_or_build()
    plain = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    waits: dict[str, Mapping[str, str]] = {"spin": {**plain, **SPIN}, "asleep": plain}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = _pictures(options.frames, options.width, options.height)
        for number in range(2):
            _write(folder / "clips" / f"{number}.mkv", pictures)
        chosen = ["--style", options.style, "--mode", options.mode, "-q", "-y"]
        vst = [sys.executable, "-m", "vst"]
        programs = {
            "vst render": [*vst, "render", folder / "clips" / "0.mkv", "-o", folder / "out.mkv", *chosen],
            "vst batch, two jobs": [
                *vst,
                "batch",
                folder / "clips",
                "-o",
                folder / "o",
                "--jobs",
                "2",
                *chosen,
            ],
        }
        found: dict[tuple[int, str, str], list[tuple[float, float]]] = {}
        for _, load in itertools.product(range(options.rounds), options.loads):
            for wait, environment in waits.items():
                with _counting(load):
                    for program, command in programs.items():
                        shutil.rmtree(folder / "o", ignore_errors=True)  # a batch skips finished files
                        found.setdefault((load, program, wait), []).append(_run(command, environment))
                    measured = _run_worker(
                        built, folder, pictures, options.style, options.mode, environment
                    )
                    found.setdefault((load, "worker of the plugins", wait), []).append(measured)
    for load, program in itertools.product(options.loads, [*programs, "worker of the plugins"]):
        cells = [program, str(load)]
        for wait, kind in itertools.product(waits, (0, 1)):
            cells.append(f"{statistics.median(each[kind] for each in found[load, program, wait]):.1f}")
        rows.append(cells)
    head = ("", "counting processes", "spin: CPU s", "wall s", "asleep: CPU s", "wall s")
    print(markdown(head, rows))


def _pictures(frames: int, width: int, height: int) -> np.ndarray:
    """A smooth texture that moves, N×H×W×3 in 8 bits."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack(
        [
            np.stack([127 + 90 * np.sin((x + 3 * n) / k) * np.cos(y / (k + 7)) for k in (13, 19, 29)], -1)
            for n in range(frames)
        ]
    ).astype(np.uint8)


def _write(path: Path, pictures: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "bgr0"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@contextmanager
def _counting(count: int) -> Iterator[None]:
    """Processes that use a core each."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def _run(command: list[object], environment: Mapping[str, str]) -> tuple[float, float]:
    """CPU and wall seconds of a command with its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(each) for each in command], env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - began


def _run_worker(
    built: Built, folder: Path, pictures: np.ndarray, style: str, mode: str, environment: Mapping[str, str]
) -> tuple[float, float]:
    """CPU seconds of the worker, from its start until all frames are stylized, and wall seconds."""
    clip, configuration = folder / "clip", folder / "vst.conf"
    planes = pictures.astype(np.float32) / 255
    clip.write_bytes(np.concatenate([planes, np.ones_like(planes[..., :1])], -1).tobytes())
    configuration.write_text(f"python={sys.executable}\npackage={ROOT}\nmode={mode}\nstyle={style}\n")
    height, width = pictures.shape[1:3]
    began = time.perf_counter()
    host = subprocess.Popen(
        [str(each) for each in (built.host, built.ofx, clip, width, height, folder / "out")],
        env={**environment, "VST_PLUGIN_CONFIG": str(configuration)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    host.stdin.write(f"render {' '.join(map(str, range(len(pictures))))}\n")
    host.stdin.flush()
    answer = host.stdout.readline()
    if set(answer.removeprefix("rendered ").partition(" seconds ")[0].split()) != {"0"}:
        raise SystemExit(f"the plugin failed: {answer}")
    wall, ticks = time.perf_counter() - began, 0
    for task in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process that has ended meanwhile
            fields = task.read_text().rpartition(")")[2].split()
            if int(fields[1]) == host.pid:
                ticks += int(fields[11]) + int(fields[12])
    host.communicate()
    return ticks / os.sysconf("SC_CLK_TCK"), wall


if __name__ == "__main__":
    main()
