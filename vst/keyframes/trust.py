"""Where flow can be trusted: a step between neighbours, and what is propagated over many steps."""

from __future__ import annotations

import math

from vst.keyframes.operations import Field, operations

TOLERANCE = 30
"""Luma, of 255, by which a keyframe propagated to a frame may differ from it. Larger than in the mask
between neighbours: a pixel that is rejected in one frame and not in the next flickers, and the light may
change."""

_MEDIAN_FACTOR = 2.5
"""How many times the frame's median difference a pixel may differ: a noisy clip differs everywhere."""

_NEIGHBOURHOOD = 3


STRICTLY = 0.5
ROUGHLY = 4.0
"""Squared pixels by which flow and flow back may miss each other, beside 1 % of their squared lengths,
where both are right, and nearly so."""


def step_holds(step: Field, back: Field) -> Field:
    """Whether flow to a neighbour and the neighbour's flow back cancel, H×W bool; see `steps_within`."""
    return steps_within(step, back, STRICTLY)[0]


def steps_within(step: Field, back: Field, *allowed: float) -> list[Field]:
    """Where flow to a neighbour and the neighbour's flow back cancel (Sundaram 2010), for some bounds.

    Args:
        step: H×W×2, pixels, from this frame to its neighbour, on this frame's grid.
        back: H×W×2, from the neighbour to this frame, on the neighbour's grid.
        allowed: Squared pixels by which they may miss each other, beside 1 % of their squared lengths.

    Returns:
        H×W bool for each bound; false outside of the neighbour.
    """
    return within(step, operations(step).places(step), back, *allowed)


def within(step: Field, places: Field, back: Field, *allowed: float) -> list[Field]:
    """`steps_within` at some pixels.

    Args:
        step: h×w×2, flow of any pixels to the neighbour.
        places: h×w×2, where they are shown there.
        back: H×W×2, from the neighbour, on its grid.
        allowed: See `steps_within`.

    Returns:
        h×w bool for each bound.
    """
    # Nearest: beside an outline bilinear sampling mixes two motions into one that neither side has.
    on = operations(step)
    returned = on.sample(back, places, nearest=True)
    excess = returned + step
    # |s + r|² - .01 (|s|² + |r|²) = .99 |s + r|² + .02 s·r, with fewer passes.
    excess *= excess
    excess *= 0.99
    returned *= step
    returned *= 0.02
    excess += returned
    over = excess[..., 0] + excess[..., 1]
    inside = on.is_inside(places, *back.shape[:2])
    return [(over <= each) & inside for each in allowed]


def difference(current: Field, other: Field, places: Field) -> Field:
    """How much a frame and another one that is warped to it differ, without a change of the whole light.

    Args:
        current: H×W uint8, luma.
        other: H×W uint8, luma of the other frame.
        places: H×W×2, where the other frame shows what the current one shows, from `Operations.places`.

    Returns:
        H×W float32, 0 to 255: mean absolute difference over 3×3 pixels.
    """
    on = operations(places)
    change = on.integers(current) - on.sample(other, places)
    change -= on.integers(on.median(change[::4, ::4]))
    return on.mean_around(on.floats(abs(change)), _NEIGHBOURHOOD)


def alike(differences: Field, tolerance: float = TOLERANCE, largest: float = math.inf) -> Field:
    """Whether what `difference` gives is small enough, H×W bool.

    Args:
        differences: H×W, 0 to 255.
        tolerance: That is small enough in any clip.
        largest: The bound of a noisy clip, at most.
    """
    median = operations(differences).median(differences[::4, ::4])
    return differences < (_MEDIAN_FACTOR * median).clip(tolerance, largest)


def squared_length(vectors: Field) -> Field:
    """H×W of H×W×2."""
    x, y = vectors[..., 0], vectors[..., 1]
    return x * x + y * y
