"""The backend `torch`: eager PyTorch. It runs every network, and the others are held against it."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from vst.nn.folded_frame import FoldedFrame
from vst.nn.style_network import StyleNetwork


class TorchBackend:
    """Runs a network in eager PyTorch, its kernels folded; see `vst.nn.backends.backend.BackendFactory`."""

    def __init__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.executor = FoldedFrame(self.network, mix, precision)
        """Runs the network's layers; for stylizers that call the network themselves."""

    @torch.inference_mode()
    def __call__(self, planes: Sequence[Tensor]) -> Tensor:
        """See `Backend`."""
        x = planes[0] if len(planes) == 1 else torch.cat(list(planes), 1)
        return self.network.stylize(self.executor, [x.contiguous(memory_format=torch.channels_last)])
