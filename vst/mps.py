"""The GPU of Apple's machines, for operations that PyTorch does not have there.

PyTorch reads the environment once, when it is imported. So programs of vst call
`let_operations_fall_back` before that. `import vst` does not: the environment belongs to the program that
imports it.
"""

from __future__ import annotations

import os

FALLBACK = "PYTORCH_ENABLE_MPS_FALLBACK"


def let_operations_fall_back() -> None:
    """Run operations that mps lacks on the CPU, instead of an error; unless the user has decided."""
    os.environ.setdefault(FALLBACK, "1")
