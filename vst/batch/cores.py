"""The cores of this machine, and how many workers share them."""

from __future__ import annotations

import os

from vst.sizes import GIB

WORKER_MEMORY = 3 * GIB // 2
"""Main memory that a worker takes in bytes, as long as nothing better is known."""

THREADS_PER_WORKER = 2
"""Cores for each worker of a batch: on two cores, one worker is quicker than two (results/farm.md)."""


def usable_cores() -> int:
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def default_jobs(device: str) -> int:
    """Number of workers of a batch, if the user does not say.

    On the CPU one for each `THREADS_PER_WORKER` cores, as far as memory allows; on a GPU one, which keeps
    it busy.

    Args:
        device: As the user gave it: auto, cpu, cuda, cuda:N or mps.
    """
    from vst.device import choose_device
    from vst.pipeline.memory_estimate import free_memory

    chosen = choose_device(device)
    if chosen.type != "cpu":
        return 1
    free = free_memory(chosen)
    fit = usable_cores() if free is None else free // WORKER_MEMORY
    return max(1, min(usable_cores() // THREADS_PER_WORKER, fit))
