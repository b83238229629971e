"""Whole keyframes are stylized, and propagated both ways to the frames between them.

A network that stylizes every frame from its own last output stylizes what enters the picture in slivers,
and resamples the rest at every frame. Here every picture between two keyframes is warped once, from both
sides: what enters comes from the later keyframe, where it is seen whole. docs/adr/0019-keyframes.md
"""

from vst.keyframes.cue import Cue
from vst.keyframes.engine import KeyframeEngine
from vst.keyframes.forward_engine import ForwardEngine
from vst.keyframes.loop import LoopStart
from vst.keyframes.operations import Operations
from vst.keyframes.schedule import Schedule
from vst.keyframes.stylizing import StylizesFrames, StylizesRegions, stylizers_of

__all__ = [
    "Cue",
    "ForwardEngine",
    "KeyframeEngine",
    "LoopStart",
    "Schedule",
    "StylizesFrames",
    "StylizesRegions",
    "create_engine",
    "engine_memory",
    "stylizers_of",
]


def create_engine(
    stylizer: StylizesFrames | StylizesRegions, schedule: Schedule, *, on: Operations | None = None
) -> ForwardEngine | KeyframeEngine:
    """The engine of a schedule.

    Args:
        stylizer: Stylizes keyframes; from the one before, if it is conditioned.
        schedule: Which frames are keyframes.
        on: What works on fields; None: what suits the device that frames are on.
    """
    kind = KeyframeEngine if schedule.waits else ForwardEngine
    return kind(stylizer, schedule, on=on)


def engine_memory(schedule: Schedule, width: int, height: int, frames: int, styles: int = 1) -> int:
    """Bytes that the engine of a schedule takes, for a clip of so many frames of this size and styles."""
    if schedule.waits:
        return KeyframeEngine.memory(width, height, frames, styles)
    return ForwardEngine.memory(width, height, styles)
