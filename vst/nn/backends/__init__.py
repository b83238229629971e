"""Backends: what runs a network's arithmetic on the CPU. One file each, and one line of `BACKENDS`.

`torch` runs any network, and is the reference. Another backend may run whole frames in its place.
"""

from __future__ import annotations

from vst.nn.backends.backend import Backend, BackendError
from vst.nn.backends.registry import BACKENDS, TORCH, BackendEntry, check_backend

__all__ = ["BACKENDS", "TORCH", "Backend", "BackendEntry", "BackendError", "check_backend"]
