"""vtn: conditioned on earlier stylized frames, warped by optical flow."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.network_runner import NetworkRunner, to_network
from vst.modes.tiling import MemoryEstimate


class VtnStylizer:
    """The video transformation network (Ruder 2018; thesis 5.4, algorithm 2).

    It sees the frame, the earlier stylized frames warped to it, and the mask of where they can be trusted.
    """

    every_frame = False
    whole_shot = False
    conditioned = True

    def __init__(self, network: NetworkRunner) -> None:
        self._network = network

    @torch.inference_mode()
    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; without a past, image and mask are 0."""
        image = to_network(frame.image)
        refresh = None
        if past is None:
            warped, trust = torch.zeros_like(image), torch.zeros_like(image[:1])
        else:
            warped, trust = past.image, past.trust
            refresh = None if past.refresh is None else past.refresh[None]
        return self._network(image[None], warped[None], trust[None], refresh=refresh)[0].cpu()

    def reset(self) -> None:
        """There is no state: the past comes with each frame."""

    def snapshot(self) -> tuple[Tensor, ...]:
        """There is no state."""
        return ()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """There is no state."""

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        return self._network.memory(height, width)
