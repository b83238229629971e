"""Whether colours or detail drift while nothing moves: one still picture, noisy, for a long time.

    python -m benchmarks.still_shot --styles candy mosaic --frames 300 --size 270 -o still.json

Every frame has its own Gaussian noise and brightness, as a camera's; shots, motion and modes see it in 8
bits, as in a render. A window of frames at the end is compared with one near the beginning.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.clips import write_frames
from benchmarks.markdown import markdown
from benchmarks.options import add_weights, create_parser, positive, run
from benchmarks.photographs import read_photograph
from benchmarks.rendered import rendered_modes, rendered_weights
from vst.errors import UsageError
from vst.evaluate import gradient_energy, in_8_bits
from vst.frame import Frame
from vst.synthetic import create_scene

CHANNELS = ("red", "green", "blue")


@dataclass
class Course:
    """One output against frame number: mean colours, in 1/255, and gradient energy."""

    colours: list[tuple[float, ...]] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)

    def add(self, output: Tensor) -> None:
        """The next frame, 3×H×W, 0..1."""
        self.colours.append(tuple((255 * output.double().mean((1, 2))).tolist()))
        self.gradients.append(gradient_energy(output))

    def drift(self, early: slice, late: slice) -> Drift:
        """How the late frames differ from the early ones."""
        moved = [_mean(values[late]) - _mean(values[early]) for values in zip(*self.colours, strict=True)]
        return Drift(tuple(moved), _mean(self.gradients[late]) / _mean(self.gradients[early]))


@dataclass(frozen=True)
class Drift:
    """Late against early.

    Attributes:
        colours: By how much the mean of red, green and blue has risen, in 1/255.
        gradient: Ratio of gradient energies.
    """

    colours: tuple[float, ...]
    gradient: float

    @property
    def largest(self) -> float:
        """The largest change of a channel, without its sign."""
        return max(map(abs, self.colours))


def windows(frames: int, skip: int, window: int) -> tuple[slice, slice]:
    """The frames to compare: ``window`` of them after the first ``skip``, and the last ``window``.

    >>> windows(300, 20, 30)
    (slice(20, 50, None), slice(270, 300, None))

    Raises:
        UsageError: where they would overlap, or are empty.
    """
    if skip < 0 or window < 1 or frames < skip + 2 * window:
        raise UsageError(
            f"{frames} frames do not hold two windows of {window} after {skip}; "
            f"give --frames {skip + 2 * window} or more"
        )
    return slice(skip, skip + window), slice(frames - window, frames)


def noisy(picture: Tensor, frames: int, noise: float, flicker: float, seed: int) -> Iterator[Frame]:
    """A still picture as a camera films it.

    Args:
        picture: 3×H×W, 0..1.
        frames: How many.
        noise: Standard deviation of the noise, new in every pixel and frame, in 1/255.
        flicker: Each frame's brightness is multiplied with a number within 1 ± this.
        seed: Chooses everything that is random.

    Yields:
        The frames, in 8 bits; each depends on the seed and its number alone.
    """
    for t in range(frames):
        chance = torch.Generator().manual_seed(seed * 1_000_003 + t)
        light = 1 + flicker * (2 * torch.rand((), generator=chance) - 1)
        image = light * picture + noise / 255 * torch.randn(picture.shape, generator=chance)
        yield Frame(t, Fraction(t, 25), Fraction(1, 25), in_8_bits(image))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    early, late = windows(options.frames, options.skip, options.window)
    picture = _picture(options.photo, options.size)
    frames = list(noisy(picture, options.frames, options.noise, options.flicker, options.seed))
    courses = {("", "input"): Course()}
    for frame in frames:
        courses["", "input"].add(frame.image)
    weights = {style: rendered_weights(options, style) for style in options.styles}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mkv"
        write_frames(source, frames)
        for style in options.styles:
            for name, mode in rendered_modes(options, source, options.frames, style).items():
                course = courses[style, name] = Course()
                for frame in frames:
                    course.add(mode.step(frame))
    drifts = {key: course.drift(early, late) for key, course in courses.items()}
    print(
        f"{picture.shape[-1]}×{picture.shape[-2]}, frames {late.start + 1} to {late.stop} "
        f"against {early.start + 1} to {early.stop}, colours in 1/255\n"
    )
    print(_table(drifts))
    return {
        "size": [picture.shape[-1], picture.shape[-2]],
        "early": [early.start + 1, early.stop],
        "late": [late.start + 1, late.stop],
        "rows": [
            {
                "style": style,
                "mode": mode,
                **({"weights": weights[style][shlex.split(mode)[0]]} if style else {}),
                "colours": dict(zip(CHANNELS, drift.colours, strict=True)),
                "gradient": drift.gradient,
                "frames": {
                    "colours": courses[style, mode].colours,
                    "gradient": courses[style, mode].gradients,
                },
            }
            for (style, mode), drift in drifts.items()
        ],
    }


def _picture(photo: Path | None, size: int) -> Tensor:
    if photo is not None:
        return read_photograph(photo, size).image
    width = round(size * 16 / 9 / 4) * 4
    return create_scene("still_noisy", width=width, height=size, frames=1).clean(0)


def _table(drifts: dict[tuple[str, str], Drift]) -> str:
    rows = [
        [style, mode, *(f"{colour:+.3f}" for colour in drift.colours), f"{drift.largest:.3f}",
         f"{drift.gradient:.4f}"]
        for (style, mode), drift in drifts.items()
    ]  # fmt: skip
    return markdown(["style", "mode", *CHANNELS, "largest", "gradient, late / early"], rows)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--styles", nargs="+", default=["candy"])
    parser.add_argument("--modes", nargs="+", default=["itn", "vtn"])
    add_weights(parser)
    parser.add_argument("--photo", type=Path, help="what is filmed; by default a synthetic scene")
    parser.add_argument("--size", type=positive, default=270, help="shorter side, pixels")
    parser.add_argument("--frames", type=positive, default=300)
    parser.add_argument("--skip", type=int, default=20, help="frames before the first window")
    parser.add_argument("--window", type=positive, default=30, help="frames of each of the two windows")
    parser.add_argument("--noise", type=float, default=4.0, help="standard deviation, in 1/255")
    parser.add_argument("--flicker", type=float, default=0.01, help="brightness within 1 ± this")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
