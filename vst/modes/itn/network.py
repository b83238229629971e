"""The image transformation network: one frame in, one stylized frame out (Johnson 2016, Ulyanov 2017)."""

from __future__ import annotations

from vst.nn.body import TABLE_4_1, TransformationBody, Variant


class ITN(TransformationBody):
    """`TransformationBody` for the frame alone: forward(B×3×H×W, mix) -> B×3×H×W, all −1..1."""

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = TABLE_4_1) -> None:
        super().__init__(3, width, styles, variant)
