"""What a backend provides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from vst.errors import VstError
from vst.nn.style_network import StyleNetwork


class BackendError(VstError):
    """A backend cannot run a network, or failed while running it."""


class Backend(Protocol):
    """Runs one network, set to its blend of styles, on whole frames."""

    def __call__(self, planes: Sequence[Tensor]) -> Tensor:
        """Stylize.

        Args:
            planes: B×C×H×W each, −1..1 (masks 0..1), fp32, joined along C in this order. H and W may be
                others at each call.

        Returns:
            B×3×H×W, −1..1, which later calls do not change.

        Raises:
            BackendError: It cannot run the network, or failed.
            MemoryError: There is not enough memory.
        """
        ...


class BackendFactory(Protocol):
    """Opens a backend for a network."""

    def __call__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype) -> Backend:
        """Open.

        Args:
            network: On the CPU, in fp32; later changes of it do not count.
            mix: 1×S in fp32, how much of each style.
            precision: Of the convolutions.

        Raises:
            BackendError: It cannot run the network.
        """
        ...
