"""Time of short commands, which is mostly the time of what they import.

    python -m benchmarks.start_up [--rounds 7] [--against CHECKOUT]

Runs `vst --help`, `vst styles` and `vst render` of a photograph with one thread, and what Python and
`import torch` alone take. Rounds take turns; the table has medians of CPU time (user and system time of
the whole process) and of wall time. Another checkout can run in the same rounds.
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
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.markdown import markdown

ROOT = Path(__file__).parents[1]

SIZE = (640, 480)
"""Width and height of the photograph."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--style", default="candy")
    parser.add_argument("--photo", type=Path, help="brought to 640×480; a synthetic picture by default")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another version of vst")
    options = parser.parse_args()
    checkouts = [ROOT] if options.against is None else [options.against.resolve(), ROOT]
    with tempfile.TemporaryDirectory() as name:
        photo, output = Path(name, "photo.png"), Path(name, "out.png")
        _picture(options.photo).save(photo)
        chosen = ("--style", options.style, "--mode", "itn", "-o", str(output), "-y")
        commands = {
            "python": ("-c", "pass"),
            "import torch": ("-c", "import torch"),
            "vst --help": ("-m", "vst", "--help"),
            "vst styles": ("-m", "vst", "styles"),
            "vst render photo.png --mode itn": ("-m", "vst", "render", str(photo), *chosen),
        }
        found: dict[tuple[str, Path], list[tuple[float, float]]] = {}
        for number in range(options.rounds + 1):
            for checkout in checkouts:
                for title, arguments in commands.items():
                    measured = _run(arguments, checkout, Path(name))
                    if number:  # the first round fills the disk cache and compiles the modules
                        found.setdefault((title, checkout), []).append(measured)
    rows = [
        [title, *(_median(found[title, checkout], kind) for checkout in checkouts for kind in (0, 1))]
        for title in commands
    ]
    names = [""] if len(checkouts) == 1 else ["before: ", "now: "]
    print(markdown(("", *(f"{name}{kind} ms" for name in names for kind in ("CPU", "wall"))), rows))
    print(f"\n{options.rounds} rounds, load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores")


def _picture(photo: Path | None) -> Image.Image:
    if photo is not None:
        return Image.open(photo).convert("RGB").resize(SIZE)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    planes = [127 + 90 * np.sin(x / k) * np.cos(y / (k + 7)) for k in (13, 19, 29)]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def _run(arguments: tuple[str, ...], checkout: Path, folder: Path) -> tuple[float, float]:
    """CPU and wall milliseconds of a Python process."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=True, capture_output=True
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * cpu, 1000 * wall


def _median(measured: list[tuple[float, float]], kind: int) -> str:
    return f"{statistics.median(each[kind] for each in measured):.0f}"


if __name__ == "__main__":
    main()
