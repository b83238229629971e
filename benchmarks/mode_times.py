"""What a frame costs in each mode, beside each other in one run.

    python -m benchmarks.mode_times --style candy --modes itn vtn lstm reconet --size 360 --threads 2

Each frame is painted by all modes, one after the other, so that whatever else the machine does meets all
alike. Motion is timed apart, and counted to the modes that ask for it. Medians,
the first frames left out.
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
"""Frames that are not counted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    weights = need_modes(options, options.style)
    modes = {name: open_mode(files, (options.style, 1.0)) for name, files in weights.items()}
    distances = sorted({d for mode in modes.values() for d in mode.distances})
    width = round(options.size * 16 / 9 / 4) * 4
    scene = create_scene(options.scene, width=width, height=options.size, frames=options.frames + WARM_UP)
    spent: dict[str, list[float]] = {name: [] for name in modes}
    tracking: list[float] = []
    tracks = track(
        ((frame, frame.index == 0) for frame in list(scene.frames())), create_estimator("dis"), distances
    )
    begun = time.perf_counter()
    for tracked in tracks:
        tracking.append(time.perf_counter() - begun)
        for name, mode in modes.items():
            begun = time.perf_counter()
            mode.step(
                tracked.frame, {d: tracked.motions[d] for d in mode.distances if d in tracked.motions}
            )
            spent[name].append(time.perf_counter() - begun)
        begun = time.perf_counter()
    motion = 1000 * median(tracking[WARM_UP:])
    painting = {name: 1000 * median(each[WARM_UP:]) for name, each in spent.items()}
    total = {name: each + (motion if modes[name].distances else 0) for name, each in painting.items()}
    first = total[options.modes[0]]
    rows = [
        [
            name,
            *(f"{ms:.0f}" for ms in (painting[name], each - painting[name], each)),
            f"{each / first:.2f}",
        ]
        for name, each in total.items()
    ]
    print(f"{width}×{options.size}, {options.frames} frames, {options.threads} threads, medians in ms\n")
    print(markdown(["mode", "painting", "motion", "together", f"/ {options.modes[0]}"], rows))
    return {
        name: {
            "weights": described(weights[name]),
            "painting_ms": painting[name],
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
