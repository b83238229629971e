"""Correlation of two feature maps: the matching cost of FlowNetC, FlowNet2 and PWC-Net."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from vst.motion.kernels.launch import launch
from vst.motion.kernels.operands import (
    check_map,
    check_same_device,
    full_precision,
    runs_compiled,
    sum_type,
    type_name,
)
from vst.motion.kernels.sampler import sampler_correlation, sampler_supports

_COLUMNS = (9, 7)
"""Displacements of one row per GPU thread; there is a kernel for each number."""

_CHANNELS = 8
"""Channels of a gradient per GPU thread."""

_TILE = 16
"""Pixels of a row per matrix product on the CPU (T in `_Rows`)."""


def correlation(a: Tensor, b: Tensor, *, max_displacement: int, stride: int = 1) -> Tensor:
    """Correlation of a with b over a square of displacements, one output channel per displacement.

    With k = max_displacement // stride, D = 2k + 1 and dx, dy = −k .. k,

        out[:, (dy + k) · D + (dx + k), y, x]
            = mean over c of a[:, c, y, x] · b[:, c, y + dy · stride, x + dx · stride]

    and 0 where that is outside of b. This is eq. 1 of Dosovitskiy et al. (2015) for patches of one pixel,
    divided by the number of channels like the published networks, and the cost volume of Sun et al. (2018),
    eq. 3. FlowNetC has a maximum displacement of 20 and a stride of 2, PWC-Net 4 and 1.

    Result and gradients are deterministic. Sums are float32, or float64 for float64. There is no second
    derivative.

    Args:
        a: B×C×H×W, features of the first frame, any range.
        b: B×C×H×W, features of the second frame, of the same type.
        max_displacement: Largest displacement in x and in y, in pixels of the maps.
        stride: Step between displacements, in pixels.

    Returns:
        B×D²×H×W, of a's type, contiguous. Differentiable in both maps.

    Raises:
        ValueError: Shapes, types or devices differ, or max_displacement or stride is out of range.
        VstError: The GPU's kernels cannot be compiled or launched.
    """
    check_map("correlation", "a", a)
    check_map("correlation", "b", b)
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(
            f"correlation of {tuple(a.shape)} {type_name(a.dtype)} with {tuple(b.shape)} "
            f"{type_name(b.dtype)}; expected two maps of one shape and type"
        )
    check_same_device("correlation", a, b)
    if max_displacement < 0 or stride < 1:
        raise ValueError(
            f"correlation over displacements up to {max_displacement} in steps of {stride}; "
            "expected max_displacement from 0 and stride from 1"
        )
    reach = max_displacement // stride
    if sampler_supports(a):
        return sampler_correlation(a, b, reach, stride)
    out: Tensor = _Correlation.apply(a, b, reach, stride)
    return out


class _Correlation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, reach: int, stride: int) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.reach, ctx.stride = reach, stride
        if a.numel() == 0:
            return a.new_zeros(len(a), (2 * reach + 1) ** 2, *a.shape[2:])
        if runs_compiled(a):
            return _forward_compiled(a.contiguous(), b.contiguous(), reach, stride)
        with full_precision(a):
            return _Rows(a, reach, stride).correlate(a, b)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        a, b = ctx.saved_tensors
        reach, stride = ctx.reach, ctx.stride
        if a.numel() == 0:
            return torch.zeros_like(a), torch.zeros_like(b), None, None
        of_a = of_b = None
        if runs_compiled(a):
            if ctx.needs_input_grad[0]:
                of_a = _backward_compiled("correlation_backward_a", grad, b, reach, stride)
            if ctx.needs_input_grad[1]:
                of_b = _backward_compiled("correlation_backward_b", grad, a, reach, stride)
            return of_a, of_b, None, None
        rows = _Rows(a, reach, stride)
        with full_precision(a):
            if ctx.needs_input_grad[0]:
                of_a = rows.gradient_of_a(grad, b)
            if ctx.needs_input_grad[1]:
                of_b = rows.gradient_of_b(grad, a)
        return of_a, of_b, None, None


def _forward_compiled(a: Tensor, b: Tensor, reach: int, stride: int) -> Tensor:
    batch, channels, height, width = a.shape
    side = 2 * reach + 1
    out = a.new_empty(batch, side * side, height, width)
    # The kernel with the fewest idle threads.
    columns = min(_COLUMNS, key=lambda count: -(-side // count) * count)
    depth = batch * side * -(-side // columns)
    sizes = (batch, channels, height, width, reach, stride)
    launch(f"correlation_forward_{columns}", out.dtype, (width, height, depth), a, b, out, *sizes)
    return out


def _backward_compiled(kernel: str, grad: Tensor, other: Tensor, reach: int, stride: int) -> Tensor:
    grad, other = grad.contiguous(), other.contiguous()
    batch, channels, height, width = other.shape
    out = torch.empty_like(other)
    depth = batch * -(-channels // _CHANNELS)
    sizes = (batch, channels, height, width, reach, stride)
    launch(kernel, out.dtype, (width, height, depth), grad, other, out, *sizes)
    return out


class _Rows:
    """Correlation on the CPU as matrix products of a few pixels of a row with all displaced pixels.

    T pixels of a are multiplied with the D rows of T + 2·reach pixels of b around them; the costs are a
    band of that product. Pixels whose distance is not a multiple of the stride are never combined, so the
    maps are first split into phases in which the stride is 1. Memory is several times that of the maps and
    the costs.

    Many attributes: the sizes that the published operation is defined by.
    """

    def __init__(self, like: Tensor, reach: int, stride: int) -> None:
        self.batch, self.channels, self.height, self.width = like.shape
        self.dtype, self.sums = like.dtype, sum_type(like.dtype)
        self.reach, self.stride, self.side = reach, stride, 2 * reach + 1
        # A stride larger than the map has no more phases than the map has pixels.
        self.down, self.across = min(stride, self.height), min(stride, self.width)
        self.rows, self.columns = -(-self.height // self.down), -(-self.width // self.across)

    def correlate(self, a: Tensor, b: Tensor) -> Tensor:
        """The costs, B×D²×H×W."""
        of_a, of_b = self._split(a), self._split(b, self.reach)
        shape = self.batch, self.side, self.side, self.rows, self.down, self.columns, self.across
        out = of_a.new_empty(shape)
        for phase, (n, i, j) in enumerate(self._phases()):
            for start, stop in self._tiles():
                window = self._window(of_b[phase], start, stop)
                costs = torch.bmm(of_a[phase, :, start:stop], window.mT)
                out[n, :, :, :, i, start:stop, j] = self._band(costs).permute(2, 3, 0, 1)
        whole = out.flatten(5).flatten(3, 4)[..., : self.height, : self.width]
        return whole.flatten(1, 2).div(self.channels).to(self.dtype, memory_format=torch.contiguous_format)

    def gradient_of_a(self, grad: Tensor, b: Tensor) -> Tensor:
        """B×C×H×W: the sum over displacements d of grad[d, p] · b[p + d]."""
        return self._gather(self._grads(grad), b)

    def gradient_of_b(self, grad: Tensor, a: Tensor) -> Tensor:
        """B×C×H×W: the sum over displacements d of grad[−d, p + d] · a[p + d]."""
        edge = self.reach * self.stride
        flipped = F.pad(self._grads(grad).flip(1, 2), (edge, edge, edge, edge))
        n, dy, dx, y, x = flipped.stride()
        # The element at (dy, dx, p) of this view is the one at (dy, dx, p + d).
        strides = n, dy + self.stride * y, dx + self.stride * x, y, x
        size = self.batch, self.side, self.side, self.height, self.width
        return self._gather(flipped.as_strided(size, strides), a)

    def _gather(self, grads: Tensor, other: Tensor) -> Tensor:
        others, weights = self._split(other, self.reach), self._unflatten(grads)
        out = others.new_empty(len(others), self.rows, self.columns, self.channels)
        for phase, (n, i, j) in enumerate(self._phases()):
            for start, stop in self._tiles():
                window = self._window(others[phase], start, stop)
                banded = others.new_zeros(self.rows, stop - start, window.shape[1])
                self._band(banded).copy_(weights[n, :, :, :, i, start:stop, j].permute(2, 3, 0, 1))
                out[phase, :, start:stop] = torch.bmm(banded, window)
        maps = out.unflatten(0, (self.batch, self.down, self.across)).permute(0, 5, 3, 1, 4, 2)
        maps = maps.flatten(4).flatten(2, 3)[..., : self.height, : self.width]
        return maps.div(self.channels).to(self.dtype)

    def _phases(self) -> Iterator[tuple[int, int, int]]:
        """Index in the batch, first row and first column of each phase."""
        return product(range(self.batch), range(self.down), range(self.across))

    def _tiles(self) -> Iterator[tuple[int, int]]:
        for start in range(0, self.columns, _TILE):
            yield start, min(start + _TILE, self.columns)

    def _window(self, phase: Tensor, start: int, stop: int) -> Tensor:
        """For each row of a tile the pixels around it, rows×(D·window)×C, as overlapping views."""
        window = phase[:, start : stop + 2 * self.reach].contiguous()
        _, width, channels = window.shape
        return window.as_strided((self.rows, self.side * width, channels), (width * channels, channels, 1))

    def _band(self, matrices: Tensor) -> Tensor:
        """View rows×T×(D·window) as rows×T×D×D: the displacements of each pixel."""
        rows, tile, length = matrices.shape
        window = length // self.side
        return matrices.as_strided(
            (rows, tile, self.side, self.side), (tile * length, length + 1, window, 1)
        )

    def _split(self, maps: Tensor, edge: int = 0) -> Tensor:
        """B×C×H×W to phases×rows×columns×C in the type of sums, with an edge of zeros."""
        size = (
            self.batch,
            self.down,
            self.across,
            self.rows + 2 * edge,
            self.columns + 2 * edge,
            self.channels,
        )
        out = torch.zeros(size, dtype=self.sums, device=maps.device)
        inner = out.narrow(3, edge, self.rows).narrow(4, edge, self.columns)
        inner.copy_(self._unflatten(maps).permute(0, 3, 5, 2, 4, 1))
        return out.flatten(0, 2)

    def _unflatten(self, maps: Tensor) -> Tensor:
        """Height and width as (rows, row phases) and (columns, column phases), padded with zeros."""
        right, bottom = self.columns * self.across - self.width, self.rows * self.down - self.height
        if right or bottom:
            maps = F.pad(maps, (0, right, 0, bottom))
        return maps.unflatten(-1, (self.columns, self.across)).unflatten(-3, (self.rows, self.down))

    def _grads(self, grad: Tensor) -> Tensor:
        return grad.to(self.sums).unflatten(1, (self.side, self.side))
