"""What each frame of a render gets: its styles, its strength, and where stylization begins anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from vst.frame import Frame
from vst.keyframes.cue import Cue
from vst.pipeline.control.timeline import NONE, StrengthTimeline, StyleTimeline, Timeline
from vst.styles.blend import Blend, parse_blend

if TYPE_CHECKING:
    from vst.media import ClipInfo
    from vst.pipeline.session import PreparedFrame

Shares = Mapping[str, float]
"""How much of each style, `none` among them; sums to 1."""

F = TypeVar("F", bound=Frame)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the frames of a clip are on a timeline.

    Attributes:
        start: Time of the clip's first frame in its container, in seconds.
        numbers: Frame numbers of an image sequence by index; None: the index is the number.
    """

    start: Fraction = Fraction(0)
    numbers: Sequence[int] | None = None

    @classmethod
    def of(cls, clip: ClipInfo) -> Clock:
        """The clock of a clip."""
        return cls(clip.start, clip.sequence.numbers if clip.sequence else None)

    def place(self, timeline: Timeline[Any], index: int, time: Fraction) -> Fraction:
        """The place of a frame: seconds after the first frame, or its number.

        A time just before an entry counts as at it: times are rounded to milliseconds.

        Args:
            timeline: Whose positions are meant.
            index: Of the frame.
            time: Of the frame in its container.
        """
        if timeline.by_number:
            if self.numbers is None or not self.numbers:
                return Fraction(index)
            last = len(self.numbers) - 1
            return Fraction(self.numbers[index] if index <= last else self.numbers[last] + index - last)
        from vst.media.decode.clip_range import TIME_TOLERANCE

        seconds = time - self.start
        near = (each for each in timeline.places if seconds < each < seconds + TIME_TOLERANCE)
        return next(near, seconds)


@dataclass(frozen=True, slots=True)
class Controlled:
    """What one frame gets.

    Attributes:
        mixture: How much of each style of the network; None: what it was loaded with.
        strength: 0 is the frame itself, 1 the stylization.
        cue: How keyframes relate to the frame.
    """

    mixture: tuple[float, ...] | None
    strength: float
    cue: Cue


class FrameControl:
    """Styles and strengths by time, frame number or shot.

    A frame of strength 0 is not stylized, and stylization begins anew after it. Where styles change in a
    step, it begins anew too. A linear change begins and ends with a keyframe: the last one at which the
    style is constant, so that frames before it have nothing of the next style.

    Args:
        network: Names of the network's styles, in its order.
        clock: Of the clip.
        styles: A timeline, one style for each shot (from the first again after the last), or None: as the
            network was loaded.
        strength: A number or a timeline.
    """

    def __init__(
        self,
        network: Sequence[str],
        clock: Clock,
        styles: StyleTimeline | Sequence[str] | None,
        strength: float | StrengthTimeline,
    ) -> None:
        self._network, self._clock, self._strength = tuple(network), clock, strength
        self._timeline = styles if isinstance(styles, StyleTimeline) else None
        per_shot = () if styles is None or isinstance(styles, StyleTimeline) else styles
        self._per_shot = tuple(map(parse_blend, per_shot))
        self._shot, self._number = 0, 0

    @property
    def counts_shots(self) -> bool:
        """Whether it matters which shot of the clip a frame is in."""
        return bool(self._per_shot)

    def begin(self, shot: int, number: int) -> None:
        """Say which shot a run begins in.

        Args:
            shot: Index of its first frame.
            number: How many shots there are before it.
        """
        self._shot, self._number = shot, number

    def apply(self, frames: Iterable[PreparedFrame]) -> Iterator[PreparedFrame]:
        """Mark prepared frames, in order, with what they get.

        Args:
            frames: Consecutive frames; the first one counts as the first of a shot whether it is or not.
        """
        number, before = self._number, None
        for item in frames:
            frame = item.frame
            # The first frame of a run only seems to begin a shot, unless it is the one known to begin one.
            if item.new_shot and before is not None and frame.index > self._shot:
                number += 1
            controlled = self.at(frame, before, number)
            before = frame
            pair = None if controlled.cue is Cue.ANEW else item.pair
            marked = replace(frame, mixture=controlled.mixture, strength=controlled.strength)
            yield replace(item, frame=marked, pair=pair, cue=controlled.cue)

    def at(self, frame: Frame, before: Frame | None, shot: int = 0) -> Controlled:
        """What a frame gets.

        Args:
            frame: The frame.
            before: The frame before it; None if it is the first that is read.
            shot: How many shots there are before the frame's.
        """
        strength = self._strength_at(frame)
        if self._timeline is not None:
            place = self._clock.place(self._timeline, frame.index, frame.time)
            stretch = self._timeline.at(place)
            shares = mixed(stretch.before, stretch.after, stretch.share)
        elif self._per_shot:
            shares = dict(self._per_shot[shot % len(self._per_shot)].parts)
        else:
            return Controlled(None, strength, Cue.IDLE if strength == 0 else Cue.NONE)
        clip = shares.get(NONE, 0.0)
        strength *= 1 - clip
        if strength == 0:
            return Controlled(None, 0.0, Cue.IDLE)
        mixture = tuple(_mixture(shares).get(name, 0.0) for name in self._network)
        return Controlled(mixture, strength, self._cue(frame, before))

    def _strength_at(self, frame: Frame) -> float:
        if not isinstance(self._strength, StrengthTimeline):
            return self._strength
        place = self._clock.place(self._strength, frame.index, frame.time)
        stretch = self._strength.at(place)
        return stretch.before + (stretch.after - stretch.before) * stretch.share

    def _cue(self, frame: Frame, before: Frame | None) -> Cue:
        timeline = self._timeline
        if timeline is None:
            return Cue.NONE
        place = self._clock.place(timeline, frame.index, frame.time)
        if before is not None:
            earlier = self._clock.place(timeline, before.index, before.time)
            if any(_differ(one, other) for one, other in timeline.steps_in(earlier, place)):
                return Cue.ANEW
        following = self._clock.place(timeline, frame.index + 1, frame.time + frame.duration)
        if any(_differ(one, other) for one, other in timeline.ramps_at(place, following)):
            return Cue.KEYFRAME
        return Cue.NONE


def mixed(before: Blend, after: Blend, share: float) -> Shares:
    """The shares of styles between two blends.

    Args:
        before: At share 0; the result is exactly that.
        after: At share 1.
        share: How much of `after`.
    """
    if share == 0:
        return dict(before.parts)
    found = {name: part * (1 - share) for name, part in before.parts}
    for name, part in after.parts:
        found[name] = found.get(name, 0.0) + part * share
    return found


def _mixture(shares: Shares) -> Shares:
    """The shares of the styles among themselves, without `none`; empty if there is nothing else."""
    if NONE not in shares:
        return shares
    styles = {name: share for name, share in shares.items() if name != NONE}
    whole = sum(styles.values())
    return {name: share / whole for name, share in styles.items()} if whole else {}


def _differ(one: Blend, other: Blend) -> bool:
    """Whether the network gets another mixture of styles; a change from or to `none` is one of strength."""
    first, second = _mixture(dict(one.parts)), _mixture(dict(other.parts))
    return bool(first and second) and first != second
