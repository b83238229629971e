"""The ends of a clip that is played in a loop."""

from __future__ import annotations

from vst.errors import UsageError
from vst.media import Reader
from vst.pipeline.plan import RenderPlan
from vst.pipeline.session import StylizerSession

FEWEST = 3
"""Frames of a clip that is played in a loop."""


def close_loop(plan: RenderPlan, reader: Reader, session: StylizerSession) -> None:
    """Let the last frame of a clip lead to its first, whatever part of it is rendered.

    The first frame is stylized by itself once more, and the frames are counted by decoding them; so every
    run of a render, wherever it begins, does the same.

    Args:
        plan: The render.
        reader: The clip.
        session: Of the render.

    Raises:
        UsageError: The session does not propagate keyframes to the frames before them.
    """
    if reader.info.is_still or not plan.stylizes:
        return
    with plan.open_reader(like=reader) as again:
        count = sum(1 for _ in again.times())
    if count < FEWEST:
        raise UsageError(f"{plan.source.name} has {count} frames; expected {FEWEST} or more for --loop")
    with plan.open_reader(like=reader) as again:
        # Not a clip of one frame: recorded flow is of all of them.
        first = next(session.prepare(map(session.reduce, again.decoded())))
    session.lead_to(first, count - 1)
