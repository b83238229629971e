"""Features of a picture and the way back to its pixels: at once, or in tiles where memory is short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DEEPEST_STRIDE = 16
"""Pixels of the picture to a place of the deepest features: sides of tiles are multiples."""

SMALLEST_SIDE = 32
"""Pixels on the shorter side: smaller pictures are padded by repeating their edges."""

_MOST_CONVOLUTIONS = 4
"""Of a stage of VGG-19."""

LayerGradient = Callable[[str, Tensor], Tensor]
"""Takes a layer's name and its features, 1×N×h×w; returns the gradient of the loss there."""


class Tile(NamedTuple):
    """A part of a picture: what of its features counts, and what has to be seen for that. In pixels."""

    top: int
    bottom: int
    left: int
    right: int
    seen_top: int
    seen_bottom: int
    seen_left: int
    seen_right: int


class FeatureSource:
    """A loss network on its device, in its precision.

    In tiles the features are exactly those of the whole picture, but for rounding: each tile sees as far
    around itself as the network does. Going back to the pixels computes each tile's features once more.

    Pictures are mirrored at their border.

    Args:
        network: From `vst.styles.loss_network`, or a module like it; the source takes it over.
        device: Where it runs.
        precision: float32 or bfloat16, for the convolutions.
    """

    def __init__(self, network: nn.Module, device: torch.device, precision: torch.dtype) -> None:
        self.network = network.eval().requires_grad_(False).to(device, precision)
        self.network = self.network.to(memory_format=torch.channels_last)
        # Zeros beyond the border are an edge of the picture, which then fades to grey to be rid of it.
        for part in self.network.modules():
            if isinstance(part, nn.Conv2d) and part.padding != (0, 0):
                part.padding_mode = "reflect"
        self.device, self.precision = device, precision
        self.layers: tuple[str, ...] = tuple(network.layers)  # type: ignore[arg-type]

    @torch.no_grad()
    def features(self, image: Tensor, layers: Iterable[str], tile: int | None = None) -> dict[str, Tensor]:
        """Features without gradients.

        Args:
            image: 3×H×W, RGB, 0..1; see `padded_if_small`.
            layers: Which.
            tile: Side of tiles in pixels; None: the whole picture at once.

        Returns:
            By layer, 1×N×h×w in the source's precision.
        """
        wanted = tuple(layers)
        if tile is None:
            return self._run(image, wanted)
        height, width = image.shape[-2:]
        whole: dict[str, Tensor] = {}
        for each in self._tiles(height, width, tile, wanted):
            for layer, maps in self._run(self._crop(image, each), wanted).items():
                stride = stride_of(layer)
                if layer not in whole:
                    size = (1, maps.shape[1], height // stride, width // stride)
                    whole[layer] = maps.new_empty(size).contiguous(memory_format=torch.channels_last)
                source, target = _counted(each, stride, height, width)
                whole[layer][target] = maps[source]
        return whole

    def gradient(
        self, image: Tensor, layers: Sequence[str], at_layer: LayerGradient, tile: int | None = None
    ) -> Tensor:
        """The gradient, with respect to the pixels, of a loss of features.

        Args:
            image: 3×H×W, RGB, fp32; both sides at least `SMALLEST_SIDE`.
            layers: Those that the loss looks at.
            at_layer: Called once for each of them, with the features of the whole picture.
            tile: As for `features`.

        Returns:
            3×H×W, fp32.
        """
        if tile is None:
            leaf = image.detach().clone().requires_grad_(True)
            with torch.enable_grad():
                maps = self._run(leaf, layers)
            gradients = [at_layer(layer, maps[layer].detach()) for layer in layers]
            torch.autograd.backward([maps[layer] for layer in layers], gradients)
            assert leaf.grad is not None
            return leaf.grad
        found = self.features(image, layers, tile)
        # A layer's features are let go as soon as their gradient is there.
        at = {layer: at_layer(layer, found.pop(layer)) for layer in layers}
        return self._back_in_tiles(image, layers, at, tile)

    def _back_in_tiles(
        self, image: Tensor, layers: Sequence[str], at: dict[str, Tensor], tile: int
    ) -> Tensor:
        height, width = image.shape[-2:]
        total = torch.zeros_like(image)
        for each in self._tiles(height, width, tile, layers):
            leaf = self._crop(image, each).detach().clone().requires_grad_(True)
            with torch.enable_grad():
                maps = self._run(leaf, layers)
            gradients = []
            for layer in layers:
                source, target = _counted(each, stride_of(layer), height, width)
                gradient = torch.zeros_like(maps[layer])
                gradient[source] = at[layer][target]
                gradients.append(gradient)
            torch.autograd.backward([maps[layer] for layer in layers], gradients)
            assert leaf.grad is not None
            self._add(total, each, leaf.grad)
        return total

    def _tiles(self, height: int, width: int, side: int, layers: Iterable[str]) -> Iterator[Tile]:
        for each in tiles(height, width, side, layers):
            top, bottom = max(each.seen_top, 0), min(each.seen_bottom, height)
            left, right = max(each.seen_left, 0), min(each.seen_right, width)
            yield each._replace(seen_top=top, seen_bottom=bottom, seen_left=left, seen_right=right)

    def _crop(self, image: Tensor, tile: Tile) -> Tensor:
        """What a tile sees of a picture."""
        return image[:, tile.seen_top : tile.seen_bottom, tile.seen_left : tile.seen_right]

    def _add(self, total: Tensor, tile: Tile, gradient: Tensor) -> None:
        """Add the gradient of what a tile sees to that of the picture."""
        self._crop(total, tile).add_(gradient)

    def _run(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        batch = image[None].contiguous(memory_format=torch.channels_last)
        found: dict[str, Tensor] = self.network(batch, layers)
        return found


def padded_if_small(image: Tensor) -> Tensor:
    """A picture C×H×W with sides of at least `SMALLEST_SIDE`: the deepest features are mirrored too."""
    right, down = (max(SMALLEST_SIDE - side, 0) for side in (image.shape[-1], image.shape[-2]))
    return F.pad(image[None], (0, right, 0, down), mode="replicate")[0] if right or down else image


def stride_of(layer: str) -> int:
    """Pixels of the picture to a place of a layer's features, such as 4 for `relu3_1`."""
    stage: int = 2 ** (_place(layer)[0] - 1)
    return stage


def reach_of(layer: str) -> int:
    """How far, in pixels, a place of a layer's features sees to each side, at most.

    >>> reach_of("relu1_1"), reach_of("relu2_1")
    (1, 5)
    """
    stage, number = _place(layer)
    reach = 0
    for before in range(1, stage):
        reach += _MOST_CONVOLUTIONS * 2 ** (before - 1) if before > 2 else 2 * 2 ** (before - 1)
        reach += 2 ** (before - 1)
    return reach + number * 2 ** (stage - 1)


def tiles(height: int, width: int, side: int, layers: Iterable[str]) -> Iterator[Tile]:
    """The tiles of a picture, row by row; what they have to see may lie outside of the picture.

    Args:
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.
        side: Of a tile; brought to a multiple of `DEEPEST_STRIDE`.
        layers: Whose features count.
    """
    side = max(side // DEEPEST_STRIDE, 1) * DEEPEST_STRIDE
    reach = max((reach_of(layer) for layer in layers), default=0)
    reach = -(-reach // DEEPEST_STRIDE) * DEEPEST_STRIDE
    for top in range(0, height, side):
        bottom = min(top + side, height)
        for left in range(0, width, side):
            right = min(left + side, width)
            yield Tile(
                top,
                bottom,
                left,
                right,
                top - reach,
                bottom + reach,
                left - reach,
                right + reach,
            )


_Place = tuple[slice, slice, slice, slice]


def _counted(tile: Tile, stride: int, height: int, width: int) -> tuple[_Place, _Place]:
    """Where the features that count are: in the tile's own maps, and in those of the whole picture."""

    def line(first: int, last: int, seen: int, length: int) -> tuple[slice, slice]:
        # What is left of a picture whose side is no multiple of the stride has no features.
        begin, end = first // stride, min(last // stride, length // stride)
        offset = seen // stride
        return slice(begin - offset, end - offset), slice(begin, end)

    own_rows, rows = line(tile.top, tile.bottom, tile.seen_top, height)
    own_columns, columns = line(tile.left, tile.right, tile.seen_left, width)
    every = slice(None)
    return (every, every, own_rows, own_columns), (every, every, rows, columns)


def _place(layer: str) -> tuple[int, int]:
    stage, number = layer.removeprefix("relu").split("_")
    return int(stage), int(number)
