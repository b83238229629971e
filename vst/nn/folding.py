"""Kernels that give a layer's numbers with less arithmetic, in the shapes that processors are fast at.

A processor's matrix units work on 16 channels at a time or more: a convolution to three channels leaves
most of them idle, and one of an enlarged map multiplies each pixel several times. Here both become
convolutions to four times as many channels, whose output `interleave` puts in place. Only the order of sums
differs. docs/adr/0026-backends.md.
"""

from __future__ import annotations

import torch
from torch import Tensor

SIDE = 2
"""Side of the cells whose pixels become channels."""

FEW = 4
"""Up to so many output channels, `cell_kernels` pay."""

_ENLARGED = torch.tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], dtype=torch.float32)
"""Place in the cell, place in the small map's 2 pixels, tap of 3: which tap meets which pixel."""


def cell_kernels(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """A convolution of stride 1 as one of stride `SIDE` that gives all pixels of a cell as channels.

    Args:
        weight: O×I×k×k.
        bias: O.

    Returns:
        4·O×I×(k+1)×(k+1) and 4·O, channels in the order of `interleave`. Each kernel is the given one at
        another place, among zeros.
    """
    outputs, inputs, height, width = weight.shape
    moved = weight.new_zeros(SIDE, SIDE, outputs, inputs, height + 1, width + 1)
    for y in range(SIDE):
        for x in range(SIDE):
            moved[y, x, :, :, y : y + height, x : x + width] = weight
    return moved.reshape(-1, inputs, height + 1, width + 1), bias.repeat(SIDE**2)


def enlarged_kernels(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """A 3×3 convolution behind nearest-neighbour ×2 as one of the small map, padded by repeating its edges.

    Over an enlarged map a 3×3 kernel reads 2×2 different pixels. So each place in a cell has a 2×2 kernel,
    a sum of the taps that meet the same pixel: 16 multiplications a pixel of the small map, not 36. The
    output lies one pixel further right and down, with an edge of one pixel to cut off.

    Args:
        weight: O×I×3×3.
        bias: O.

    Returns:
        4·O×I×2×2 and 4·O, channels in the order of `interleave`.
    """
    outputs, inputs = weight.shape[:2]
    both = torch.einsum("oiyx,apy,bqx->aboipq", weight.float(), _ENLARGED, _ENLARGED)
    # The place 1 of a cell comes first: its 2 pixels begin one further on than those of the place 0.
    folded = both.flip(0, 1).reshape(SIDE**2 * outputs, inputs, 2, 2)
    return folded.to(weight.dtype), bias.repeat(SIDE**2)


def interleave(x: Tensor) -> Tensor:
    """Channels to cells: B×4·O×H×W to B×O×2H×2W. Channels are ordered by row, column, output."""
    batch, channels, height, width = x.shape
    outputs = channels // SIDE**2
    # In channels_last, so that whole pixels are moved.
    cells = x.permute(0, 2, 3, 1).reshape(batch, height, width, SIDE, SIDE, outputs)
    rows = cells.permute(0, 1, 3, 2, 4, 5).reshape(batch, SIDE * height, SIDE * width, outputs)
    return rows.permute(0, 3, 1, 2)
