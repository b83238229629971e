"""The picture inside the borders of a frame, and the way back into the frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from vst.borders import Borders
from vst.frame import Frame
from vst.pipeline.frame_size import resize_frame
from vst.postprocess import resize


def inside_frame(frame: Frame, borders: Borders, size: tuple[int, int] | None) -> Frame:
    """The picture inside the borders, as if the clip had been cropped before it was resized.

    Args:
        frame: As it was decoded.
        borders: In its pixels.
        size: Width and height of the output; None: the frame's own.
    """
    alpha = None if frame.alpha is None else borders.inside(frame.alpha)
    gain = None if frame.gain is None else borders.inside(frame.gain)
    picture = replace(frame, image=borders.inside(frame.image).contiguous(), alpha=alpha, gain=gain)
    if size is None:
        return picture
    own = _size_of(frame.image)
    return resize_frame(picture, *borders.scaled(own, size).size(*size))


def with_borders(frame: Frame, borders: Borders, size: tuple[int, int] | None) -> Frame:
    """The whole frame at output size; bars are resized by themselves, so nothing of the picture gets in.

    Args:
        frame: As it was decoded.
        borders: In its pixels.
        size: Width and height of the output; None: the frame's own.
    """
    own = _size_of(frame.image)
    if size in (None, own):
        return frame
    whole = resize_frame(frame, *size)
    image, placed = whole.image, borders.scaled(own, size)
    height, width = frame.image.shape[-2:]
    rows = slice(borders.top, height - borders.bottom)
    rows_placed = slice(placed.top, size[1] - placed.bottom)
    for bar, at in (
        ((slice(0, borders.top), slice(None)), (slice(0, placed.top), slice(None))),
        ((slice(rows.stop, None), slice(None)), (slice(rows_placed.stop, None), slice(None))),
        ((rows, slice(0, borders.left)), (rows_placed, slice(0, placed.left))),
        ((rows, slice(width - borders.right, None)), (rows_placed, slice(size[0] - placed.right, None))),
    ):
        target = image[:, *at]
        if target.numel():
            target.copy_(resize(frame.image[:, *bar].contiguous(), (target.shape[-2], target.shape[-1])))
    return whole


def paste(whole: Tensor, picture: Tensor, borders: Borders) -> Tensor:
    """A copy of a frame with another picture inside its borders.

    Args:
        whole: 3×H×W.
        picture: 3×h×w.
        borders: In the frame's pixels.
    """
    out = whole.clone(memory_format=torch.contiguous_format)
    borders.inside(out).copy_(picture)
    return out


def borders_note(kept: Mapping[Borders, int]) -> Iterator[str]:
    """The note on borders for the report of a render; nothing if there were none.

    Args:
        kept: Borders with the index of the first frame that they were kept in.
    """
    if not kept:
        return
    (borders, first), *more = kept.items()
    sides = {"above": borders.top, "below": borders.bottom, "left": borders.left, "right": borders.right}
    widths = ", ".join(f"{width} {side}" for side, width in sides.items() if width)
    others = f", others in {len(more)} more shots or parts of shots" if more else ""
    yield (
        f"borders kept from frame {first}f on ({widths} of the picture, in pixels){others}; "
        "--no-keep-borders stylizes them"
    )


def _size_of(image: Tensor) -> tuple[int, int]:
    return image.shape[-1], image.shape[-2]
