"""The image transformation network: one frame in, one painting out (Johnson 2016, Ulyanov 2017)."""

from __future__ import annotations

from vst.networks.body import RESIDUAL_BLOCKS, TransformationBody


class ITN(TransformationBody):
    """`TransformationBody` for the frame alone: forward(B×3×H×W, mix) -> B×3×H×W, all −1..1."""

    def __init__(self, width: int = 32, styles: int = 1, blocks: int = RESIDUAL_BLOCKS) -> None:
        super().__init__(3, width, styles, blocks)
