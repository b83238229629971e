"""The refinement as an estimator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimator import Estimator
from vst.motion.estimators.dis import DisEstimator
from vst.motion.estimators.refined.network import GRID, Refinement, Stages, evidence
from vst.motion.estimators.refined.weights import NAME
from vst.motion.estimators.tiles import tiled

_TILE = 1536
_OVERLAP = 256


class RefinedEstimator(Estimator):
    """`dis` in both directions, each mended by a network that sees what is wrong with it.

    Args:
        network: What mends it.
        device: Where the network runs; `dis` itself is on the CPU.
        precision: Of the network's features; the flow is always kept in fp32.
    """

    def __init__(self, network: Refinement, device: torch.device, precision: torch.dtype) -> None:
        self.name = NAME
        self._network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device, self._precision = device, precision
        self._exact, self._bold = DisEstimator(), DisEstimator("ultrafast")
        if device.type == "cuda":
            # As NetworkEstimator does: transposed convolutions that give the same numbers each time.
            torch.backends.cudnn.deterministic = True

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Estimator.estimate``. `dis` runs in both directions all the same: the network sees both."""
        self._check(a, b)
        forth, back = self._exact.estimate_pair(a, b)
        bold = self._bold.estimate(a, b)
        return self._mended(a[None], b[None], forth[None], bold[None], back[None])[0].to(a.device)

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Estimator.estimate_pair``; both directions are one batch."""
        self._check(a, b)
        exact, bold = (torch.stack(each.estimate_pair(a, b)) for each in (self._exact, self._bold))
        pictures = torch.stack((_unit(a), _unit(b)))
        forth, back = self._mended(pictures, pictures.flip(0), exact, bold, exact.flip(0))
        return forth.to(a.device), back.to(b.device)

    def _check(self, a: Tensor, b: Tensor) -> None:
        if a.shape != b.shape or a.dim() != 3 or a.shape[0] != 3:
            raise ValueError(
                f"cannot estimate flow between frames of shape {tuple(a.shape)} and {tuple(b.shape)}; "
                "expected 3×H×W of one size"
            )

    @torch.no_grad()
    def _mended(self, first: Tensor, second: Tensor, exact: Tensor, bold: Tensor, back: Tensor) -> Tensor:
        """Flow of a batch, B×2×H×W in float32."""
        one, other = (_unit(each.to(self._device)) for each in (first, second))
        stages = Stages(*(each.to(self._device) for each in (exact, bold, back)))
        height, width = one.shape[-2:]
        spare = (0, -width % GRID, 0, -height % GRID)
        seen = F.pad(evidence(one, other, stages), spare, mode="replicate")
        seen = seen.contiguous(memory_format=torch.channels_last)
        known = F.pad(torch.cat((stages.exact, stages.bold), 1), spare, mode="replicate")
        with torch.autocast(
            self._device.type, dtype=self._precision, enabled=self._precision != torch.float32
        ):
            flow = tiled(self._network, seen, known, tile=_TILE, overlap=_OVERLAP, multiple=GRID)
        return flow[..., :height, :width].contiguous()


def _unit(picture: Tensor) -> Tensor:
    """A picture in 8 bits or nominally 0..1, as float32 in 0..1."""
    return picture.float() / 255 if picture.dtype == torch.uint8 else picture.float().clamp(0, 1)
