"""How a flow network is run: its precision, and convolutions that give the same numbers on every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vst.device import deterministic


@contextmanager
def flow_inference(device: torch.device, precision: torch.dtype) -> Iterator[None]:
    """A context for the forward pass of a flow network.

    Args:
        device: Where the network runs.
        precision: Type of its features under autocast; with float32 there is no autocast.
    """
    with (
        torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32),
        deterministic(device),
    ):
        yield
