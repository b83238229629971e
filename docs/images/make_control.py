"""Draw the pictures of docs/control.md: python docs/images/make_control.py"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import vst
from vst.colour_modes import COLOURS
from vst.media import Reader

HERE = Path(__file__).parent
CLIP = HERE.parents[1] / "examples" / "bunny.mp4"
WIDTH = 320
COLOUR_WIDTH = 240
COLOUR_STYLE, COLOUR_FRAMES = "candy", (12, 46)
TIMELINE, STRIP = "0.4s:candy 1.2s:wave 1.4s:wave 2.6s:none", (4, 19, 31, 44, 52, 66)


def frames(path: Path, indices: tuple[int, ...]) -> list[torch.Tensor]:
    """Some frames of a video, 3×H×W."""
    with Reader(path) as reader:
        return [frame.image for frame in reader if frame.index in indices]


def row(images: list[torch.Tensor], width: int = WIDTH) -> np.ndarray:
    """Pictures side by side, each of a width in pixels: H×W×3."""
    found = []
    for image in images:
        pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        height = round(width * pixels.shape[0] / pixels.shape[1])
        found.append(np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)))
    return np.concatenate(found, axis=1)


def main(output: Path = HERE) -> None:
    """Write colours.jpg and timeline.jpg."""
    rows = []
    for image in frames(CLIP, COLOUR_FRAMES):
        choices = [vst.stylize(image, COLOUR_STYLE, colour=each) for each in COLOURS]
        rows.append(row([image, *choices], COLOUR_WIDTH))
    Image.fromarray(np.concatenate(rows)).save(output / "colours.jpg", quality=85)
    with tempfile.TemporaryDirectory() as folder:
        settings = vst.RenderSettings(style=TIMELINE, codec="ffv1", size=270)
        rendered = vst.render(CLIP, settings, Path(folder) / "timeline.mkv").output
        shown = frames(rendered, STRIP)
    strip = np.concatenate([row(shown[:3]), row(shown[3:])])
    Image.fromarray(strip).save(output / "timeline.jpg", quality=85)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
