"""Runs a network for inference: on its device, in its precision, set to its blend of styles."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.modes.memory import (
    NO_TILES,
    MemoryEstimate,
    estimate_memory,
    is_out_of_memory,
    smaller_tile,
)
from vst.nn import LSTM, tiled
from vst.nn.body import SMALLEST_SIDE, TransformationBody
from vst.nn.lstm import State

_log = logging.getLogger(__name__)

T = TypeVar("T")


class NetworkRunner:
    """Runs a network without gradients.

    Convolutions run in the given precision and in channels_last; instance norm keeps its statistics,
    scales and shifts in fp32, and so is what comes out. Large pictures are painted in tiles, and smaller
    ones when memory runs out.

    Args:
        network: Any of ours; the painter takes it over.
        mixture: How much of each of its styles; sums to 1.
        device: Where to paint.
        precision: float32, bfloat16 or float16.
        tile: Side of tiles in pixels; `NO_TILES`: never in tiles; None: `vst.modes.memory` decides.
    """

    def __init__(
        self,
        network: TransformationBody,
        mixture: Sequence[float],
        device: torch.device,
        precision: torch.dtype,
        tile: int | None = None,
    ) -> None:
        self.device, self.precision = device, precision
        self._tile, self._asked = tile, tile
        self.inputs, self.gated = network.inputs, network.gated
        self._network = (
            network.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        )
        for module in self._network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.to(precision)
        self._mix = torch.tensor([list(mixture)], dtype=torch.float32, device=device)

    @torch.inference_mode()
    def __call__(self, *planes: Tensor, fresh: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            planes: B×C×H×W each, −1..1 (masks 0..1), joined along C in this order.
            fresh: B×1×H×W, 0..1, what a gated network is not to keep of the past, though it would.

        Returns:
            B×3×H×W, −1..1, fp32, on the painter's device, or where the first plane is if in tiles.
        """
        height, width = planes[0].shape[-2:]
        seen = [_large_enough(plane.float()) for plane in planes]
        over = None if fresh is None else _large_enough(fresh)

        def whole() -> Tensor:
            x = torch.cat([plane.to(self.device) for plane in seen], dim=1)
            given = {} if over is None else {"fresh": over.to(self.device)}
            painted: Tensor = self._network(
                x.contiguous(memory_format=torch.channels_last), self._mix, **given
            )
            return painted

        def in_tiles(tile: int) -> Tensor:
            return tiled.paint(self._network, seen, self._mix, tile, over)

        painted = self._within_memory(seen[0], whole, in_tiles)
        return painted[..., :height, :width].float().contiguous()

    @torch.inference_mode()
    def advance(self, frame: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Paint the next frame of a shot with an LSTM.

        Args:
            frame: B×3×H×W, −1..1.
            state: What the last call gave, None for a shot's first frame.

        Returns:
            B×3×H×W, −1..1, fp32, and what the next call wants, both on the painter's device, or where the
            frame is if in tiles.
        """
        network = self._network
        assert isinstance(network, LSTM)
        height, width = frame.shape[-2:]
        seen = _large_enough(frame.float())

        def whole() -> tuple[Tensor, State]:
            x = seen.to(self.device).contiguous(memory_format=torch.channels_last)
            return network.step(x, None if state is None else self.to_device(state), self._mix)

        def in_tiles(tile: int) -> tuple[Tensor, State]:
            return tiled.step(network, seen, state, self._mix, tile)

        painting, after = self._within_memory(seen, whole, in_tiles)
        return painting[..., :height, :width].contiguous(), after

    def to_device(self, state: State) -> State:
        """A state on the painter's device."""
        return State(*(part.to(self.device) for part in state))

    def memory(self, height: int, width: int) -> MemoryEstimate:
        """What painting one picture of this size takes."""
        return estimate_memory(self._network, 1, height, width, self._tile)

    def _within_memory(self, picture: Tensor, whole: Callable[[], T], in_tiles: Callable[[int], T]) -> T:
        """Paint as settled, and in smaller and smaller tiles while memory runs out; later pictures too."""
        batch, _, height, width = picture.shape
        while True:
            tile = estimate_memory(self._network, batch, height, width, self._tile).tile
            try:
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
                "the memory of %s does not suffice to paint %d×%d %s: going on in tiles of %d pixels",
                self.device,
                width,
                height,
                "whole" if tile is None else f"in tiles of {tile}",
                less,
            )


def _large_enough(x: Tensor) -> Tensor:
    """A picture smaller than a network can take continued at its edges."""
    height, width = x.shape[-2:]
    right, down = max(SMALLEST_SIDE - width, 0), max(SMALLEST_SIDE - height, 0)
    if right or down:
        x = F.pad(x, (0, right, 0, down), mode="replicate")
    return x


def to_network(image: Tensor) -> Tensor:
    """0..1 to the −1..1 that networks take; colours outside RGB's range are brought inside."""
    return image.clamp(0, 1) * 2 - 1
