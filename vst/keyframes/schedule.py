"""Which frames of a shot are keyframes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vst.keyframe_interval import AUTO, MAX_INTERVAL

_SECONDS = Fraction(1, 3)
"""Between two keyframes, with `AUTO`."""

_LEAST_TRUSTED = 0.6
"""Share of a frame that has to be trusted to continue an interval beyond it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the next keyframe is due, and whether frames wait for it.

    Attributes:
        interval: Frames from a keyframe to the next, at most; `AUTO` is a third of a second.
        look_ahead: Whether a frame waits for the keyframe after it. Without, it comes from the one before
            alone: for live use.
        steadiness: 1 changes nothing. Less shortens the intervals in proportion, down to every frame, and
            keyframes are given as much less of the one before.
    """

    interval: int = AUTO
    look_ahead: bool = True
    steadiness: float = 1.0

    @property
    def waits(self) -> bool:
        """Whether frames wait for the next keyframe: where there are frames between keyframes."""
        return self.look_ahead and self.interval != 1

    def is_due(self, distance: int, duration: Fraction, trusted: float) -> bool:
        """Whether a frame is a keyframe, though the shot goes on.

        Args:
            distance: Frames since the last keyframe.
            duration: How long the last keyframe is shown, in seconds.
            trusted: Share of the frame for which flow to the last keyframe is trusted.
        """
        return distance >= self.longest(duration) or trusted < _LEAST_TRUSTED

    def longest(self, duration: Fraction) -> int:
        """Frames from a keyframe to the next, at most."""
        longest = self.interval
        if longest == AUTO:
            shown = round(_SECONDS / duration) if duration > 0 else MAX_INTERVAL
            longest = min(max(shown, 1), MAX_INTERVAL)
        return longest if self.steadiness == 1 else max(round(longest * self.steadiness), 1)
