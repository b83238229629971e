"""What the engines ask of a stylizer: keyframes, and regions that no keyframe shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self, runtime_checkable

from torch import Tensor

from vst.frame import Frame, Past
from vst.keyframes.compositing import fill
from vst.keyframes.cue import Cue
from vst.keyframes.operations import Field, operations
from vst.motion import FlowPair

_MOST_MISSING = 0.01
"""Share of a frame above which what no keyframe shows is stylized anew."""

_THINGS = 36
"""And whatever the share, where a square is missing whose side is this part of the frame's short side:
what is propagated shows a small thing that moves by itself, such as a butterfly, in shards."""

_SMALLEST_THING = 9
"""Pixels of such a square, at least: outlines have smaller holes everywhere."""

_SQUARE = 10
"""Side in pixels to which such a square is shrunk to be looked for."""


class Linked(Protocol):
    """A frame with the flow to the one before it."""

    @property
    def frame(self) -> Frame:
        """At working resolution."""
        ...

    @property
    def pair(self) -> FlowPair | None:
        """Flow between the frame and the one before; None where a shot begins, or borders change."""
        ...

    @property
    def cue(self) -> Cue:
        """What the frame asks of the keyframes."""
        ...

    def without_pair(self) -> Self:
        """The frame alone: it waits for the next keyframe, and its flow is kept in another form."""
        ...


class StylizesFrames(Protocol):
    """What the engines need of a stylizer."""

    conditioned: bool

    def stylize(self, frame: Frame, past: Past | None) -> Tensor: ...


@runtime_checkable
class StylizesRegions(Protocol):
    """What the engines need of a stylizer that gives regions of a frame different styles.

    Each style has keyframes of its own over the whole picture, as if there was no other, and frames are
    mixed by their own masks. So no style is propagated to where it does not belong, whatever moves.
    """

    parts: Sequence[StylizesFrames]
    """A stylizer for each style; all of them are conditioned or none is."""

    def seen(self, frame: Frame) -> Sequence[bool]:
        """Which of the styles a frame shows; at least one."""
        ...

    def mix(self, frame: Frame, stylized: Sequence[Tensor | None]) -> Tensor:
        """Mix the stylizations of a frame, 3×H×W, −1..1; None for styles that it does not show."""
        ...


def stylizers_of(stylizer: StylizesFrames | StylizesRegions) -> Sequence[StylizesFrames]:
    """The stylizer of each style."""
    return tuple(stylizer.parts) if isinstance(stylizer, StylizesRegions) else (stylizer,)


class StyleSet:
    """The styles of an engine: one, or one for each kind of region.

    Args:
        stylizer: Stylizes whole frames, or regions of them.
    """

    def __init__(self, stylizer: StylizesFrames | StylizesRegions) -> None:
        self._regions = stylizer if isinstance(stylizer, StylizesRegions) else None
        self.stylizers = stylizers_of(stylizer)
        self.conditioned = self.stylizers[0].conditioned

    def __len__(self) -> int:
        return len(self.stylizers)

    def stylize(self, frame: Frame) -> tuple[Tensor, ...]:
        """A frame in each style, without a past: 3×H×W, −1..1."""
        return tuple(each.stylize(frame, None) for each in self.stylizers)

    def stylize_from(
        self, frame: Frame, pasts: Sequence[Field], trust: Field, steadiness: float
    ) -> tuple[Tensor, ...]:
        """A frame in each style, from the past of that style; see `stylize_from`."""
        return tuple(
            stylize_from(stylizer, frame, past, trust, steadiness)
            for stylizer, past in zip(self.stylizers, pasts, strict=True)
        )

    def mix(self, frame: Frame, stylized: Sequence[Tensor | None]) -> Tensor:
        """What a frame shows, 3×H×W, −1..1, of its stylizations; None for those that are not seen."""
        if self._regions is not None:
            return self._regions.mix(frame, stylized)
        assert stylized[0] is not None
        return stylized[0]

    def mix_seen(self, frame: Frame, make: Callable[[int, StylizesFrames], Tensor]) -> Tensor:
        """What a frame shows, 3×H×W, −1..1.

        Args:
            frame: The frame.
            make: Makes the stylization with a number; called for those that the frame shows.
        """
        seen = [True] if self._regions is None else self._regions.seen(frame)
        found = [
            make(number, stylizer) if shown else None
            for number, (stylizer, shown) in enumerate(zip(self.stylizers, seen, strict=True))
        ]
        return self.mix(frame, found)


def stylize_from(
    stylizer: StylizesFrames, frame: Frame, past: Field, trust: Field, steadiness: float = 1.0
) -> Tensor:
    """Stylize a frame; from what is propagated to it, if the stylizer is conditioned.

    Args:
        stylizer: Stylizes.
        frame: The frame.
        past: H×W×3 float32, −1..1, what was stylized before, warped to the frame.
        trust: H×W uint8, 1 where it can be trusted.
        steadiness: How much of that trust the network is given, 0 to 1.

    Returns:
        3×H×W, −1..1.
    """
    if not stylizer.conditioned:
        return stylizer.stylize(frame, None)
    on = operations(past)
    mask = on.tensor(on.floats(trust))
    if steadiness != 1:
        mask = mask * steadiness
    return stylizer.stylize(frame, Past(on.tensor(past) * mask, mask))


def stylize_missing(stylizer: StylizesFrames, frame: Frame, composed: Field, hole: Field) -> Field:
    """Stylize what no keyframe shows, with what is around it as the past.

    Args:
        stylizer: Stylizes.
        frame: The frame.
        composed: H×W×3 float32, −1..1, what is propagated to it.
        hole: H×W uint8, 1 where that is of no use.

    Returns:
        H×W×3 float32, −1..1: `composed` where there is little to stylize.
    """
    on = operations(composed)
    if must_fill(hole):
        composed = fill(composed, on.field(stylize_from(stylizer, frame, composed, 1 - hole)), hole)
    # Interpolation overshoots, which pixels of more than 8 bits would show.
    return composed.clip(-1, 1)


def must_fill(hole: Field) -> bool:
    """Whether what no keyframe shows is so much, or so compact, that it has to be stylized.

    Args:
        hole: H×W uint8, 1 where no keyframe is usable.
    """
    on = operations(hole)
    if on.share(hole) > _MOST_MISSING:
        return True
    side = max(min(hole.shape) // _THINGS, _SMALLEST_THING)
    stride = max(side // _SQUARE, 1)
    return bool(on.opened(hole[::stride, ::stride], side // stride | 1).any())
