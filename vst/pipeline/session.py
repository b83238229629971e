"""Everything that happens to a frame between decoding and encoding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from vst.errors import UsageError
from vst.frame import Frame, Motion
from vst.media import DecodedFrame
from vst.modes import Stylizer
from vst.motion import DISTANCES, MotionSource, Tracked, WarpHistory, shots
from vst.motion.tracking import Tracker
from vst.pipeline.frame_size import resize_frame
from vst.postprocess import Postprocess, at_frame_size

ShotState = tuple[Tensor, ...]
"""The state of a session within a shot, exactly: a tensor that counts the parts, then the parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingFrame(Frame):
    """A frame at working resolution, with the frame that it was made from.

    Attributes:
        source: The frame as it was decoded; None if it has the working resolution itself.
    """

    source: Frame | DecodedFrame | None


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """A frame that is ready to be stylized.

    Attributes:
        frame: At working resolution, with its source.
        new_shot: Whether a shot begins here.
        motions: To earlier frames of the shot, by distance.
    """

    frame: WorkingFrame
    new_shot: bool
    motions: Mapping[int, Motion]


class StylizerSession:
    """Resizes, estimates motion, stylizes, upsamples and postprocesses, one shot at a time.

    A pipeline calls `reduce`, `prepare`, `stylize` and `finish`, each in a thread of its own if it likes.
    Full frames wait as decoded planes while shots and motion look ahead; `finish` converts them again.
    Callers that have one frame at a time use `advance`.

    Args:
        stylizer: Stylizes; None leaves every frame as it is (strength 0).
        motion: Where motion comes from; needed if the stylizer is conditioned and frames form a clip.
        postprocess: Applied to every stylized frame.
        working: Width and height at which motion is estimated and frames are stylized; None: their own.
        size: Width and height of the output; None: the frames' own.

    Raises:
        UsageError: The stylizer needs all frames of a shot at once.
    """

    def __init__(
        self,
        stylizer: Stylizer | None,
        motion: MotionSource | None = None,
        postprocess: Postprocess | None = None,
        working: tuple[int, int] | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        if stylizer is not None and stylizer.whole_shot:
            raise UsageError(
                "the mode needs all frames of a shot at once; give a mode that takes one at a time"
            )
        self.stylizer, self.motion, self.working, self.size = stylizer, motion, working, size
        self._postprocess = Postprocess() if postprocess is None else postprocess
        self._history = WarpHistory() if stylizer is not None and stylizer.conditioned else None
        self._tracker: Tracker | None = None

    @property
    def temporal(self) -> bool:
        """Whether a stylized frame depends on the frames before it."""
        return is_temporal(self.stylizer)

    @property
    def look_back(self) -> int:
        """How many earlier frames of the shot are read to estimate a frame's motions."""
        return max(DISTANCES) if self._history is not None else 0

    def reduce(self, given: Frame | DecodedFrame) -> WorkingFrame:
        """Convert a frame and resize it to working resolution."""
        full = self._at_output_size(given)
        small = full if self.working is None else resize_frame(full, *self.working)
        values = {each.name: getattr(small, each.name) for each in fields(Frame)}
        return WorkingFrame(**values, source=None if small is full else given)

    def _at_output_size(self, given: Frame | DecodedFrame) -> Frame:
        frame = given if isinstance(given, Frame) else given.convert()
        return frame if self.size is None else resize_frame(frame, *self.size)

    def prepare(self, frames: Iterable[WorkingFrame]) -> Iterator[PreparedFrame]:
        """Find the shots of a clip and estimate its motion.

        Args:
            frames: Consecutive frames from `reduce`. `vst.motion.shots` looks two frames ahead.

        Yields:
            One prepared frame for each, in order.
        """
        for tracked in self._track(frames):
            assert isinstance(tracked.frame, WorkingFrame)  # tracking passes frames on as they are
            yield PreparedFrame(tracked.frame, tracked.new_shot, tracked.motions)

    def _track(self, frames: Iterable[Frame]) -> Iterator[Tracked]:
        if self._history is None or self.motion is None:
            return (Tracked(frame, new_shot, {}) for frame, new_shot in shots(frames))
        return self.motion.track(frames, DISTANCES)

    def begin_shot(self) -> None:
        """Forget all state."""
        if self.stylizer is not None:
            self.stylizer.reset()
        if self._history is not None:
            self._history.clear()
        if self._tracker is not None:
            self._tracker.clear()

    def stylize(self, prepared: PreparedFrame) -> Tensor | None:
        """Stylize the next frame of the clip; a shot that begins at it begins here too.

        Returns:
            3×h×w at working resolution, RGB, 0..1; None without a stylizer.
        """
        if prepared.new_shot:
            self.begin_shot()
        return self._stylize(prepared.frame, prepared.motions)

    def _stylize(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor | None:
        if self.stylizer is None:
            return None
        past = None if self._history is None else self._history.past(motions)
        output = self.stylizer.stylize(frame, past)
        if self._history is not None:
            self._history.add(output)
        return (output + 1) / 2

    def finish(self, prepared: PreparedFrame, stylized: Tensor | None) -> Frame:
        """Upsample and postprocess.

        Args:
            prepared: The frame.
            stylized: What `stylize` returned for it.

        Returns:
            The frame to write, at output size.
        """
        frame = prepared.frame
        full = frame if frame.source is None else self._at_output_size(frame.source)
        if stylized is None:
            return full
        return replace(full, image=self.compose(stylized, frame.image, full.image))

    def compose(self, stylized: Tensor, reduced: Tensor, image: Tensor) -> Tensor:
        """Upsample and postprocess tensors.

        Args:
            stylized: 3×h×w, RGB, 0..1.
            reduced: 3×h×w, the frame that was stylized.
            image: 3×H×W, the same frame at output size.

        Returns:
            3×H×W, RGB.
        """
        return self._postprocess(at_frame_size(stylized, reduced, image), image)

    def process(self, frames: Iterable[Frame | DecodedFrame]) -> Iterator[Frame]:
        """Frames of a clip to frames to write, in this thread."""
        for prepared in self.prepare(map(self.reduce, frames)):
            yield self.finish(prepared, self.stylize(prepared))

    def advance(self, frame: Frame) -> Tensor:
        """Stylize the next frame of the shot, given only that frame.

        Args:
            frame: At working resolution.

        Returns:
            3×h×w, RGB, 0..1.

        Raises:
            UsageError: The motion is recorded; it serves a whole clip only.
        """
        stylized = self._stylize(frame, self._motions(frame.image))
        return frame.image if stylized is None else stylized

    def _motions(self, image: Tensor) -> Mapping[int, Motion]:
        if self._history is None or self.motion is None:
            return {}
        if self._tracker is None:
            self._tracker = self.motion.tracker(DISTANCES)
        return self._tracker.advance(image)

    def snapshot(self) -> ShotState:
        """The state within the shot, exactly, as tensors that later frames do not change.

        Motion is part of it if frames came through `advance`. Otherwise the frames before have to be read
        again, as many as `look_back` says.
        """
        parts = self._parts()
        counts = torch.tensor([len(part) for part in parts], dtype=torch.int64)
        return (counts, *(tensor for part in parts for tensor in part))

    def _parts(self) -> list[tuple[Tensor, ...]]:
        parts = [() if self.stylizer is None else tuple(self.stylizer.snapshot())]
        if self._history is not None:
            parts.append(self._history.snapshot())
        if self._tracker is not None:
            parts += self._tracker.snapshot()
        return parts

    def restore(self, state: ShotState) -> None:
        """Take up a state that `snapshot` returned."""
        counts, tensors = state[0].tolist(), list(state[1:])
        parts = []
        for count in counts:
            parts.append(tuple(tensors[:count]))
            del tensors[:count]
        self.begin_shot()
        if self.stylizer is not None:
            self.stylizer.restore(parts[0])
        if self._history is not None:
            self._history.restore(parts[1])
        if len(parts) > 2 and self.motion is not None:
            if self._tracker is None:
                self._tracker = self.motion.tracker(DISTANCES)
            self._tracker.restore(tuple(parts[2:]))


def is_temporal(stylizer: Stylizer | None) -> bool:
    """Whether a stylized frame depends on the frames before it."""
    return stylizer is not None and (stylizer.conditioned or stylizer.every_frame)
