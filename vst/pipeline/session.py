"""Everything that happens to a frame between decoding and encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from vst.borders import Borders, ShotBorders, look_at
from vst.colour_modes import MATCH
from vst.errors import UsageError
from vst.frame import Frame
from vst.keyframes import Cue, ForwardEngine, KeyframeEngine, Schedule, create_engine
from vst.media import DecodedFrame
from vst.modes import Stylizer, device_for
from vst.modes.stylizer import WholeShotStylizer
from vst.motion import FlowPair, MotionSource, PairTracker, shots
from vst.pipeline.border_keeper import BorderKeeper
from vst.pipeline.control.frame_control import FrameControl
from vst.pipeline.control.treatment import ShotTreatment
from vst.pipeline.finishing import FrameFinisher, at_output_size
from vst.pipeline.frame_size import resize_frame
from vst.pipeline.prepared_frame import PreparedFrame
from vst.pipeline.regions.frame_masks import RegionMasks
from vst.pipeline.shot_engine import ShotEngine
from vst.pipeline.shot_files import ShotFiles
from vst.pipeline.shot_state import ShotState, joined, parts_of
from vst.pipeline.working_frame import WorkingFrame, crop_of, decoded, frame_values
from vst.postprocess import Postprocess

F = TypeVar("F", bound=Frame)


class StylizerSession:
    """Resizes, estimates motion, stylizes, upsamples and postprocesses, one shot at a time.

    A pipeline calls `reduce`, `prepare`, `stylized` and `finish`, each in a thread of its own if it likes.
    Full frames wait as decoded planes while shots and motion look ahead; `finish` converts them again.
    Callers that have one frame at a time use `enter` and `advance`.

    Borders of one colour are left as they are, if they are kept: everything between `prepare` and `finish`
    sees the picture inside only. `vst.borders` says what is a border. Where the borders of a shot turn out
    to hold picture, temporal state starts anew.

    Args:
        stylizer: Stylizes; None leaves every frame as it is (strength 0).
        motion: Where motion comes from; needed if the stylizer is conditioned and frames form a clip.
        postprocess: Applied to every stylized frame.
        working: Width and height at which motion is estimated and frames are stylized; None: their own.
        size: Width and height of the output; None: the frames' own.
        keep_borders: Whether borders of one colour are left as they are.
        inside_working: Gives the working size of the picture inside borders, for its width and height at
            output size; None: its own.
        keyframes: Which frames are stylized, the others being propagated from these; None: every frame is
            stylized, from the one before if the stylizer is conditioned.
        control: Styles and strengths that change over the clip; None: they do not.
        hold: For how many frames a stylized frame is shown.
        shots: Where a shot is stored for a stylizer that works on whole shots.
        masks: Which part of the picture is stylized how; None: all of it alike.

    Raises:
        UsageError: The stylizer needs whole shots and there is no place for them, or each frame of them.
    """

    def __init__(
        self,
        stylizer: Stylizer | None,
        motion: MotionSource | None = None,
        postprocess: Postprocess | None = None,
        working: tuple[int, int] | None = None,
        size: tuple[int, int] | None = None,
        *,
        keep_borders: bool = False,
        inside_working: Callable[[int, int], tuple[int, int]] | None = None,
        keyframes: Schedule | None = None,
        control: FrameControl | None = None,
        hold: int = 1,
        shots: ShotFiles | None = None,
        masks: RegionMasks | None = None,
    ) -> None:
        if stylizer is not None and stylizer.whole_shot and shots is None:
            raise UsageError("the mode needs all frames of a shot at once: use vst render, or another mode")
        if keyframes is not None and stylizer is not None and stylizer.every_frame:
            raise UsageError("the mode needs to see every frame; expected --keyframe-interval 1")
        self.stylizer, self.motion, self.working, self.size = stylizer, motion, working, size
        postprocess = Postprocess() if postprocess is None else postprocess
        self._finisher = FrameFinisher(postprocess, size, masks)
        self._engine: ForwardEngine | KeyframeEngine | ShotEngine | None = None
        if keyframes is None and stylizer is not None and stylizer.conditioned:
            keyframes = Schedule(1)
        if keyframes is not None and stylizer is not None and motion is not None:
            self._engine = create_engine(stylizer, keyframes)
        if isinstance(stylizer, WholeShotStylizer) and stylizer.whole_shot and shots and motion is not None:
            self._engine = ShotEngine(stylizer, shots)
        self.keyframes = keyframes
        self._tracker: PairTracker | None = None
        self._devices: dict[tuple[int, int], torch.device] = {}  # by the size of a frame
        keeps = keep_borders and stylizer is not None
        self._keeper = BorderKeeper(size, inside_working) if keeps else None
        self.control = control
        matches = postprocess.colour == MATCH
        self._treatment = ShotTreatment(hold, matches) if hold > 1 or matches else None

    @property
    def masks(self) -> RegionMasks | None:
        """Which part of the picture is stylized how; None: all of it alike."""
        return self._finisher.masks

    @property
    def temporal(self) -> bool:
        """Whether a stylized frame depends on the frames before it."""
        return self._engine is not None or self._treatment is not None or is_temporal(self.stylizer)

    @property
    def moves(self) -> bool:
        """Whether motion is needed: stylized frames are propagated to later ones."""
        return self._engine is not None

    @property
    def works_on_shots(self) -> bool:
        """Whether frames come out when all of their shot have been seen."""
        return isinstance(self._engine, ShotEngine)

    @property
    def has_state(self) -> bool:
        """Whether a frame depends on the frames of its shot before it: on their stylization or borders."""
        return self.temporal or self.keeps_borders

    @property
    def is_unfinished(self) -> bool:
        """Whether the last frame was stopped before its last step, in a mode that optimises pixels."""
        return bool(getattr(self.stylizer, "interrupted", False))

    @property
    def keeps_borders(self) -> bool:
        """Whether borders of one colour are left as they are."""
        return self._keeper is not None

    @property
    def kept_borders(self) -> Mapping[Borders, int]:
        """The borders that were found so far, with the index of the first frame that had them."""
        return {} if self._keeper is None else self._keeper.kept

    def read_from(self, index: int) -> int:
        """The first frame that is read to go on with frame `index` from the present state."""
        needed = None if self._engine is None else self._engine.needed_from
        return index if needed is None else needed

    def reduce(self, given: Frame | DecodedFrame) -> WorkingFrame:
        """Convert a frame and resize it to working resolution."""
        frame = decoded(given)
        look = look_at(frame.image) if self.keeps_borders else None
        full = at_output_size(frame, self.size)
        small = full if self.working is None else resize_frame(full, *self.working)
        size = frame.image.shape[-1], frame.image.shape[-2]
        # Borders are looked for, and cut off, in the frame as it was decoded.
        needed = full is not frame and look is not None and look.possible
        source = None if small is full and not needed else given
        return WorkingFrame(**frame_values(small), source=source, look=look, decoded_size=size)

    def lead_to(self, first: PreparedFrame, last: int) -> None:
        """Let the last frame of the clip lead to its first, where that is not so by itself.

        Args:
            first: From `prepare`.
            last: Index of the last frame.

        Raises:
            UsageError: Frames do not wait for later keyframes, or the stylizer has state of its own.
        """
        if self.stylizer is None or first.cue is Cue.IDLE:
            return
        if not isinstance(self._engine, KeyframeEngine):
            if not is_temporal(self.stylizer):
                return  # each frame is stylized by itself
            raise UsageError(
                "--loop needs keyframes that frames wait for: give --mode vtn with --look-ahead auto and a "
                "--keyframe-interval other than 1, or a mode that stylizes each frame by itself"
            )
        self._engine.lead_to(self._on_device(first.frame), last)

    def prepare(self, frames: Iterable[WorkingFrame]) -> Iterator[PreparedFrame]:
        """Find the shots of a clip and estimate its motion.

        Args:
            frames: Consecutive frames from `reduce`. `vst.motion.shots` looks two frames ahead.

        Yields:
            One prepared frame for each, in order.
        """
        found: Iterator[PreparedFrame] = (
            replace(prepared, new_shot=prepared.new_shot and not prepared.frame.starts_anew)
            for prepared in self._track(frames)
        )
        if self.masks is not None:
            found = map(self.masks.attach_to, found)
        return found if self.control is None else self.control.apply(found)

    def _track(self, frames: Iterable[Frame]) -> Iterator[PreparedFrame]:
        found: Iterable[tuple[Any, bool]] = self.shots(frames)
        found = found if self._keeper is None else self._keeper.without_borders(found)
        if self._engine is not None and self.motion is not None:
            placed = ((self._on_device(frame), new_shot) for frame, new_shot in found)
            for paired in self.motion.pairs(placed):
                assert isinstance(paired.frame, WorkingFrame)  # motion passes frames on as they are
                yield PreparedFrame(paired.frame, paired.new_shot, pair=paired.pair)
        else:
            for frame, new_shot in found:
                assert isinstance(frame, WorkingFrame)
                yield PreparedFrame(frame, new_shot)

    def shots(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
        """Frames from `reduce`, each with whether a shot begins at it. Looks two frames ahead."""
        if self.motion is None or self._engine is None:
            return shots(frames, crop_of)
        return self.motion.shots(frames, crop_of)

    def begin_shot(self) -> None:
        """Forget all state."""
        if self._keeper is not None:
            self._keeper.clear()
        if self._treatment is not None:
            self._treatment.clear()
        self._start_anew()

    def _start_anew(self) -> None:
        """Forget what frames are conditioned on."""
        if self.stylizer is not None:
            self.stylizer.reset()
        if self._tracker is not None:
            self._tracker.clear()
        if self._engine is not None:
            self._engine.clear()

    def stylized(self, frames: Iterable[PreparedFrame]) -> Iterator[tuple[PreparedFrame, Tensor | None]]:
        """Stylize the frames of a clip.

        Args:
            frames: From `prepare`. Where keyframes are propagated, frames up to the next keyframe are read
                before one comes out; after `restore`, those before the keyframe of the state are passed
                over.

        Yields:
            Each frame with its stylization, 3×h×w, 0..1, or None where it is not stylized.
        """
        found = (
            self._each_alone(frames) if self._engine is None else self._by_keyframes(self._engine, frames)
        )
        return found if self._treatment is None else (self._treatment.take(*each) for each in found)

    def _each_alone(self, frames: Iterable[PreparedFrame]) -> Iterator[tuple[PreparedFrame, Tensor | None]]:
        for prepared in frames:
            if prepared.new_shot or prepared.frame.starts_anew:
                self.begin_shot()
            elif prepared.cue in (Cue.ANEW, Cue.IDLE):
                self._start_anew()
            if self._keeper is not None:
                self._keeper.stylized(prepared.frame)
            held = self._treatment is not None and self._treatment.is_held(prepared)
            unseen = prepared.cue is Cue.IDLE or (held and not is_temporal(self.stylizer))
            yield prepared, None if unseen else self._alone(prepared.frame)

    def _by_keyframes(
        self, engine: ForwardEngine | KeyframeEngine | ShotEngine, frames: Iterable[PreparedFrame]
    ) -> Iterator[tuple[PreparedFrame, Tensor | None]]:
        # Frames that did not come through `prepare` are on the CPU.
        placed = (replace(each, frame=self._on_device(each.frame)) for each in frames)
        for prepared, output in engine.stylize(placed):
            if self._keeper is not None:
                if prepared.new_shot:
                    self._keeper.clear()
                self._keeper.stylized(prepared.frame)
            frame = replace(prepared.frame, image=prepared.frame.image.cpu())
            yield replace(prepared, frame=frame), None if output is None else ((output + 1) / 2).cpu()

    def _on_device(self, frame: F) -> F:
        """A frame where motion, networks and keyframes find it; `stylized` brings it back."""
        assert self.stylizer is not None  # there is no engine without
        height, width = frame.image.shape[-2:]
        if (width, height) not in self._devices:
            self._devices[width, height] = device_for(self.stylizer, width, height)
        return replace(frame, image=frame.image.to(self._devices[width, height]))

    def _alone(self, frame: Frame) -> Tensor | None:
        """A frame that needs no other, but for the state of the stylizer."""
        return None if self.stylizer is None else (self.stylizer.stylize(frame, None) + 1) / 2

    def finish(self, prepared: PreparedFrame, stylized: Tensor | None) -> Frame:
        """Upsample and postprocess.

        Args:
            prepared: The frame.
            stylized: What `stylized` gave for it.

        Returns:
            The frame to write, at output size.
        """
        return self._finisher.finish(prepared, stylized)

    def compose(self, stylized: Tensor, reduced: Tensor, image: Tensor) -> Tensor:
        """Upsample and postprocess tensors; see `FrameFinisher.compose`."""
        return self._finisher.compose(stylized, reduced, image)

    def process(self, frames: Iterable[Frame | DecodedFrame]) -> Iterator[Frame]:
        """Frames of a clip to frames to write, in this thread."""
        for prepared, stylized in self.stylized(self.prepare(map(self.reduce, frames))):
            yield self.finish(prepared, stylized)

    def enter(self, borders: ShotBorders) -> None:
        """Take up the borders of the next frame of the shot, before `advance`.

        Args:
            borders: From `vst.borders.follow`.
        """
        if self._keeper is not None and self._keeper.enter(borders):
            self._start_anew()

    def advance(self, frame: Frame) -> Tensor:
        """Stylize the next frame of the shot, given only that frame.

        Args:
            frame: At working resolution; the picture inside the borders that `enter` was given.

        Returns:
            3×h×w, RGB, 0..1.

        Raises:
            UsageError: The motion is recorded, and serves a whole clip only; or frames wait for later ones.
        """
        if isinstance(self._engine, ForwardEngine):
            frame = self._on_device(frame)
            return ((self._engine.advance(frame, self._pair(frame.image)) + 1) / 2).cpu()
        if self._engine is not None:
            raise UsageError("frames are given one at a time, and wait for later ones; give --look-ahead 0")
        stylized = self._alone(frame)
        return frame.image if stylized is None else stylized

    def _pair(self, image: Tensor) -> FlowPair | None:
        assert self.motion is not None  # there is no engine without
        if self._tracker is None:
            self._tracker = self.motion.tracker()
        return self._tracker.advance(image)

    def snapshot(self) -> ShotState:
        """The state within the shot, exactly, as tensors that later frames do not change.

        Motion is part of it if frames came through `advance`. Otherwise the frames before have to be read
        again, from the one that `read_from` says.
        """
        return joined(self._parts())

    def _parts(self) -> list[tuple[Tensor, ...]]:
        parts = [() if self.stylizer is None else tuple(self.stylizer.snapshot())]
        if self._keeper is not None:
            parts.append(self._keeper.snapshot())
        if self._treatment is not None:
            parts.append(self._treatment.snapshot())
        if self._engine is not None:
            parts.append(self._engine.snapshot())
        if self._tracker is not None:
            parts.append(self._tracker.snapshot())
        return parts

    def borders_in(self, state: ShotState) -> ShotBorders | None:
        """The borders of the shot in a state that `snapshot` returned."""
        return None if self._keeper is None else self._keeper.borders_in(parts_of(state)[1])

    def restore(self, state: ShotState) -> None:
        """Take up a state that `snapshot` returned."""
        parts = parts_of(state)
        self.begin_shot()
        if self.stylizer is not None:
            self.stylizer.restore(parts[0])
        del parts[0]
        if self._keeper is not None:
            self._keeper.restore(parts.pop(0))
        if self._treatment is not None:
            self._treatment.restore(parts.pop(0))
        if self._engine is not None:
            self._engine.restore(parts.pop(0))
        if parts and self.motion is not None:
            if self._tracker is None:
                self._tracker = self.motion.tracker()
            self._tracker.restore(parts.pop(0))


def is_temporal(stylizer: Stylizer | None) -> bool:
    """Whether a stylized frame depends on the frames before it."""
    if stylizer is None:
        return False
    return stylizer.conditioned or stylizer.every_frame or stylizer.whole_shot
