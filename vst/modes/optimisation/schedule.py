"""Sizes from coarse to fine, and the steps of each."""

from __future__ import annotations

SMALLEST_SIDE = 64
"""Shorter side in pixels of the coarsest size: the deepest features have four places across."""

LEAST_SHARE = 0.15
"""Of the steps of a frame, those of one that can be propagated whole from another one."""

TYPICAL_TRUST = 0.85
"""Share of a frame that is propagated from another one, as estimates of time have it."""

_GROWTH = 0.75
"""Of the steps of a size, those of the next, which has four times the pixels."""


def level_sizes(width: int, height: int, levels: int) -> list[tuple[int, int]]:
    """Width and height of each size, each twice the one before; the last is the picture's own.

    Sizes with a side shorter than `SMALLEST_SIDE` are left out.
    """
    sizes = [(width, height)]
    for halvings in range(1, levels):
        size = round(width / 2**halvings), round(height / 2**halvings)
        if min(size) < SMALLEST_SIDE:
            break
        sizes.insert(0, size)
    return sizes


def level_steps(steps: int, levels: int) -> list[int]:
    """The steps of each size, which sum to `steps`; small sizes, which cost less, get more.

    >>> level_steps(240, 3)
    [104, 78, 58]
    """
    shares = [_GROWTH**number for number in range(levels)]
    ends = [round(steps * sum(shares[: number + 1]) / sum(shares)) for number in range(levels)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def propagated_steps(steps: int, trusted: float) -> int:
    """The steps of a frame that is begun from another one: what is new in it takes most.

    Args:
        steps: Of a frame that is begun from nothing.
        trusted: Share of the frame that is propagated.

    >>> propagated_steps(240, 1.0), propagated_steps(240, 0.8), propagated_steps(240, 0.0)
    (36, 77, 240)
    """
    return max(1, round(steps * (LEAST_SHARE + (1 - LEAST_SHARE) * (1 - trusted))))


def pass_cost(frames: int, steps: int) -> float:
    """What a pass over a shot costs, each frame but the first begun from another, in frames from nothing.

    Args:
        frames: Of the shot.
        steps: Of a frame that is begun from nothing.
    """
    return 1 + (frames - 1) * propagated_steps(steps, TYPICAL_TRUST) / steps


def cost(sizes: list[tuple[int, int]], steps: int) -> float:
    """What steps at some sizes cost, in steps at the last of them."""
    whole = sizes[-1][0] * sizes[-1][1]
    each = level_steps(steps, len(sizes))
    return sum(count * width * height / whole for count, (width, height) in zip(each, sizes, strict=True))


def steps_within(budget: float, sizes: list[tuple[int, int]]) -> int:
    """The most steps whose `cost` is at most `budget` steps at the last size; at least one a size."""
    least = len(sizes)
    return max(least, round(budget / cost(sizes, 1000 * least) * 1000 * least))
