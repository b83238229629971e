"""vtn: conditioned on earlier stylized frames, warped by optical flow."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.frame_stylizer import FrameStylizer
from vst.modes.network_runner import to_network


class VtnStylizer(FrameStylizer):
    """The video transformation network (Ruder 2018; thesis 5.4, algorithm 2).

    It sees the frame, the earlier stylized frames warped to it, and the mask of where they can be trusted.
    It has no state of its own: the past comes with each frame.
    """

    conditioned = True

    @torch.inference_mode()
    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; without a past, image and mask are 0."""
        image = to_network(frame.image)
        if past is None:
            warped, trust = torch.zeros_like(image), torch.zeros_like(image[:1])
        else:
            warped, trust = past.image, past.trust
        return self._network(image[None], warped[None], trust[None])[0].to(frame.image.device)
