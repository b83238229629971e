"""What a program of vst sets for its own process before it loads torch. `import vst` does none of it."""

from __future__ import annotations

from vst.heap import keep_freed_memory
from vst.mps import let_operations_fall_back
from vst.openmp import wait_asleep


def prepare_process() -> None:
    """Let threads wait asleep, operations fall back on Apple GPUs, and freed memory stay.

    The first two have no effect after torch is imported.
    """
    wait_asleep()
    let_operations_fall_back()
    keep_freed_memory()
