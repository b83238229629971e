"""What flows through the program: a frame, its motion, and the past that a frame is conditioned on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from vst.borders import Crop


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a clip, with its place in time.

    Attributes:
        index: Number of the frame in the clip, from 0.
        time: Presentation time in seconds, exact, as the container has it.
        duration: How long it is shown, in seconds, exact.
        image: Float tensor 3×H×W, RGB, nominally 0..1: the clip's own R'G'B', display-referred.
            Values a little outside 0..1 are legal (YUV has colours that RGB has not); whoever
            needs them inside clamps.
        alpha: Float tensor 1×H×W, 0..1, straight (not multiplied into `image`), or None for an opaque clip.
        gain: Float tensor 1×H×W, 1 or more: by how much the clip's light is brighter than `image` can show
            (`vst.media.colour.light`). None for clips of standard range.
        crop: The part of the clip's frame that `image` shows, where that has borders. None: all of it.
    """

    index: int
    time: Fraction
    duration: Fraction
    image: Tensor
    alpha: Tensor | None = None
    gain: Tensor | None = None
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class Motion:
    """How the current frame relates to an earlier one.

    Attributes:
        flow: Float tensor 2×H×W in pixels, x then y, **backward**: what the current frame shows
            at p was at p + flow(p) in the earlier frame.
        mask: Float tensor 1×H×W: 1 where the earlier frame can be trusted, 0 where it is
            disoccluded, on a motion boundary or out of the frame.
        distance: How many frames back the earlier frame is (1 = the previous one).
    """

    flow: Tensor
    mask: Tensor
    distance: int = 1


@dataclass(frozen=True, slots=True)
class Past:
    """Earlier stylized frames, warped to the current one.

    Attributes:
        image: Float tensor 3×H×W, RGB, −1..1, as `Stylizer.stylize` returned it, warped; 0 where `trust` is
            0.
        trust: Float tensor 1×H×W: 1 where `image` can be trusted.
    """

    image: Tensor
    trust: Tensor
