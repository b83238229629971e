"""Feature maps that are computed piece by piece, on request.

A piece of a convolution's output needs a somewhat larger piece of its input, and reflection padding only
where that reaches the picture's own border. So each map requests what it needs from the one before it,
down to a map that is in memory. Only where two pieces overlap, or a piece is requested twice, is anything
computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from vst.nn.layers import ConditionalNorm2d


class Box(NamedTuple):
    """Rows top..bottom−1 and columns left..right−1."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, x: Tensor) -> Tensor:
        """This piece of B×C×H×W, a view."""
        return x[..., self.top : self.bottom, self.left : self.right]

    def within(self, outer: Box) -> Box:
        """The same piece, counted from the corner of one around it."""
        return Box(
            self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left
        )

    def grown(self, by: int, size: tuple[int, int]) -> Box:
        """Grown by a number of pixels to each side, within a map of this size."""
        height, width = size
        return Box(
            max(self.top - by, 0),
            min(self.bottom + by, height),
            max(self.left - by, 0),
            min(self.right + by, width),
        )


def tiles(size: tuple[int, int], side: int) -> Iterator[Box]:
    """A map of this size (height, width) in pieces no longer than `side`, as even as can be, by rows."""
    for top, bottom in _parts(size[0], side):
        for left, right in _parts(size[1], side):
            yield Box(top, bottom, left, right)


def _parts(length: int, side: int) -> list[tuple[int, int]]:
    count = -(-length // side)
    edges = [k * length // count for k in range(count + 1)]
    return list(pairwise(edges))


class Map(Protocol):
    """B×C×H×W that need not be in memory."""

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        ...

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w of it."""
        ...


@dataclass(frozen=True)
class Planes:
    """Tensors one beside the other along C, on any device; pieces come on one device in one type."""

    tensors: Sequence[Tensor]
    device: torch.device
    dtype: torch.dtype

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        height, width = self.tensors[0].shape[-2:]
        return height, width

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        parts = [box.of(each).to(self.device, self.dtype) for each in self.tensors]
        return torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class InMemory:
    """A map in memory."""

    tensor: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        height, width = self.tensor.shape[-2:]
        return height, width

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w, a view."""
        return box.of(self.tensor)


@dataclass(frozen=True)
class Cropped:
    """The upper left part of a map.

    Attributes:
        source: A map that may be larger.
        size: H and W of the part.
    """

    source: Map
    size: tuple[int, int]

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        return self.source.piece(box)


@dataclass(frozen=True)
class Joined:
    """Two maps beside each other along C, in the type of the first."""

    first: Map
    second: Map

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        return self.first.size

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        first = self.first.piece(box)
        return torch.cat((first, self.second.piece(box).to(first.dtype)), 1)


@dataclass(frozen=True)
class Summed:
    """The sum of two maps of one size and type."""

    first: Map
    second: Map

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        return self.first.size

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        return self.first.piece(box) + self.second.piece(box)


@dataclass(frozen=True)
class Packed:
    """Space-to-depth of a map that is reflected at the bottom and right to whole cells.

    Attributes:
        source: The map.
        factor: Side of a cell.
        multiple: What height and width are made multiples of.
    """

    source: Map
    factor: int
    multiple: int

    @property
    def size(self) -> tuple[int, int]:
        """⌈H/multiple⌉·multiple/factor, and likewise for W."""
        height, width = self.source.size
        return tuple((each + -each % self.multiple) // self.factor for each in (height, width))  # type: ignore[return-value]

    def piece(self, box: Box) -> Tensor:
        """B×C·factor²×h×w."""
        height, width = self.source.size
        top, bottom, below = self._rows(box.top, box.bottom, height)
        left, right, beside = self._rows(box.left, box.right, width)
        pixels = self.source.piece(Box(top, bottom, left, right))
        if below or beside:
            pixels = F.pad(pixels, (0, beside, 0, below), mode="reflect")
        pixels = pixels[..., self.factor * box.top - top :, self.factor * box.left - left :]
        return F.pixel_unshuffle(pixels, self.factor).contiguous(memory_format=torch.channels_last)

    def _rows(self, start: int, stop: int, length: int) -> tuple[int, int, int]:
        """What is read of the source, first to last but one, and how much of it is reflected behind."""
        first, last = start * self.factor, stop * self.factor
        missing = max(last - length, 0)
        return max(min(first, length - missing - 1), 0), last - missing, missing


class Windowed:
    """A map of which the piece around one tile is made once, for all layers that read parts of it.

    Args:
        source: The map.
        reach: How far around a tile is read.
    """

    def __init__(self, source: Map, reach: int) -> None:
        self._source, self._reach = source, reach
        self._window: Box | None = None
        self._tensor: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        return self._source.size

    def move(self, tile: Box | None) -> None:
        """Go on to another tile; None: release the memory."""
        self._window = None if tile is None else tile.grown(self._reach, self.size)
        self._tensor = None

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w, of within the window; a view."""
        assert self._window is not None
        if self._tensor is None:
            self._tensor = self._source.piece(self._window)
        return box.within(self._window).of(self._tensor)


@dataclass(frozen=True)
class Convolved:
    """A convolution with reflection padding of half its kernel.

    Attributes:
        convolve: The layer, as it is called with a whole map.
        source: What it is applied to.
        kernel: Its size.
        stride: Its stride.
    """

    convolve: Callable[[Tensor], Tensor]
    source: Map
    kernel: int
    stride: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """⌈H/stride⌉ and ⌈W/stride⌉."""
        height, width = self.source.size
        return -(-height // self.stride), -(-width // self.stride)

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        height, width = self.source.size
        top, bottom = self._needed(box.top, box.bottom, height)
        left, right = self._needed(box.left, box.right, width)
        whole = self.convolve(self.source.piece(Box(top, bottom, left, right)))
        # At the piece's inner borders the layer used reflections in place of pixels: that is left out.
        first = Box(top // self.stride, 0, left // self.stride, 0)
        return box.within(first).of(whole)

    def _needed(self, start: int, stop: int, length: int) -> tuple[int, int]:
        reach = self.kernel // 2
        first = max(start * self.stride - reach, 0) // self.stride * self.stride
        return first, min((stop - 1) * self.stride + reach + 1, length)


@dataclass(frozen=True)
class Enlarged:
    """A layer that doubles the size and looks at most one pixel of its source to each side."""

    enlarge: Callable[[Tensor], Tensor]
    source: Map

    @property
    def size(self) -> tuple[int, int]:
        """2H and 2W."""
        height, width = self.source.size
        return 2 * height, 2 * width

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        half = Box(box.top // 2, -(-box.bottom // 2), box.left // 2, -(-box.right // 2))
        half = half.grown(1, self.source.size)
        whole = self.enlarge(self.source.piece(half))
        return box.within(Box(2 * half.top, 0, 2 * half.left, 0)).of(whole)


@dataclass(frozen=True)
class Normed:
    """A norm by statistics that are known, and ReLU."""

    source: Map
    norm: ConditionalNorm2d
    mean: Tensor
    variance: Tensor
    mix: Tensor
    relu: bool

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        return self.source.size

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        x = self.norm.apply_affine(self.source.piece(box), self.mean, self.variance, self.mix)
        return x.relu_() if self.relu else x


@dataclass(frozen=True)
class Rectified:
    """ReLU."""

    source: Map

    @property
    def size(self) -> tuple[int, int]:
        """H and W."""
        return self.source.size

    def piece(self, box: Box) -> Tensor:
        """B×C×h×w."""
        return F.relu(self.source.piece(box))
