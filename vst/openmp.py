"""How threads of OpenMP wait for each other: asleep, not in a loop.

The runtime that comes with PyTorch (libgomp) waits in a loop for some milliseconds after each parallel part
of a network. If other programs need the cores, that time is lost to them and to this program. Frames stay
the same: the number of threads does, and with it the order of sums.

libgomp reads the environment once, when it is loaded. So programs of vst call `wait_asleep` (in
`vst.process`) before they import torch. `import vst` does not: the environment belongs to the program that
imports it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

POLICY = "OMP_WAIT_POLICY"
"""Variable of OpenMP for how threads wait: ``ACTIVE`` or ``PASSIVE``."""

_DECIDED_BY = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""If the user has set one of these, nothing is changed."""


def wait_asleep() -> None:
    """Let threads of OpenMP wait asleep, in this process and those that it starts.

    Has no effect after torch is imported, and changes nothing if the user has decided how threads wait.
    """
    if not any(os.environ.get(name) for name in _DECIDED_BY):
        os.environ[POLICY] = "PASSIVE"


@contextmanager
def children_wait_asleep() -> Iterator[None]:
    """As `wait_asleep`, for processes that are started inside; the environment is restored after it."""
    before = os.environ.get(POLICY)
    wait_asleep()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(POLICY, None)
        else:
            os.environ[POLICY] = before
