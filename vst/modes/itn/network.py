"""The image transformation network: one frame in, one stylized frame out (Johnson 2016, Ulyanov 2017)."""

from __future__ import annotations

from vst.nn.body import COMPACT, COMPACT_LAYOUT, TABLE_4_1, TransformationBody, Variant
from vst.nn.compact_body import CompactBody
from vst.nn.style_network import Hyperparameters, StyleNetwork


class ITN(TransformationBody):
    """`TransformationBody` for the frame alone: forward(B×3×H×W, mix) -> B×3×H×W, all −1..1."""

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = TABLE_4_1) -> None:
        super().__init__(3, width, styles, variant)

    @classmethod
    def build(cls, width: int, styles: int, variant: Hyperparameters) -> StyleNetwork:
        """See `StyleNetwork.build`: the class of the variant's layout."""
        assert isinstance(variant, Variant)
        kind = CompactITN if variant.layout == COMPACT_LAYOUT else ITN
        return kind(width, styles, variant)


class CompactITN(CompactBody):
    """`CompactBody` for the frame alone."""

    def __init__(self, width: int = 48, styles: int = 1, variant: Variant = COMPACT) -> None:
        super().__init__(3, width, styles, variant)
