"""Compares a network with a peer: the size of the painting, the weight of style, the ratios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

RATIOS = ("sum", "content", "style", "gradient")


@dataclass(frozen=True)
class Terms:
    """Means over photographs.

    Attributes:
        content: Content loss.
        style: Style loss.
        gradient: Gradient energy.
    """

    content: float
    style: float
    gradient: float


def sizes_within(sizes: Iterable[int], longest: int) -> list[int]:
    """Sizes to look at a picture in: none above its own, each once, rising.

    >>> sizes_within([256, 512, 768], 500)
    [256, 500]
    """
    return sorted({min(size, longest) for size in sizes})


def kindest_size(losses: Mapping[int, float]) -> int:
    """The size at which a style loss is lowest; the smaller one of equals.

    Nobody says at which size a peer looked at its style, so it gets the one that suits it best, and we
    are measured at the same.
    """
    return min(sorted(losses), key=losses.__getitem__)


def style_weight(peer: Terms) -> float:
    """The weight of style in ``content + weight · style`` at which the peer's two terms are equal."""
    return peer.content / peer.style


def ratios(ours: Terms, peer: Terms) -> dict[str, float]:
    """Ours / peer's, of the weighted sum of both losses and of each value; below 1 is ours the closer."""
    weight = style_weight(peer)
    return {
        "sum": (ours.content + weight * ours.style) / (peer.content + weight * peer.style),
        "content": ours.content / peer.content,
        "style": ours.style / peer.style,
        "gradient": ours.gradient / peer.gradient,
    }
