"""Frames in memory that client and worker share."""

from __future__ import annotations

import mmap
import os

import torch
from torch import Tensor

from vst.errors import UsageError
from vst.host.protocol import SLOTS

_SAMPLE = 4  # bytes of a float32


class SharedFrames:
    """Slots for frames of one size.

    Args:
        descriptor: Of the memory; closed here.
        width: Of a frame.
        height: Of a frame.

    Raises:
        UsageError: if the memory is smaller than the slots.
    """

    def __init__(self, descriptor: int, width: int, height: int) -> None:
        length = 3 * width * height
        try:
            if os.fstat(descriptor).st_size < SLOTS * length * _SAMPLE:
                raise UsageError(
                    f"the plugin shares {os.fstat(descriptor).st_size} bytes, expected {SLOTS} frames of "
                    f"{width}×{height}; run 'vst plugin install' again"
                )
            memory = mmap.mmap(descriptor, SLOTS * length * _SAMPLE)
        finally:
            os.close(descriptor)
        self.size = (width, height)
        # The tensors keep the mapping alive.
        self._slots = [
            torch.frombuffer(
                memory, dtype=torch.float32, count=length, offset=slot * length * _SAMPLE
            ).view(3, height, width)
            for slot in range(SLOTS)
        ]

    def slot(self, number: int) -> Tensor:
        """A slot as 3×H×W float32, a view of the shared memory."""
        return self._slots[number]
