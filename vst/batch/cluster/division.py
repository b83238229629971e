"""Which clips of a batch are cut into segments for several workers, and which one worker renders whole."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

_SLACK = 1.05
"""A worker may end so much after the mean: planning a clip costs about as much, and sizes are estimates."""

_SHARE_ON_SEVERAL_NODES = 0.25
"""Part of a worker's share that a whole clip may be where some nodes may be slower than others."""


def rendered_whole(sizes: Sequence[int], places: int, nodes: int) -> list[bool]:
    """Whether each file is rendered as a whole, without a plan.

    A plan reads the clip once more, and pays where a clip would keep one worker busy while the others
    wait. So the files are dealt out, the largest first, each to the worker that has the least; those that
    would end late there are cut.

    Args:
        sizes: Work of each file in any unit, the largest first.
        places: Number of workers.
        nodes: Number of nodes that they are on; workers of one node are equally fast.
    """
    share = sum(sizes) / max(places, 1)
    largest = share if nodes == 1 else share * _SHARE_ON_SEVERAL_NODES
    loads = [0] * max(places, 1)
    found = []
    for size in sizes:
        is_whole = size <= largest * _SLACK and loads[0] + size <= share * _SLACK
        if is_whole:
            heapq.heapreplace(loads, loads[0] + size)
        found.append(is_whole)
    return found
