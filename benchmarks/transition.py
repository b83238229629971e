"""From one style to another on a still shot: whether both style losses change in one direction.

    python -m benchmarks.transition ../shared/data/photos-check/03.jpg --styles candy wave \
        --style-images ../shared/data/styles --loss-network ../shared/weights

A photograph is shown for some frames in the first style, then changes over `--frames`, then stays in the
other. The table has both style losses against the frame. *back* is the largest step in the wrong direction
during the change, between two frames that are `--apart`, as a share of the whole change.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

import vst
from benchmarks.clips import write_frames
from benchmarks.markdown import markdown
from benchmarks.options import add_losses, create_parser, positive, run, style_sizes
from benchmarks.photographs import read_photograph
from vst.evaluate.metrics.perceptual import ContentStyleMeter
from vst.frame import Frame
from vst.media import Reader
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import find_painting, read_painting

AROUND = 12
"""Frames before and after the transition."""

RATE = 24
ROWS = 9
"""Of the table."""


def back(values: Sequence[float], apart: int = 1) -> float:
    """The largest step against the direction of a course, as a share of its whole change.

    Args:
        values: The course; its ends differ.
        apart: Between how many values a step is taken.

    >>> back([4, 3, 3, 1, 2, 0])
    0.25
    """
    whole = values[-1] - values[0]
    steps = [(after - before) / whole for before, after in zip(values, values[apart:], strict=False)]
    return max(0.0, -min(steps))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    sizes = style_sizes(options.style_size, options.styles)
    pictures = [
        read_painting(find_painting(options.style_images, name), sizes[name]) for name in options.styles
    ]
    meter = ContentStyleMeter(load_loss_network(options.loss_network), pictures)
    photo = read_photograph(options.photo, options.size).image
    target = meter.target(photo)
    result = {}
    for mode in options.modes:
        frames = _rendered(options, photo, mode)
        losses = [meter(frame.image, target, [0, 1])[1] for frame in frames]
        courses = {name: [each[i] for each in losses] for i, name in enumerate(options.styles)}
        changing = slice(AROUND, AROUND + options.frames + 1)
        wrong = {name: back(course[changing], options.apart) for name, course in courses.items()}
        result[mode] = {"losses": courses, "back": wrong}
        print(f"\n**{mode}**, back {', '.join(f'{name} {100 * x:.1f} %' for name, x in wrong.items())}\n")
        print(_table(courses), flush=True)
    return result


def _rendered(options: argparse.Namespace, photo: Tensor, mode: str) -> list[Frame]:
    first, second = options.styles
    count = 2 * AROUND + options.frames
    frames = [Frame(t, Fraction(t, RATE), Fraction(1, RATE), photo) for t in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "still.mkv"
        write_frames(source, frames)
        settings = vst.RenderSettings(
            style=f"{AROUND}f:{first} {AROUND + options.frames}f:{second}",
            mode=mode,
            codec="ffv1",
            pix_fmt="bgr0",
            device="cpu",
            threads=options.threads,
        )
        with Reader(vst.render(source, settings, Path(folder) / "out.mkv").output) as reader:
            return list(reader)


def _table(courses: dict[str, list[float]]) -> str:
    count = len(next(iter(courses.values())))
    shown = [round(i * (count - 1) / (ROWS - 1)) for i in range(ROWS)]
    lines = [[name, *(f"{course[t]:.3f}" for t in shown)] for name, course in courses.items()]
    return markdown(["style loss of", *(f"frame {t}" for t in shown)], lines)


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--styles", nargs=2, default=["candy", "wave"], help="the first and the other")
    parser.add_argument("--modes", nargs="+", default=["vtn", "itn"])
    parser.add_argument("--frames", type=positive, default=24, help="of the transition")
    parser.add_argument("--apart", type=positive, default=1, help="frames between which a step is taken")
    parser.add_argument("--size", type=positive, default=270, help="shorter side of the frames")
    add_losses(parser, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
