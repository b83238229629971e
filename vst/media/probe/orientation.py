"""Orientation: the rotation and mirroring that turn a stored frame upright."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import av
    from av.sidedata.sidedata import SideData
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Orientation:
    """A rotation, then a mirroring.

    Attributes:
        rotation: Degrees clockwise: 0, 90, 180 or 270.
        mirrored: Whether the rotated frame is mirrored left-right.
        exact: False if the file has another angle, and the nearest of the four is used.
    """

    rotation: int = 0
    mirrored: bool = False
    exact: bool = True

    @property
    def transposed(self) -> bool:
        """Whether width and height are exchanged."""
        return self.rotation in (90, 270)

    def apply(self, image: Tensor) -> Tensor:
        """The upright C×H×W image of a stored one (C×W×H if `transposed`)."""
        flip_x = (self.rotation in (90, 180)) != self.mirrored
        flip_y = self.rotation in (180, 270)
        if self.transposed:
            image = image.transpose(1, 2)
        dims = [axis for axis, flip in ((1, flip_y), (2, flip_x)) if flip]
        if dims:
            image = image.flip(dims)
        return image.contiguous()


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """The orientation in a frame's display matrix.

    The matrix (a b u; c d v; x y w) moves the pixel (p, q) at (a p + c q + x, b p + d q + y).
    """
    # PyAV's stubs declare a mapping; iteration gives the entries.
    entries = cast("list[SideData]", list(frame.side_data))
    for data in entries:
        if data.type.name == "DISPLAYMATRIX" and data.buffer_size >= 36:
            return _from_matrix(struct.unpack("=9i", bytes(data)[:36]))
    return Orientation()


def _from_matrix(matrix: tuple[int, ...]) -> Orientation:
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    mirrored = a * d - b * c < 0
    if abs(a) + abs(d) >= abs(b) + abs(c):
        exact = b == 0 == c
        upside_down = d < 0
        return Orientation(180 if upside_down else 0, mirrored, exact)
    return Orientation(90 if b > 0 else 270, mirrored, a == 0 == d)
