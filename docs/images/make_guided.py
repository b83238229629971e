"""Draw guided.jpg of docs/control.md: a photograph, a painting, all of that, and sky to sky.

python docs/images/make_guided.py PHOTO SCREAM LOSS_NETWORK

PHOTO is 06.jpg of ../shared/data/photos-check, SCREAM the painting by Munch, LOSS_NETWORK a folder as for
--loss-network. It takes some minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import vst

INSIDE = (8, 6, 762, 508)
"""Left, top, right and bottom of the photograph without its frame."""

SKY = ((0, 91), (92, 86), (232, 104), (242, 123), (322, 127), (492, 127), (562, 131), (760, 131))
"""The lower edge of the sky of the photograph, in pixels."""

SKY_OF_SCREAM = ((10, 292), (160, 288), (320, 300), (440, 296), (600, 270), (680, 250), (752, 244))
"""The same of the painting, 804×1024."""

EDGE = 6
"""Pixels beside that edge that belong to neither part of the painting."""

STEPS, SIDE, SHOWN, GAP = 160, 256, 220, 8
"""Steps, short side of what is optimised, height of the pictures and the gap between them, in pixels."""


def main(photo: Path, scream: Path, loss_network: str, output: Path = Path(__file__).parent) -> None:
    """Write guided.jpg.

    Args:
        photo: The photograph.
        scream: The painting.
        loss_network: As for `--loss-network`.
        output: Where it goes.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.open(photo).convert("RGB").crop(INSIDE).save(folder / "photo.png")
        size, whole = Image.open(folder / "photo.png").size, Image.open(scream).size
        _above(size, SKY, 0, size[0]).save(folder / "sky.png")
        _above(whole, SKY_OF_SCREAM, 0, SKY_OF_SCREAM[-1][0]).save(folder / "sky-of-scream.png")
        rest = _above(whole, SKY_OF_SCREAM, 2 * EDGE, SKY_OF_SCREAM[-1][0], invert=True)
        rest.save(folder / "rest-of-scream.png")

        def rendered(style: str, regions: tuple[str, ...] = ()) -> Image.Image:
            settings = vst.RenderSettings(
                style=style,
                regions=regions,  # type: ignore[arg-type]
                mode="gatys",
                loss_network=loss_network,
                steps=STEPS,
                size=SIDE,
                overwrite=True,
            )
            vst.render(folder / "photo.png", settings, folder / "out.png")
            return Image.open(folder / "out.png").convert("RGB")

        sky = f"{folder / 'sky.png'}={scream}@{folder / 'sky-of-scream.png'},feather=6"
        pictures = [
            Image.open(folder / "photo.png"),
            Image.open(scream).convert("RGB"),
            rendered(str(scream)),
        ]
        pictures.append(rendered(f"{scream}@{folder / 'rest-of-scream.png'}", (sky,)))
        gap = np.full((SHOWN, GAP, 3), 255, np.uint8)
        parts = [part for each in pictures for part in (gap, np.asarray(_shown(each)))]
        sheet = np.concatenate(parts[1:], axis=1)
        Image.fromarray(sheet).save(output / "guided.jpg", quality=88)


def _above(
    size: tuple[int, int], edge: tuple[tuple[int, int], ...], down: int, right: int, *, invert: bool = False
) -> Image.Image:
    """A mask of what is above an edge, moved down; inverted, of what is below."""
    mask = Image.new("L", size)
    moved = [(x, y + down) for x, y in edge]
    left, bottom = edge[0][0], size[1] if invert else 0
    ImageDraw.Draw(mask).polygon([(left, bottom), *moved, (right, bottom)], fill=255)
    return mask


def _shown(picture: Image.Image) -> Image.Image:
    return picture.resize((round(SHOWN * picture.width / picture.height), SHOWN), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
