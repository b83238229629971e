"""What the keyframes' algorithm asks of a library: NumPy with OpenCV on the CPU, torch on a GPU.

The algorithm is written once, over fields: H×W or H×W×C, NumPy arrays or tensors. What both do alike is
written as usual (`+`, `&`, slices, `abs`, `clip`, `all`), and the rest is asked of `operations(field)`.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from vst.keyframes.array_operations import ARRAYS
from vst.keyframes.tensor_operations import TensorOperations

Field = Any
"""H×W or H×W×C, one value or C values a pixel: a NumPy array, or a tensor."""

Scalar = Any
"""A number, or a tensor without dimensions: on a GPU it stays there."""


class Operations(Protocol):
    """Operations on fields of one kind, with the numbers of OpenCV but for rounding.

    Flow is H×W×2 float32, in pixels, x then y: p shows what is at p + flow(p). Masks are bool or uint8, 0
    or 1. Outside of a field that is sampled, its border pixel is repeated; samples of uint8 are rounded.
    """

    def field(self, tensor: Tensor) -> Field:
        """C×H×W on any device to H×W×C float32, which is not changed in place."""
        ...

    def tensor(self, field: Field) -> Tensor:
        """H×W×C or H×W to C×H×W, contiguous, where the field is."""
        ...

    def saved(self, field: Field) -> Tensor:
        """A field as a tensor on the CPU, of the same shape and type, for a snapshot."""
        ...

    def restored(self, tensor: Tensor) -> Field:
        """The inverse of `saved`."""
        ...

    def luma(self, image: Tensor) -> Field:
        """BT.601 luma of a frame, 3×H×W, 0..1, as H×W uint8."""
        ...

    def gray(self, image: Field) -> Field:
        """BT.601 luma of H×W×3 float32, H×W float32."""
        ...

    def floats(self, field: Field) -> Field:
        """float32."""
        ...

    def bytes(self, mask: Field) -> Field:
        """A bool mask as uint8."""
        ...

    def integers(self, field: Field | Scalar) -> Field | Scalar:
        """int16, truncated."""
        ...

    def zeros(self, height: int, width: int, *channels: int) -> Field:
        """float32."""
        ...

    def stacked(self, *fields: Field) -> Field:
        """Fields H×W or H×W×C, joined along C."""
        ...

    def where(self, mask: Field, yes: Field, no: Field) -> Field:
        """`yes` where a mask H×W is not 0, else `no`, which may be overwritten."""
        ...

    def times(self, field: Field, weights: Field) -> Field:
        """H×W×C, with at least two channels, times H×W."""
        ...

    def larger(self, one: Field, other: Field) -> Field:
        """The larger of two values at each pixel."""
        ...

    def root(self, field: Field) -> Field:
        """The square root."""
        ...

    def share(self, mask: Field) -> float:
        """The share of a mask that is 1."""
        ...

    def few(self, mask: Field) -> Field | None:
        """The numbers of the pixels where a mask H×W is 1, h×w, each at least once.

        None where they are so many, or the device is such, that it takes longer to gather them than to
        work on all pixels.
        """
        ...

    def median(self, values: Field) -> Scalar:
        """The median; between the two in the middle, their mean."""
        ...

    def places(self, flow: Field) -> Field:
        """p + flow(p) for every pixel p, H×W×2."""
        ...

    def sample(self, field: Field, places: Field, *, nearest: bool = False) -> Field:
        """A field at `places`, bilinear or nearest."""
        ...

    def is_inside(self, places: Field, height: int, width: int) -> Field:
        """Whether `places` lie in a frame of this size, H×W bool."""
        ...

    def doubled(self, field: Field) -> Field:
        """A field enlarged to 2H×2W by Lanczos over 8×8 pixels."""
        ...

    def sample_doubled(self, doubled: Field, flow: Field) -> Field:
        """What `doubled` enlarged, at p + flow(p) for every pixel p, cubic in the enlarged field."""
        ...

    def mean_around(self, field: Field, side: int) -> Field:
        """The mean over side×side pixels, float32; the field is mirrored in the pixels at its border."""
        ...

    def majority(self, mask: Field, side: int) -> Field:
        """1 where most of side×side pixels of a uint8 mask are 1; at the border it is repeated."""
        ...

    def opened(self, mask: Field, side: int) -> Field:
        """A uint8 mask without what is narrower than `side` pixels."""
        ...

    def widened(self, mask: Field, side: int) -> Field:
        """A uint8 mask, 1 where any of side×side pixels is 1."""
        ...

    def resized(self, field: Field, height: int, width: int) -> Field:
        """Bilinear, float32; corners are aligned at the edges of the frame."""
        ...

    def resized_mask(self, mask: Field, height: int, width: int) -> Field:
        """Nearest, uint8."""
        ...

    def quartered(self, field: Field) -> Field:
        """H×W float32 at a quarter of its size, rounded down, at least 1: area means."""
        ...


def operations(field: Field) -> Operations:
    """The operations on fields of the kind of this one."""
    return TensorOperations(field.device) if isinstance(field, Tensor) else ARRAYS


def operations_on(device: torch.device) -> Operations:
    """The operations for frames on a device: OpenCV is fastest on the CPU, and works nowhere else."""
    return ARRAYS if device.type == "cpu" else TensorOperations(device)
