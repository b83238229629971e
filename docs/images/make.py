"""Draw the pictures of README.md, from the frames that these commands render:

python examples/demo.py --output demo --size 360 --styles starry-night wave composition-vii
python docs/images/make.py demo
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from vst.media import Reader

CLIP = Path(__file__).parents[2] / "examples" / "bunny.mp4"

STYLES = ("starry-night", "wave", "composition-vii")

STRIP = (12, 46)
"""Frames of the strip: one of each shot."""

ANIMATED = ("composition-vii", range(38, 62))
"""Style and frames of the animation, at 24 frames per second."""


def frames(path: Path, width: int) -> list[Image.Image]:
    """All frames of a video, scaled to a width in pixels."""
    scaled = []
    with Reader(path) as reader:
        for frame in reader:
            pixels = (frame.image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            height = round(pixels.shape[0] * width / pixels.shape[1])
            scaled.append(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))
    return scaled


def beside(pictures: list[Image.Image]) -> np.ndarray:
    """Pictures of equal height in one row: H×W×3."""
    return np.concatenate([np.asarray(picture) for picture in pictures], axis=1)


def main(rendered: Path, output: Path = Path(__file__).parent) -> None:
    """Write strip.jpg and stylized.webp.

    Args:
        rendered: Folder with bunny.STYLE.mp4 for every style.
        output: Where the pictures go.
    """
    columns = [frames(path, 480) for path in (CLIP, *(rendered / f"bunny.{style}.mp4" for style in STYLES))]
    rows = [beside([column[index] for column in columns]) for index in STRIP]
    Image.fromarray(np.concatenate(rows)).save(output / "strip.jpg", quality=88)

    style, shown = ANIMATED
    left, right = columns[0], columns[1 + STYLES.index(style)]
    first, *others = [Image.fromarray(beside([left[index], right[index]])) for index in shown]
    first.save(
        output / "stylized.webp",
        save_all=True,
        append_images=others,
        duration=1000 // 24,
        loop=0,
        quality=72,
        method=6,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
