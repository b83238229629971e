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
from vst.motion.kernels.sampler import sample, serves

_COLUMNS = (9, 7)
"""How many displacements of one row a GPU thread takes; there is a kernel for each."""

_CHANNELS = 8
"""How many channels of a gradient a GPU thread takes."""

_TILE = 16
"""Pixels of a row that the CPU multiplies at once with all that they may be displaced to (T below)."""


def correlation(a: Tensor, b: Tensor, *, max_displacement: int, stride: int = 1) -> Tensor:
    """How alike a is at each pixel to b around it: the correlation layer, one channel a displacement.

    With k = max_displacement // stride, D = 2k + 1 and dx, dy = −k .. k,

        out[:, (dy + k) · D + (dx + k), y, x]
            = mean over c of a[:, c, y, x] · b[:, c, y + dy · stride, x + dx · stride]

    and 0 where that leaves b. This is eq. 1 of Dosovitskiy et al. (2015) for patches of one pixel, divided
    by the number of channels as the published networks have it, and the cost volume of Sun et al. (2018),
    eq. 3. FlowNetC has a displacement of 20 and a stride of 2, PWC-Net 4 and 1.

    The result is the same on every run, and so are the gradients. Sums are kept in float32, in float64 for
    float64. The gradient has none of its own (no second derivative).

    Args:
        a: B×C×H×W, features of the first frame, any range.
        b: B×C×H×W, features of the second frame, of the same type.
        max_displacement: The farthest displacement in x and in y, pixels of the maps.
        stride: Pixels between two displacements.

    Returns:
        B×D²×H×W, of a's type, contiguous. Differentiable in both maps.

    Raises:
        ValueError: Shapes, types or devices do not fit each other, or a displacement is no such number.
        VstError: The GPU's kernels cannot be compiled or started.
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
    if serves(a):
        return sample(a, b, reach, stride)
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
    # The kernel whose last group of displacements is the fullest.
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
    """Correlation as matrix products: a few pixels of a row with all that they may be displaced to.

    T pixels of a are multiplied with the D rows of T + 2·reach pixels of b around them, and the costs are a
    band of that product. Pixels that are no whole number of strides apart never meet; so they are parted
    first, into maps of their own in which the stride is 1. Memory is some times that of maps and costs.
    """

    def __init__(self, like: Tensor, reach: int, stride: int) -> None:
        self.batch, self.channels, self.height, self.width = like.shape
        self.dtype, self.sums = like.dtype, sum_type(like.dtype)
        self.reach, self.stride, self.side = reach, stride, 2 * reach + 1
        # Pixels farther apart than the map is large do not meet either.
        self.down, self.across = min(stride, self.height), min(stride, self.width)
        self.rows, self.columns = -(-self.height // self.down), -(-self.width // self.across)

    def correlate(self, a: Tensor, b: Tensor) -> Tensor:
        """The costs, B×D²×H×W."""
        of_a, of_b = self._part(a), self._part(b, self.reach)
        shape = self.batch, self.side, self.side, self.rows, self.down, self.columns, self.across
        out = of_a.new_empty(shape)
        for part, (n, i, j) in enumerate(self._parts()):
            for start, stop in self._tiles():
                around = self._around(of_b[part], start, stop)
                costs = torch.bmm(of_a[part, :, start:stop], around.mT)
                out[n, :, :, :, i, start:stop, j] = self._band(costs).permute(2, 3, 0, 1)
        whole = out.flatten(5).flatten(3, 4)[..., : self.height, : self.width]
        return whole.flatten(1, 2).div(self.channels).to(self.dtype, memory_format=torch.contiguous_format)

    def gradient_of_a(self, grad: Tensor, b: Tensor) -> Tensor:
        """B×C×H×W: the sum over displacements d of grad[d, p] · b[p + d]."""
        return self._gather(self._grads(grad), b)

    def gradient_of_b(self, grad: Tensor, a: Tensor) -> Tensor:
        """B×C×H×W: the sum over displacements d of grad[−d, p + d] · a[p + d]."""
        edge = self.reach * self.stride
        turned = F.pad(self._grads(grad).flip(1, 2), (edge, edge, edge, edge))
        n, dy, dx, y, x = turned.stride()
        # The entry at (dy, dx, p) of this view is the one at (dy, dx, p + d).
        strides = n, dy + self.stride * y, dx + self.stride * x, y, x
        size = self.batch, self.side, self.side, self.height, self.width
        return self._gather(turned.as_strided(size, strides), a)

    def _gather(self, grads: Tensor, other: Tensor) -> Tensor:
        others, weights = self._part(other, self.reach), self._unflatten(grads)
        out = others.new_empty(len(others), self.rows, self.columns, self.channels)
        for part, (n, i, j) in enumerate(self._parts()):
            for start, stop in self._tiles():
                around = self._around(others[part], start, stop)
                banded = others.new_zeros(self.rows, stop - start, around.shape[1])
                self._band(banded).copy_(weights[n, :, :, :, i, start:stop, j].permute(2, 3, 0, 1))
                out[part, :, start:stop] = torch.bmm(banded, around)
        maps = out.unflatten(0, (self.batch, self.down, self.across)).permute(0, 5, 3, 1, 4, 2)
        maps = maps.flatten(4).flatten(2, 3)[..., : self.height, : self.width]
        return maps.div(self.channels).to(self.dtype)

    def _parts(self) -> Iterator[tuple[int, int, int]]:
        """Picture, first row and first column of each map of its own."""
        return product(range(self.batch), range(self.down), range(self.across))

    def _tiles(self) -> Iterator[tuple[int, int]]:
        for start in range(0, self.columns, _TILE):
            yield start, min(start + _TILE, self.columns)

    def _around(self, part: Tensor, start: int, stop: int) -> Tensor:
        """For each row of a tile the pixels around it, rows×(D·window)×C: views that overlap."""
        window = part[:, start : stop + 2 * self.reach].contiguous()
        _, width, channels = window.shape
        return window.as_strided((self.rows, self.side * width, channels), (width * channels, channels, 1))

    def _band(self, matrices: Tensor) -> Tensor:
        """View of rows×T×(D·window): rows×T×D×D, of each pixel its own displacements."""
        rows, tile, length = matrices.shape
        window = length // self.side
        return matrices.as_strided(
            (rows, tile, self.side, self.side), (tile * length, length + 1, window, 1)
        )

    def _part(self, maps: Tensor, edge: int = 0) -> Tensor:
        """B×C×H×W to parts×rows×columns×C in the type of sums, with an edge of zeros."""
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
        """Rows and columns of maps as (rows, row phases) and (columns, column phases), zeros at the end."""
        right, bottom = self.columns * self.across - self.width, self.rows * self.down - self.height
        if right or bottom:
            maps = F.pad(maps, (0, right, 0, bottom))
        return maps.unflatten(-1, (self.columns, self.across)).unflatten(-3, (self.rows, self.down))

    def _grads(self, grad: Tensor) -> Tensor:
        return grad.to(self.sums).unflatten(1, (self.side, self.side))
