"""Options of motion that a render does not need: its mode stylizes each frame by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vst.modes.registry import find_mode
from vst.pipeline.option_groups.stylization import StylizationOptions
from vst.pipeline.options import options_of

if TYPE_CHECKING:
    from vst.pipeline.plan import RenderPlan
    from vst.pipeline.session import StylizerSession

_OF_MOTION = ("flow", "look_ahead", "steadiness", "loop")


def unused_options_note(plan: RenderPlan, session: StylizerSession) -> Iterator[str]:
    """A line that names what was given and changes nothing."""
    mode = plan.settings.mode
    if not plan.stylizes or session.keyframes is not None or find_mode(mode).temporal:
        return
    given = [
        each.flag
        for each in options_of(StylizationOptions)
        if each.name in _OF_MOTION and getattr(plan.settings, each.name) != each.default
    ]
    if given:
        verb = "changes" if len(given) == 1 else "change"
        yield f"mode {mode} stylizes each frame by itself: {', '.join(given)} {verb} nothing"
