"""`dis-refined` as an estimator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimator import Estimator
from vst.motion.estimators.dis import DisEstimator
from vst.motion.estimators.flow_tiles import tiled_flow
from vst.motion.estimators.inference import flow_inference
from vst.motion.estimators.refined.refinement_network import (
    SIZE_MULTIPLE,
    InitialFlows,
    RefinementNetwork,
    network_input,
)
from vst.motion.estimators.refined.refinement_weights import REFINED_NAME

_TILE = 1536
_OVERLAP = 256


class RefinedEstimator(Estimator):
    """`dis` in both directions, each refined by a network that is shown the errors of the flow.

    Args:
        network: The refinement network.
        device: Where the network runs; `dis` itself runs on the CPU.
        precision: Precision of the network's features; flow is always fp32.
    """

    def __init__(self, network: RefinementNetwork, device: torch.device, precision: torch.dtype) -> None:
        self.name = REFINED_NAME
        self._network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device, self._precision = device, precision
        self._accurate, self._coarse = DisEstimator(), DisEstimator("ultrafast")

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Estimator.estimate``. `dis` is run in both directions: the network needs both."""
        self._check(a, b)
        forward, backward = self._accurate.estimate_pair(a, b)
        coarse = self._coarse.estimate(a, b)
        refined = self._refine(a[None], b[None], forward[None], coarse[None], backward[None])
        return refined[0].to(a.device)

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Estimator.estimate_pair``; both directions are one batch."""
        self._check(a, b)
        accurate, coarse = (
            torch.stack(each.estimate_pair(a, b)) for each in (self._accurate, self._coarse)
        )
        pictures = torch.stack((_to_unit(a), _to_unit(b)))
        forward, backward = self._refine(pictures, pictures.flip(0), accurate, coarse, accurate.flip(0))
        return forward.to(a.device), backward.to(b.device)

    def _check(self, a: Tensor, b: Tensor) -> None:
        if a.shape != b.shape or a.dim() != 3 or a.shape[0] != 3:
            raise ValueError(
                f"cannot estimate flow between frames of shape {tuple(a.shape)} and {tuple(b.shape)}; "
                "expected 3×H×W of one size"
            )

    @torch.no_grad()
    def _refine(
        self, first: Tensor, second: Tensor, accurate: Tensor, coarse: Tensor, backward: Tensor
    ) -> Tensor:
        """Flow of a batch, B×2×H×W in float32."""
        one, other = (_to_unit(each.to(self._device)) for each in (first, second))
        initial = InitialFlows(*(each.to(self._device) for each in (accurate, coarse, backward)))
        height, width = one.shape[-2:]
        padding = (0, -width % SIZE_MULTIPLE, 0, -height % SIZE_MULTIPLE)
        inputs = F.pad(network_input(one, other, initial), padding, mode="replicate")
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        flows = F.pad(torch.cat((initial.accurate, initial.coarse), 1), padding, mode="replicate")
        with flow_inference(self._device, self._precision):
            flow = tiled_flow(
                self._network, inputs, flows, tile=_TILE, overlap=_OVERLAP, multiple=SIZE_MULTIPLE
            )
        return flow[..., :height, :width].contiguous()


def _to_unit(picture: Tensor) -> Tensor:
    """A picture, uint8 or nominally 0..1, as float32 in 0..1."""
    return picture.float() / 255 if picture.dtype == torch.uint8 else picture.float().clamp(0, 1)
