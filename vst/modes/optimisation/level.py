"""One size of a frame that is optimised."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Level:
    """One size of a frame.

    Attributes:
        frame: 3×h×w, 0..1.
        scale: Of this size, relative to the last one.
        painting_sides: Longer side of the paintings of each region, in pixels.
        tile: Side of tiles in pixels; None: no tiles.
        picture: 3×h×w, 0..1: what is changed from here on.
        past: Earlier stylized frames warped to this one, 1×3×h×w, 0..1, and where they can be trusted,
            1×1×h×w; or None.
        shares: Where the regions are, K×h×w, 0..1, with a sum of 1; None: the first is everywhere.
    """

    frame: Tensor
    scale: float
    painting_sides: tuple[int, ...]
    tile: int | None
    picture: Tensor
    past: tuple[Tensor, Tensor] | None = None
    shares: Tensor | None = None
