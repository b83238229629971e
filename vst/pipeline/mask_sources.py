"""What `vst mask` makes masks of: a range of luma or colour, a rectangle, what moves, a tracked mask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vst.errors import UsageError
from vst.frame import Frame
from vst.keyframes.composed_flow import ComposedFlow
from vst.keyframes.link import Link, Step
from vst.keyframes.operations import ARRAYS, Field
from vst.motion import FlowPair, MotionSource
from vst.motion.pairs import Paired
from vst.pipeline.mask_settings import Chroma, MaskSettings
from vst.postprocess.colour import luminance

_SOFT = 0.02
"""Luma over which the edge of a range is softened."""

_SLOWEST = 0.002
"""Share of the short side by which something moves against the camera in a frame, at least."""

_LEAST_TRUSTED = 0.75
"""Share of a frame below which a tracked mask goes on from the last frame, not from the first."""

_FITS = 4
"""Times that the camera's motion is fitted, each without what moved against the one before."""

_MEDIAN = 5
"""Side in pixels of the median that removes single wrong vectors."""


def mask_of(settings: MaskSettings) -> Callable[[Frame], Tensor]:
    """A function that gives the mask of one frame alone, 1×H×W, 0..1."""
    if settings.luma is not None:
        return partial(_luma_mask, *settings.luma)
    if settings.chroma is not None:
        return partial(_chroma_mask, settings.chroma)
    assert settings.rectangle is not None
    return partial(_rectangle_mask, settings.rectangle)


def _luma_mask(low: float, high: float, frame: Frame) -> Tensor:
    luma = luminance(frame.image.clamp(0, 1))
    above, below = (luma - low) / _SOFT + 1, (high - luma) / _SOFT + 1
    return torch.minimum(above, below).clamp(0, 1)


def _chroma_mask(chroma: Chroma, frame: Frame) -> Tensor:
    given = torch.tensor(chroma.colour)[:, None, None]
    apart = (_cb_cr(frame.image.clamp(0, 1)) - _cb_cr(given)).square().sum(0, keepdim=True).sqrt()
    # From all of it to nothing over the outer fifth of the range.
    return (5 * (1 - apart / chroma.range)).clamp(0, 1)


def _cb_cr(image: Tensor) -> Tensor:
    """Cb and Cr of BT.709, −0.5..0.5."""
    luma = luminance(image)
    return torch.cat(((image[2:] - luma) / 1.8556, (image[:1] - luma) / 1.5748))


def _rectangle_mask(rectangle: tuple[int, int, int, int], frame: Frame) -> Tensor:
    left, top, width, height = rectangle
    mask = torch.zeros_like(frame.image[:1])
    mask[:, max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = 1
    return mask


def check_rectangle(settings: MaskSettings, width: int, height: int) -> None:
    """Refuse a rectangle outside of the frame.

    Raises:
        UsageError: It is.
    """
    if settings.rectangle is None:
        return
    left, top, wide, high = settings.rectangle
    if left >= width or top >= height or left + wide <= 0 or top + high <= 0:
        raise UsageError(
            f"the rectangle {left},{top},{wide},{high} is outside of the {width}×{height} of the clip"
        )


def moving_masks(frames: Iterable[Frame], motion: MotionSource) -> Iterator[tuple[Frame, Tensor]]:
    """What moves against the camera.

    Args:
        frames: Consecutive frames of a clip.
        motion: Where motion comes from.

    Yields:
        Each frame with its mask, 1×H×W. The first frame of a shot has that of the flow to the next one.
    """
    waiting: Frame | None = None
    for paired in _pairs(frames, motion):
        frame, pair = paired.frame, paired.pair
        if waiting is not None:
            yield waiting, _moving(waiting.image, None if pair is None else pair.forward)
            waiting = None
        if pair is None:
            waiting = frame
        else:
            yield frame, _moving(frame.image, pair.backward)
    if waiting is not None:
        yield waiting, _moving(waiting.image, None)


def _pairs(frames: Iterable[Frame], motion: MotionSource) -> Iterator[Paired]:
    return motion.pairs(motion.shots(frames, lambda frame: None))


def _moving(image: Tensor, flow: Tensor | None) -> Tensor:
    """Where flow is not the camera's, 1×H×W."""
    if flow is None:
        return torch.zeros_like(image[:1])
    import cv2

    field = ARRAYS.field(flow)
    apart = np.linalg.norm(field - _camera(field), axis=-1).astype(np.float32)
    apart = cv2.medianBlur(apart, _MEDIAN)
    least = max(_SLOWEST * min(apart.shape), 0.3)
    return ARRAYS.tensor((apart / least - 1).clip(0, 1))


def _camera(flow: Field) -> Field:
    """The affine motion that most of a frame has, H×W×2, by least squares without what departs from it."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    terms = np.stack((np.ones_like(x), x / width - 0.5, y / height - 0.5), -1).reshape(-1, 3)
    vectors = flow.reshape(-1, 2)
    kept = np.linalg.norm(vectors - np.median(vectors, 0), axis=1)
    solution = np.zeros((3, 2))
    for _ in range(_FITS):
        near = kept <= max(float(np.median(kept)) * 2, 0.25)
        solution, *_ = np.linalg.lstsq(terms[near], vectors[near], rcond=None)
        kept = np.linalg.norm(vectors - terms @ solution, axis=1)
    fitted: Field = (terms @ solution).reshape(flow.shape)
    return fitted


def tracked_masks(
    frames: Iterable[Frame], motion: MotionSource, first: Tensor, notes: list[str]
) -> Iterator[tuple[Frame, Tensor]]:
    """A mask of the first frame, propagated through its shot.

    Args:
        frames: Consecutive frames of a clip.
        motion: Where motion comes from.
        first: 1×H×W, of the size of the frames.
        notes: Gets what the user should know.

    Yields:
        Each frame with its mask, 1×H×W; empty after the first shot.
    """
    track: _Track | None = None
    for paired in _pairs(frames, motion):
        if paired.new_shot and track is not None and not track.ended:
            notes.append(
                f"the mask is empty from frame {paired.frame.index}f on, where another shot begins"
            )
            track.ended = True
        if track is None:
            track = _Track(paired.frame, first)
        yield paired.frame, track.next(paired.frame, paired.pair)


class _Track:
    """A mask on its way through a shot.

    The mask is sampled from the frame that it was given for, not from frame to frame, so that its edge
    stays sharp. Where that cannot be trusted it comes from the frame before, and once too little can be
    trusted all of it does.
    """

    def __init__(self, frame: Frame, mask: Tensor) -> None:
        self.ended = False
        self._mask = self._given = ARRAYS.field(mask)[..., 0]
        self._composed = ComposedFlow(ARRAYS.luma(frame.image))

    def next(self, frame: Frame, pair: FlowPair | None) -> Tensor:
        """The mask of the next frame, 1×H×W."""
        if self.ended:
            return torch.zeros_like(frame.image[:1])
        if pair is not None:
            link = Link.of(pair, ARRAYS)
            step = link.backward
            reach = self._composed.extend(ARRAYS.luma(frame.image), step)
            far = ARRAYS.sample(self._given, ARRAYS.places(reach.flow))
            near = ARRAYS.sample(self._mask, ARRAYS.places(step.flow))
            uncovered = (1 - reach.usable) * ARRAYS.bytes(~step.holds & self._at_edge(near))
            behind = self._behind(link.forward)
            near = ARRAYS.where(uncovered, np.full_like(near, behind), near)
            self._mask = ARRAYS.where(reach.usable, far, near).clip(0, 1)
            if ARRAYS.share(reach.trust) < _LEAST_TRUSTED:
                self._given, self._composed = self._mask, ComposedFlow(ARRAYS.luma(frame.image))
        return ARRAYS.tensor(self._mask)

    @staticmethod
    def _at_edge(mask: Field) -> Field:
        """Where a mask is neither empty nor full all around, H×W bool."""
        side = 2 * (min(mask.shape) // 10) + 1
        around = ARRAYS.mean_around(mask, side)
        return (around > 0.01) & (around < 0.99)

    def _behind(self, step: Step) -> float:
        """Which side lies behind the other at the edge, 1 for the inside: its pixels get covered.

        What one side uncovers on its way belongs to the one behind. Flow cannot tell, since nothing of it
        was seen before.

        Args:
            step: From the frame before to this one.
        """
        inside = ARRAYS.is_inside(ARRAYS.places(step.flow), *self._mask.shape)
        covered = ~step.holds & inside & self._at_edge(self._mask)
        return float(covered.any() and self._mask[covered].mean() > 0.5)


def enlarged(mask: Tensor, height: int, width: int) -> Tensor:
    """A mask at the size of the clip, 1×H×W."""
    if mask.shape[-2:] == (height, width):
        return mask
    return F.interpolate(mask[None], (height, width), mode="bilinear", antialias=True)[0].clamp(0, 1)
