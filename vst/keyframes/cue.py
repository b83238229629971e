"""What a frame asks of the keyframes, whatever their schedule says."""

from __future__ import annotations

import enum


class Cue(enum.Enum):
    """How keyframes relate to a frame."""

    NONE = "none"
    """As the schedule says."""
    KEYFRAME = "keyframe"
    """The frame is a keyframe: a change of style begins or ends after it."""
    ANEW = "anew"
    """Stylization begins anew at the frame, as where a shot begins: the style changed in a step."""
    IDLE = "idle"
    """The frame is not stylized. Stylization begins anew after it."""
