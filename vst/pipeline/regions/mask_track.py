"""Reads a mask in step with the clip."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from enum import Enum
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from vst.errors import Interrupted, MediaError, VstError
from vst.frame import Frame
from vst.media import ClipInfo, DecodedFrame, Reader
from vst.media.decode.clip_range import TIME_TOLERANCE
from vst.pipeline.regions.region import Mask
from vst.postprocess.colour import luminance

SNAP = 0.01
"""Values this close to black or white are black or white: what a lossy codec leaves of either."""


class Timing(Enum):
    """Which frame of a mask belongs to a frame of the clip."""

    STILL = "the only one"
    INDEX = "the one with the same number"
    TIME = "the one that is shown at the same time"


class MaskTrack:
    """The frames of a mask, for the frames of a clip in order. Going back opens the file again.

    Args:
        mask: What to read; not the clip's own alpha.
        clip: The clip.
        stop: Ends the waiting once it is set.

    Raises:
        MediaError: The mask cannot be read, or has neither as many frames as the clip nor its duration.
    """

    def __init__(self, mask: Mask, clip: ClipInfo, stop: threading.Event | None = None) -> None:
        self.mask, self._stop = mask, stop
        self._clip = clip
        with ExitStack() as opening:
            self._reader = opening.enter_context(self._open())
            self.info = self._reader.info
            self.timing = _timing(self.info, clip, mask)
            self._channel = mask.channel or self._found_channel()
            if self._channel == "alpha" and not self.info.has_alpha:
                raise MediaError(
                    f"the mask {mask.file} has no alpha; leave channel=alpha out, or give a file with it"
                )
            self._stack = opening.pop_all()
        self._frames: Iterator[DecodedFrame] | None = None
        self._next: DecodedFrame | None = None
        self._held: DecodedFrame | None = None
        self._values: Tensor | None = None  # of the held frame

    @property
    def _path(self) -> Path:
        return Path(self.mask.file)

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def at(self, index: int, time: Fraction) -> Tensor:
        """The mask of a frame of the clip.

        Args:
            index: Of the frame.
            time: Of the frame, in seconds, as stored in the clip.

        Returns:
            1×h×w float16, 0..1, 1 is inside; the same tensor while the mask does not change.

        Raises:
            MediaError: The mask cannot be read, or ends too early.
        """
        if self.timing is Timing.STILL:
            index, time = 0, self._clip.start
        if self._held is not None and self._is_after(self._held, index, time):
            self._reopen()
        while self._held is None or (
            self._next is not None and not self._is_after(self._next, index, time)
        ):
            self._advance(index)
        self._check_end(index, time)
        if self._values is None:
            self._values = self._convert(self._held.convert())
        return self._values

    def _advance(self, index: int) -> None:
        """Go on by one frame."""
        try:
            if self._frames is None:
                self._reader.begin_at(index if self.timing is Timing.INDEX else 0)
                self._frames = self._reader.decoded()
                self._next = next(self._frames, None)
            if self._next is not None:
                self._held, self._values = self._next, None
                self._next = next(self._frames, None)
        except Interrupted:
            raise
        except VstError as error:
            raise MediaError(self._about(error)) from error
        if self._held is None:
            raise self._too_short(index)

    def _is_after(self, frame: DecodedFrame, index: int, time: Fraction) -> bool:
        if self.timing is not Timing.TIME:
            return frame.index > index
        return frame.time - self.info.start > time - self._clip.start + TIME_TOLERANCE

    def _check_end(self, index: int, time: Fraction) -> None:
        """The last frame may stand for one more, as containers round; no longer."""
        assert self._held is not None
        if self._next is not None or self.timing is Timing.STILL:
            return
        late = index - self._held.index
        if self.timing is Timing.TIME:
            beyond = time - self._clip.start - (self._held.time - self.info.start)
            late = 2 if beyond > 2 * max(self._held.duration, self._clip.frame_duration) else 0
        if late > 1:
            raise self._too_short(index)

    def _too_short(self, index: int) -> MediaError:
        return MediaError(
            f"the mask {self.mask.file} ends before frame {index} of {self._clip.path.name}; expected a "
            "picture, or a clip with as many frames or of the same duration"
        )

    def _reopen(self) -> None:
        # The new reader first: a pipe stays open as long as anyone reads it.
        with ExitStack() as opening:
            self._reader = opening.enter_context(self._open())
            self._stack.close()
            self._stack = opening.pop_all()
        self._frames = self._next = self._held = self._values = None

    def _open(self) -> Reader:
        # Numbers in an OpenEXR matte are shares, not light.
        curve = "srgb" if self._path.suffix.lower() == ".exr" else "auto"
        try:
            return Reader(self._path, input_color=curve, stop=self._stop)
        except Interrupted:
            raise
        except VstError as error:
            cause, _, _ = self._about(error).partition(": expected")
            raise MediaError(
                f"{cause}; expected a picture, a clip, or the pattern of an image sequence"
            ) from error

    def _about(self, error: VstError) -> str:
        """What is wrong with the file; most errors begin with its name."""
        cause = str(error)
        named = cause.startswith((str(self._path), self._path.name))
        return f"the mask {cause}" if named else f"the mask {self.mask.file} cannot be read: {cause}"

    def _found_channel(self) -> str:
        """Alpha if the first frame has one that is not opaque."""
        if not self.info.has_alpha:
            return "luma"
        with self._open() as reader:
            first = next(iter(reader), None)
        opaque = first is None or first.alpha is None or bool((first.alpha >= 1 - SNAP).all())
        return "luma" if opaque else "alpha"

    def _convert(self, frame: Frame) -> Tensor:
        if self._channel == "alpha":
            values = torch.ones_like(frame.image[:1]) if frame.alpha is None else frame.alpha
        else:
            values = luminance(frame.image)
        return finished(values, self.mask.invert)


def finished(values: Tensor, invert: bool) -> Tensor:
    """A mask as it is kept: 1×h×w float16."""
    values = snapped(values)
    return (1 - values if invert else values).half()


def snapped(values: Tensor) -> Tensor:
    """Values in 0..1 with exact black and white."""
    values = values.clamp(0, 1)
    values = torch.where(values < SNAP, 0.0, values)
    return torch.where(values > 1 - SNAP, 1.0, values)


def _timing(mask: ClipInfo, clip: ClipInfo, given: Mask) -> Timing:
    """How the frames of a mask are matched to those of a clip.

    Raises:
        MediaError: They cannot be.
    """
    if mask.is_still:
        return Timing.STILL
    if mask.frames is not None and mask.frames == (1 if clip.is_still else clip.frames):
        return Timing.INDEX
    tolerance = max(mask.frame_duration, clip.frame_duration)
    if not clip.is_still and mask.duration and clip.duration:
        if abs(mask.duration - clip.duration) <= tolerance:
            return Timing.TIME
    elif not clip.is_still:
        return Timing.INDEX  # nothing is known of one of them, such as a pipe
    raise MediaError(
        f"the mask {given.file} has {_length(mask)} and {clip.path.name} has {_length(clip)}; expected a "
        "picture, or a clip with as many frames or of the same duration"
    )


def _length(clip: ClipInfo) -> str:
    if clip.is_still:
        return "1 frame"
    frames = "frames" if clip.frames is None else f"{clip.frames} frame{'' if clip.frames == 1 else 's'}"
    return frames if clip.duration is None else f"{frames} ({float(clip.duration):g} s)"
