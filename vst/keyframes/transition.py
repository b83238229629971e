"""Which part each of two keyframes has in a frame between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vst.keyframes.composed_flow import Reach
from vst.keyframes.link import Link
from vst.keyframes.operations import Field, operations

_NEARLY, _LEAST = 0.3, 1e-3
"""Weights, beside 1, of what is usable and not trusted, and of what is neither."""

_SIDE = 3
"""Side in pixels of the mean over weights."""


def transition(before: list[Reach], after: list[Reach], links: list[Link]) -> Iterator[Field]:
    """The part of the later keyframe, for each frame between two.

    The earlier keyframe weighs as many frames as it will still be trusted for along the pixel's path, the
    later one as many as it has been. Where both are trusted throughout, the transition is linear from
    keyframe to keyframe: of all that take as long it has the least squared change from frame to frame.
    Where trust in one ends on the way, the transition is over by then, and nothing jumps. What is nearly
    right counts for less, and where there is nothing at all, the one that looks more like the frame counts.

    Args:
        before: How the frames between relate to the earlier keyframe, in order.
        after: How they relate to the later one.
        links: From the earlier keyframe to the first frame, and so on to the later keyframe.

    Yields:
        H×W float32, 0 to 1.
    """
    leaving = zip(reversed(before), reversed(links[1:]), strict=True)
    remaining = list(_lasting((_worth(each), link.forward.flow) for each, link in leaving))
    coming = zip(after, links[:-1], strict=True)
    elapsed = _lasting((_worth(each), link.backward.flow) for each, link in coming)
    for place, (a, b, since) in enumerate(zip(before, after, elapsed, strict=True), 1):
        part = place / len(links)
        earlier = _softened(remaining.pop() + (1 - part) * _LEAST / (1 + a.difference))
        later = _softened(since + part * _LEAST / (1 + b.difference))
        yield later / (earlier + later)


def _worth(reach: Reach) -> Field:
    on = operations(reach.trust)
    return on.larger(on.floats(reach.trust), _NEARLY * on.floats(reach.usable))


def _lasting(frames: Iterable[tuple[Field, Field]]) -> Iterator[Field]:
    """For how many frames in a row each pixel has been trusted, with this one.

    Args:
        frames: What each is worth, H×W, 0 to 1, and flow to the frame before in this order.
    """
    last: Field | None = None
    for worth, flow in frames:
        on = operations(flow)
        last = worth if last is None else worth * (1 + on.sample(last, on.places(flow)))
        yield last


def _softened(weight: Field) -> Field:
    """So that no seam shows where trust ends."""
    return operations(weight).mean_around(weight, _SIDE)
