"""How a flow network is run: its precision, and convolutions that give the same numbers on every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

_cudnn_lock = RLock()


@contextmanager
def flow_inference(device: torch.device, precision: torch.dtype) -> Iterator[None]:
    """A context for the forward pass of a flow network.

    Args:
        device: Where the network runs.
        precision: Type of its features under autocast; with float32 there is no autocast.
    """
    with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
        if device.type == "cuda":
            with deterministic_cudnn():
                yield
        else:
            yield


@contextmanager
def deterministic_cudnn() -> Iterator[None]:
    """Restrict cuDNN to deterministic algorithms until the context ends.

    Otherwise transposed convolutions add in the order in which threads arrive. The setting belongs to the
    whole process. With the lock, no other thread that uses this context restores it too early.
    """
    with _cudnn_lock:
        before = torch.backends.cudnn.deterministic
        torch.backends.cudnn.deterministic = True
        try:
            yield
        finally:
            torch.backends.cudnn.deterministic = before
