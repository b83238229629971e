"""Time per frame of each mode, compared in one run.

    python -m benchmarks.mode_times --style candy --modes itn vtn lstm reconet --size 360 --threads 2

All modes stylize each frame in turn, so that other load on the machine affects all of them. Motion
estimation is timed separately, and added to the modes that use it. The table has medians without the first
frames.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.markdown import markdown
from benchmarks.networks import described, need_modes, open_mode
from benchmarks.options import add_weights, create_parser, positive, run
from vst.motion import create_estimator, track
from vst.synthetic import PRESETS, create_scene

WARM_UP = 3
"""Frames that are stylized first and not measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    weights = need_modes(options, options.style)
    modes = {name: open_mode(files, (options.style, 1.0)) for name, files in weights.items()}
    distances = sorted({d for mode in modes.values() for d in mode.distances})
    width = round(options.size * 16 / 9 / 4) * 4
    scene = create_scene(options.scene, width=width, height=options.size, frames=options.frames + WARM_UP)
    stylizing: dict[str, list[float]] = {name: [] for name in modes}
    estimating: list[float] = []
    tracks = track(
        ((frame, frame.index == 0) for frame in list(scene.frames())), create_estimator("dis"), distances
    )
    started = time.perf_counter()
    for tracked in tracks:
        estimating.append(time.perf_counter() - started)
        for name, mode in modes.items():
            started = time.perf_counter()
            mode.step(
                tracked.frame, {d: tracked.motions[d] for d in mode.distances if d in tracked.motions}
            )
            stylizing[name].append(time.perf_counter() - started)
        started = time.perf_counter()
    motion = 1000 * median(estimating[WARM_UP:])
    stylize = {name: 1000 * median(each[WARM_UP:]) for name, each in stylizing.items()}
    total = {name: each + (motion if modes[name].distances else 0) for name, each in stylize.items()}
    first = total[options.modes[0]]
    rows = [
        [
            name,
            *(f"{ms:.0f}" for ms in (stylize[name], each - stylize[name], each)),
            f"{each / first:.2f}",
        ]
        for name, each in total.items()
    ]
    print(f"{width}×{options.size}, {options.frames} frames, {options.threads} threads, medians in ms\n")
    print(markdown(["mode", "stylize", "motion", "total", f"/ {options.modes[0]}"], rows))
    return {
        name: {
            "weights": described(weights[name]),
            "painting_ms": stylize[name],
            "together_ms": total[name],
        }
        for name in modes
    }


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--style", default="candy")
    parser.add_argument(
        "--modes", nargs="+", default=["itn", "vtn", "lstm", "reconet"], help="measured against the first"
    )
    add_weights(parser)
    parser.add_argument("--scene", choices=list(PRESETS), default="crossing")
    parser.add_argument("--frames", type=positive, default=20)
    parser.add_argument("--size", type=positive, default=360, help="shorter side, pixels")
    return parser


if __name__ == "__main__":
    sys.exit(main())
