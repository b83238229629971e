"""The video transformation network: the frame, what was painted before, and where to trust it."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.nn.body import TABLE_4_1, TransformationBody, Variant


class VTN(TransformationBody):
    """The ITN body with 7 input channels (Ruder 2018; thesis 5.4, algorithm 2)."""

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = TABLE_4_1) -> None:
        super().__init__(7, width, styles, variant)

    def paint(self, frame: Tensor, previous: Tensor, mask: Tensor, mix: Tensor | None = None) -> Tensor:
        """Paint a frame so that it continues the previous painting.

        Args:
            frame: B×3×H×W, −1..1.
            previous: B×3×H×W, −1..1: the previous output warped to this frame, 0 where `mask` is 0.
            mask: B×1×H×W: 1 where `previous` can be trusted.
            mix: as in `TransformationBody.forward`.

        Returns:
            B×3×H×W, −1..1.
        """
        return self(torch.cat((frame, previous, mask), dim=1), mix)
