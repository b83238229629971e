"""Regions of a frame with paintings of their own, by guided statistics (Gatys 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.frame import Frame
from vst.modes.optimisation.paintings import Paintings


class RegionStyle(NamedTuple):
    """What one region of all frames is matched with.

    Attributes:
        paintings: The paintings.
        style_scale: Size of its strokes, as in `RenderSettings`.
    """

    paintings: Paintings
    style_scale: float | None


@dataclass(frozen=True)
class Regions:
    """What the regions of a clip are matched with, and where they are.

    Attributes:
        styles: Of each region.
        shares_of: Where they are in a frame: K×H×W, 0..1, with a sum of 1; None: the first is everywhere.
    """

    styles: tuple[RegionStyle, ...]
    shares_of: Callable[[Frame], Tensor | None]


class RegionPart(NamedTuple):
    """A region of a frame, at one size of it.

    Attributes:
        number: Of the region.
        paintings: What it is matched with.
        painting_side: Longer side of these, in pixels.
        share: Of the frame, above 0 to 1.
        mask: 1×1×h×w, 0..1: where it is; None: everywhere.
    """

    number: int
    paintings: Paintings
    painting_side: int
    share: float
    mask: Tensor | None


def parts_of(
    styles: Sequence[RegionStyle], sides: Sequence[int], shares: Tensor | None
) -> list[RegionPart]:
    """The regions that are in a frame.

    A region weighs as much as it covers, so that a pixel is drawn to its painting as strongly as without
    regions.

    Args:
        styles: Of all regions.
        sides: Longer side of the paintings of each, in pixels.
        shares: K×h×w, as of `Regions.shares_of`.
    """
    if shares is None:
        return [RegionPart(0, styles[0].paintings, sides[0], 1.0, None)]
    found = []
    for number, (style, side, mask) in enumerate(zip(styles, sides, shares, strict=True)):
        share = 1.0 if bool((mask == 1).all()) else float(mask.double().mean())
        if share > 0:
            whole = None if share == 1 else mask[None, None]
            found.append(RegionPart(number, style.paintings, side, share, whole))
    return found


def shares_at(shares: Tensor | None, height: int, width: int) -> Tensor | None:
    """Shares K×H×W at a size of the frame."""
    if shares is None or shares.shape[-2:] == (height, width):
        return shares
    return F.interpolate(shares[None], (height, width), mode="area")[0]


def even_shares(regions: int, height: int, width: int) -> Tensor | None:
    """Shares K×H×W for a picture of which no regions are known; None for one region."""
    return None if regions == 1 else torch.full((regions, height, width), 1 / regions)
