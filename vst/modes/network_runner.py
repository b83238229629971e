"""Runs a network for inference: on its device, in its precision, set to its blend of styles."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.device import deterministic
from vst.modes.backend_choice import BackendChoice
from vst.modes.tiling import (
    NO_TILES,
    MemoryEstimate,
    estimate_memory,
    is_out_of_memory,
    smaller_tile,
)
from vst.nn.backends import Backend
from vst.nn.backends.torch_backend import TorchBackend
from vst.nn.executor import WholeFrame
from vst.nn.folded_frame import to_precision
from vst.nn.style_network import SMALLEST_SIDE, StyleNetwork
from vst.nn.tiled import Tiled

_log = logging.getLogger(__name__)

T = TypeVar("T")


class NetworkRunner:
    """Runs a network without gradients.

    Convolutions run in the given precision and in channels_last; instance norm keeps its statistics,
    scales and shifts in fp32, and so is the output. Large frames are run in tiles, and smaller ones when
    memory runs out. On the CPU a backend may run whole frames; tiles are always torch's.

    Args:
        network: Any mode's; the runner takes it over.
        mixture: How much of each of its styles; sums to 1.
        device: Where it runs.
        precision: float32, bfloat16 or float16.
        tile: Side of tiles in pixels; `NO_TILES`: never in tiles; None: `vst.modes.tiling` decides.
    """

    def __init__(
        self,
        network: StyleNetwork,
        mixture: Sequence[float],
        device: torch.device,
        precision: torch.dtype,
        tile: int | None = None,
    ) -> None:
        self.device, self.precision = device, precision
        self._tile, self._asked = tile, tile
        self.mix = torch.tensor([list(mixture)], dtype=torch.float32, device=device)
        self.executor: WholeFrame = WholeFrame(self.mix)
        """Runs layers on whole frames; for stylizers that call the network themselves."""
        self._torch: Backend = self._plain
        self.network = network.eval().requires_grad_(False)
        if device.type == "cpu":
            backend = TorchBackend(network, self.mix, precision)
            self.network, self.executor, self._torch = backend.network, backend.executor, backend
        self.network.to(device).to(memory_format=torch.channels_last)
        to_precision(self.network, precision)
        self._backend = self._torch
        self.choice = BackendChoice()

    def use(self, backend: Backend | None, choice: BackendChoice) -> None:
        """Run whole frames by another backend from now on.

        Args:
            backend: Opened for this network; None is torch.
            choice: What `choice` will be.
        """
        self._backend, self.choice = backend or self._torch, choice

    def set_mixture(self, mixture: Sequence[float]) -> None:
        """Let torch stylize in other shares of the network's styles from now on; they sum to 1."""
        self.mix = torch.tensor([list(mixture)], dtype=torch.float32, device=self.device)
        self.executor.set_mix(self.mix)

    @torch.inference_mode()
    def __call__(self, *planes: Tensor) -> Tensor:
        """Stylize.

        Args:
            planes: B×C×H×W each, −1..1 (masks 0..1), joined along C in this order.

        Returns:
            B×3×H×W, −1..1, fp32, on the runner's device, or where the first plane is if in tiles.
        """
        height, width = planes[0].shape[-2:]
        padded = [large_enough(plane.float()) for plane in planes]

        def whole() -> Tensor:
            return self._backend([plane.to(self.device) for plane in padded])

        def in_tiles(tile: int) -> Tensor:
            return self.network.stylize(Tiled(self.mix, tile), padded)

        stylized = self.within_memory(padded[0], whole, in_tiles)
        return stylized[..., :height, :width].float().contiguous()

    def _plain(self, planes: Sequence[Tensor]) -> Tensor:
        """The network as it is, on its device; a `Backend`."""
        x = torch.cat(list(planes), dim=1)
        stylized: Tensor = self.network(x.contiguous(memory_format=torch.channels_last), self.mix)
        return stylized

    def memory(self, height: int, width: int) -> MemoryEstimate:
        """The memory that stylizing one frame of this size takes."""
        return estimate_memory(self.network, 1, height, width, self._tile)

    def within_memory(self, frame: Tensor, whole: Callable[[], T], in_tiles: Callable[[int], T]) -> T:
        """Run a network whole or in tiles, and in smaller and smaller tiles while memory runs out.

        Later frames begin with the tiles that fitted.

        Args:
            frame: B×C×H×W, of the size that is run.
            whole: Runs the network on the whole frame.
            in_tiles: Runs it in tiles of this side.
        """
        batch, _, height, width = frame.shape
        while True:
            tile = estimate_memory(self.network, batch, height, width, self._tile).tile
            try:
                with deterministic(self.device):
                    return whole() if tile is None else in_tiles(tile)
            except (RuntimeError, MemoryError) as error:
                less = None if self._asked == NO_TILES else smaller_tile(tile, height, width)
                if less is None or not is_out_of_memory(error):
                    raise
            # Here, and not above: the error holds the tensors of the call that failed.
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            self._tile = less
            _log.warning(
                "out of memory on %s while stylizing %d×%d %s: continuing in tiles of %d pixels",
                self.device,
                width,
                height,
                "whole" if tile is None else f"in tiles of {tile}",
                less,
            )


def large_enough(x: Tensor) -> Tensor:
    """Pad a picture that is smaller than networks take, by repeating its edges."""
    height, width = x.shape[-2:]
    right, down = max(SMALLEST_SIDE - width, 0), max(SMALLEST_SIDE - height, 0)
    if right or down:
        x = F.pad(x, (0, right, 0, down), mode="replicate")
    return x


def to_network(image: Tensor) -> Tensor:
    """0..1 to the −1..1 that networks take; colours outside of 0..1 are clamped."""
    return image.clamp(0, 1) * 2 - 1
