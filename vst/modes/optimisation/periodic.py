"""Features of a picture that repeats: what is beyond one side is what is at the opposite one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.modes.optimisation.features import DEEPEST_STRIDE, FeatureSource, Tile, tiles
from vst.nn.vgg import SlimVGG19

CIRCULAR: Final = "circular"


class PeriodicFeatures(FeatureSource):
    """The loss network of another source, for pictures whose opposite sides are neighbours.

    Both sides of a picture have to be multiples of `DEEPEST_STRIDE`: then pooling begins anew at each
    repetition.

    Args:
        source: Its network is used, not changed.
    """

    def __init__(self, source: FeatureSource) -> None:
        self.network, self.layers = source.network, source.layers
        self.device, self.precision = source.device, source.precision

    def _run(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        with _circular(self.network):
            return super()._run(image, layers)

    def _tiles(self, height: int, width: int, side: int, layers: Iterable[str]) -> Iterator[Tile]:
        return tiles(height, width, side, layers)

    def _crop(self, image: Tensor, tile: Tile) -> Tensor:
        rows, columns = _seen(image, tile)
        return image.index_select(1, rows).index_select(2, columns)

    def _add(self, total: Tensor, tile: Tile, gradient: Tensor) -> None:
        rows, columns = _seen(total, tile)
        # A tile may see a place of the picture several times.
        across = gradient.new_zeros(*gradient.shape[:2], total.shape[2]).index_add_(2, columns, gradient)
        total.index_add_(1, rows, across)


def _seen(image: Tensor, tile: Tile) -> tuple[Tensor, Tensor]:
    """Rows and columns of a picture that a tile sees."""
    height, width = image.shape[-2:]
    rows = torch.arange(tile.seen_top, tile.seen_bottom, device=image.device) % height
    return rows, torch.arange(tile.seen_left, tile.seen_right, device=image.device) % width


@contextmanager
def _circular(network: nn.Module) -> Iterator[None]:
    """Circular padding of every convolution until the context ends."""
    slim = [(part, part.padding) for part in network.modules() if isinstance(part, SlimVGG19)]
    others = [(part, part.padding_mode) for part in network.modules() if isinstance(part, nn.Conv2d)]
    for part, _ in slim:
        part.padding = CIRCULAR
    for convolution, _ in others:
        convolution.padding_mode = CIRCULAR
    try:
        yield
    finally:
        for part, padding in slim:
            part.padding = padding
        for convolution, mode in others:
            convolution.padding_mode = mode


def periodic_sides(width: int, height: int) -> tuple[int, int]:
    """The nearest size that a picture that repeats may have."""
    across, down = (max(1, round(side / DEEPEST_STRIDE)) * DEEPEST_STRIDE for side in (width, height))
    return across, down


def resized_periodic(image: Tensor, height: int, width: int) -> Tensor:
    """A picture C×H×W in another size, bicubic and antialiased, without a seam where it repeats."""
    if image.shape[-2] != height:
        image = _stretched(image, height)
    if image.shape[-1] != width:
        image = _stretched(image.transpose(1, 2), width).transpose(1, 2)
    return image.contiguous()


def _stretched(image: Tensor, height: int) -> Tensor:
    """In another height: the middle one of three repetitions."""
    three = torch.cat((image, image, image), 1)[None]
    size = (3 * height, image.shape[2])
    return F.interpolate(three, size=size, mode="bicubic", antialias=True)[0, :, height : 2 * height]


def sampled_periodic(image: Tensor, x: Tensor, y: Tensor, how: str = "bicubic") -> Tensor:
    """A picture that repeats, at any places.

    Args:
        image: C×H×W.
        x: H'×W', in pixels; the middle of the first pixel is 0.
        y: Likewise.
        how: `bicubic`, or `bilinear` for what is smooth.

    Returns:
        C×H'×W'.
    """
    height, width = image.shape[-2:]
    margin = 2
    padded = F.pad(image[None], (margin,) * 4, mode=CIRCULAR)
    across = 2 * (x.remainder(width) + margin) / (width + 2 * margin - 1) - 1
    down = 2 * (y.remainder(height) + margin) / (height + 2 * margin - 1) - 1
    grid = torch.stack((across, down), 2)[None].to(padded.dtype)
    return F.grid_sample(padded, grid, mode=how, padding_mode="border", align_corners=True)[0]
