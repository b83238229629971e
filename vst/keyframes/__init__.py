"""Whole keyframes are stylized, and carried both ways to the frames between them.

A network that stylizes every frame from its own last output stylizes what enters the picture in slivers,
and resamples the rest at every frame. Here every picture between two keyframes is warped once, from both
sides: what enters comes from the later keyframe, where it is seen whole. docs/adr/0019-keyframes.md
"""

from vst.keyframes.engine import KeyframeEngine, Linked
from vst.keyframes.schedule import Schedule

__all__ = ["KeyframeEngine", "Linked", "Schedule"]
