"""Draw regions.jpg of docs/control.md: a frame, a mask, two styles by the mask, and one style in it alone.

python docs/images/make_regions.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import vst

CLIP = Path(__file__).parents[2] / "examples" / "bunny.mp4"

FRAME = "46f"

ELLIPSE = (0.28, 0.05, 0.78, 1.1)
"""Left, top, right and bottom of the mask, as shares of the frame."""


def main(output: Path = Path(__file__).parent) -> None:
    """Write regions.jpg.

    Args:
        output: Where it goes.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mask = Image.new("L", (640, 360))
        box = [share * side for share, side in zip(ELLIPSE, (640, 360, 640, 360), strict=True)]
        ImageDraw.Draw(mask).ellipse(box, fill=255)
        mask.filter(ImageFilter.GaussianBlur(3)).save(folder / "mask.png")
        region = vst.Region(folder / "mask.png", style="composition-vii")
        pictures = [_rendered(folder, strength=0.0), mask.convert("RGB")]
        pictures += [_rendered(folder, regions=(region,), elsewhere=each) for each in ("wave", "none")]
        sheet = np.concatenate([np.asarray(each.resize((400, 225))) for each in pictures], axis=1)
        Image.fromarray(sheet).save(output / "regions.jpg", quality=88)


def _rendered(folder: Path, **options: object) -> Image.Image:
    """One frame of the clip."""
    settings = vst.RenderSettings(
        style="wave", mode="itn", start=FRAME, frames=1, overwrite=True, **options
    )  # type: ignore[arg-type]
    vst.render(CLIP, settings, folder / "%d.png")
    return Image.open(next(path for path in folder.glob("*.png") if path.stem.isdigit())).convert("RGB")


if __name__ == "__main__":
    main()
