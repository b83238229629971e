"""Frames between decoding and encoding."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from vst.borders import Crop, Look, ShotBorders
from vst.frame import Frame
from vst.media import DecodedFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingFrame(Frame):
    """A frame at working resolution, with the frame that it was made from.

    Attributes:
        source: The frame as it was decoded; None if it has the working resolution itself.
        look: What the frame says about borders; None where they are not kept.
        decoded_size: Width and height of the frame as it was decoded.
        borders: Of its shot at this frame; None before shots are known, and where borders are not kept.
        starts_anew: Whether the borders of the shot changed at this frame, so that it cannot be conditioned
            on those before.
        mixture: How much of each style of the network; None: what it was loaded with.
        strength: 0 is the frame itself, 1 its stylization; None: that of the render.
        masks: Of the whole frame, 1×h×w each, of any size; from `RegionMasks.attach`.
        shares: K×H×W, 0..1, on the CPU: the share of each of K stylizations, with a sum of 1; None where
            there is one.
    """

    source: Frame | DecodedFrame | None
    look: Look | None = None
    decoded_size: tuple[int, int] = (0, 0)
    borders: ShotBorders | None = None
    starts_anew: bool = False
    mixture: tuple[float, ...] | None = None
    strength: float | None = None
    masks: tuple[Tensor, ...] = ()
    shares: Tensor | None = None


def decoded(given: Frame | DecodedFrame) -> Frame:
    """The frame as tensors."""
    return given if isinstance(given, Frame) else given.convert()


def frame_values(frame: Frame) -> dict[str, Any]:
    """The fields of a frame, without those of a subclass."""
    return {each.name: getattr(frame, each.name) for each in fields(Frame)}


def crop_of(frame: Frame) -> Crop | None:
    """The part of a frame from `StylizerSession.reduce` that is inside its own borders."""
    if not isinstance(frame, WorkingFrame) or frame.look is None or not frame.look.borders:
        return None
    return Crop(frame.look.borders, *frame.decoded_size)
