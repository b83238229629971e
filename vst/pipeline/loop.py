"""The ends of a clip, or of a part of it, that is played in a loop."""

from __future__ import annotations

from functools import partial

from vst.errors import UsageError
from vst.media import Reader
from vst.pipeline.frame_range import find_first
from vst.pipeline.plan import RenderPlan
from vst.pipeline.session import StylizerSession

FEWEST = 3
"""Frames of a clip that is played in a loop."""


def close_loop(plan: RenderPlan, reader: Reader, session: StylizerSession) -> None:
    """Let the last frame of the clip range lead to its first.

    The first frame is stylized by itself once more, and the frames are counted by decoding them; so every
    run of a render, wherever it begins, does the same.

    Args:
        plan: The render.
        reader: The clip.
        session: Of the render.

    Raises:
        UsageError: The session does not carry keyframes to the frames before them.
    """
    if reader.info.is_still or not plan.stylizes:
        return
    info, clip_range, opened = reader.info, plan.clip_range, partial(plan.open_reader, like=reader)
    first, _ = find_first(opened, clip_range, info)
    end = first
    with opened() as again:
        for index, time in enumerate(again.times()):
            if clip_range.is_past_end(index, time, first, info):
                break
            end = index + 1
    if end - first < FEWEST:
        what = plan.source.name if clip_range.is_whole else f"the part of {plan.source.name}"
        raise UsageError(f"{what} has {end - first} frames; expected {FEWEST} or more for --loop")
    with opened() as again:
        again.begin_at(first)
        prepared = session.prepare(map(session.reduce, again.decoded()))
        session.lead_to(next(prepared), end - 1)
