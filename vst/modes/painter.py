"""A network made ready to paint: on its device, in its precision, set to its blend."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.networks import LSTM
from vst.networks.body import SMALLEST_SIDE, TransformationBody
from vst.networks.lstm import State


class Painter:
    """Runs a network without gradients.

    Convolutions run in the given precision and in channels_last; instance norm keeps its statistics,
    scales and shifts in fp32, and so is what comes out.

    Args:
        network: Any of ours; the painter takes it over.
        mixture: How much of each of its styles; sums to 1.
        device: Where to paint.
        precision: float32, bfloat16 or float16.
    """

    def __init__(
        self,
        network: TransformationBody,
        mixture: Sequence[float],
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        self.device, self.precision = device, precision
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
            fresh: B×1×H×W, 1 where a gated network is to keep nothing of the past.

        Returns:
            B×3×H×W, −1..1, fp32, on the painter's device.
        """
        x = torch.cat([plane.to(self.device, torch.float32) for plane in planes], dim=1)
        height, width = x.shape[-2:]
        given = {} if fresh is None else {"fresh": _large_enough(fresh.to(self.device))}
        painted = self._network(_large_enough(x), self._mix, **given)
        return painted[..., :height, :width].float().contiguous()

    @torch.inference_mode()
    def go_on(self, frame: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Paint the next frame of a shot with an LSTM.

        Args:
            frame: B×3×H×W, −1..1.
            state: What the last call gave, None for a shot's first frame.

        Returns:
            B×3×H×W, −1..1, fp32, on the painter's device, and what the next call wants.
        """
        assert isinstance(self._network, LSTM)
        height, width = frame.shape[-2:]
        painting, state = self._network.step(
            _large_enough(frame.to(self.device, torch.float32)), state, self._mix
        )
        return painting[..., :height, :width].contiguous(), state

    def take(self, state: State) -> State:
        """A state on the painter's device."""
        return State(*(part.to(self.device) for part in state))


def _large_enough(x: Tensor) -> Tensor:
    """A picture smaller than a network can take continued at its edges; channels_last."""
    height, width = x.shape[-2:]
    right, down = max(SMALLEST_SIDE - width, 0), max(SMALLEST_SIDE - height, 0)
    if right or down:
        x = F.pad(x, (0, right, 0, down), mode="replicate")
    return x.contiguous(memory_format=torch.channels_last)


def to_network(image: Tensor) -> Tensor:
    """0..1 to the −1..1 that networks take; colours outside RGB's range are brought inside."""
    return image.clamp(0, 1) * 2 - 1


def from_network(image: Tensor) -> Tensor:
    """−1..1 to 0..1, on the CPU."""
    return ((image + 1) / 2).cpu()
