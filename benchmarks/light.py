"""Whether the output has the light of the clip: fades, a flash, black, a dim shot, through `vst.render`.

    python -m benchmarks.light --styles candy --photo ../shared/data/photos-check/03.jpg

Every clip shows one photograph, which moves a little. A table has the mean luma, 0 to 255, of the clip and
of each output.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.clips import write_frames
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from benchmarks.photographs import read_photograph
from vst.evaluate.images import luma
from vst.frame import Frame
from vst.media import Reader
from vst.pipeline import RenderSettings, render

FRAMES = 24
RATE = 24
SHOWN = (0, 4, 8, 10, 12, 16, 18, 20, 23)
"""Frames in the table."""

FADED = 20
"""Frame at which a fade ends."""

LIGHTS: dict[str, Callable[[int], tuple[float, float]]] = {
    "fade out": lambda t: (max(0.0, 1 - t / FADED), 0.0),
    "fade in": lambda t: (min(1.0, t / FADED), 0.0),
    "black": lambda t: (0.0, 0.0),
    "dim": lambda t: (0.15, 0.0),
    "flash": lambda t: (0.0, 1.0) if t == FADED // 2 else (1.0, 0.0),
}
"""By frame number: a factor for the picture, and what is added to it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    picture = read_photograph(options.photo, options.size).image.permute(1, 2, 0).numpy()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, light in LIGHTS.items():
            clip = Path(folder) / f"{name}.mkv"
            write_clip(clip, picture, light)
            rows = {"clip": means(clip)}
            for style in options.styles:
                for mode in options.modes:
                    rows[f"{style}, {mode}"] = _rendered(clip, style, mode, options.keyframe_interval)
            result[name] = rows
            print(f"\n**{name}**\n")
            print(_table(rows))
            sys.stdout.flush()
    return result


def _rendered(clip: Path, style: str, mode: str, interval: int) -> list[float]:
    interval = 1 if mode == "lstm" else interval
    settings = RenderSettings(
        style=style,
        mode=mode,
        device="cpu",
        codec="ffv1",
        overwrite=True,
        quality="fast",
        keyframe_interval=interval,
    )
    return means(render(clip, settings, clip.with_name("output.mkv")).output)


def write_clip(path: Path, picture: np.ndarray, light: Callable[[int], tuple[float, float]]) -> None:
    """A clip of a picture, H×W×3, 0..1, that shifts by a pixel a frame, in a light."""
    height, width = picture.shape[0] // 2 * 2, (picture.shape[1] - FRAMES) // 2 * 2
    frames = []
    for t in range(FRAMES):
        factor, added = light(t)
        image = torch.from_numpy(picture[:height, t : t + width] * factor + added).permute(2, 0, 1)
        frames.append(Frame(t, Fraction(t, RATE), Fraction(1, RATE), image))
    write_frames(path, frames)


def means(path: Path) -> list[float]:
    """Mean luma of each frame, 0 to 255."""
    with Reader(path) as reader:
        return [255 * float(luma(frame.image).mean()) for frame in reader]


def _table(rows: dict[str, list[float]]) -> str:
    header = ["", *(f"frame {t}" for t in SHOWN)]
    return markdown(header, [[name, *(f"{values[t]:.0f}" for t in SHOWN)] for name, values in rows.items()])


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--styles", nargs="+", default=["candy"])
    parser.add_argument("--modes", nargs="+", default=["itn", "vtn", "lstm", "reconet"])
    parser.add_argument("--size", type=positive, default=180, help="shorter side, pixels")
    parser.add_argument("--keyframe-interval", type=int, default=1, help="0 is auto; lstm has 1")
    return parser


if __name__ == "__main__":
    sys.exit(main())
