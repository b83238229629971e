"""FlowNet 2.0 (Ilg, Mayer, Saikia, Keuper, Dosovitskiy, Brox, CVPR 2017), the whole family.

Parameters have the names and shapes of NVIDIA/flownet2-pytorch without batch norm, so that its published
checkpoints load unchanged. Every network takes two centred pictures and returns flow in pixels.
"""

from __future__ import annotations

from torch import Tensor

from vst.motion.estimators.flownet2.flownetc import FlowNet2C
from vst.motion.estimators.flownet2.flownets import FlowNet2S
from vst.motion.estimators.flownet2.flownetsd import FlowNet2SD
from vst.motion.estimators.flownet2.stacked import FlowNet2, FlowNet2CS, FlowNet2CSS

__all__ = ["FlowNet2", "FlowNet2C", "FlowNet2CS", "FlowNet2CSS", "FlowNet2S", "FlowNet2SD", "centred"]


def centred(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Two pictures, B×3×H×W in 0..1, with the mean colour of both subtracted."""
    mean = (first.mean((-2, -1), keepdim=True) + second.mean((-2, -1), keepdim=True)) / 2
    return first - mean, second - mean
