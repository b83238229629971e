"""The video transformation network: the frame, earlier stylized frames, and where to trust them."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from vst.nn.body import COMPACT_LAYOUT, GatedVariant, TransformationBody
from vst.nn.compact_body import CompactBody
from vst.nn.style_network import Hyperparameters, StyleNetwork

UNGATED = GatedVariant()
_KEPT_AT_FIRST = 2.0
"""Of a gate before training: σ(2) = 0.88."""

COMPACT_UNGATED = GatedVariant(layout=COMPACT_LAYOUT)


class _SeesThePast(StyleNetwork):
    """A body with 7 input channels (Ruder 2018; thesis 5.4, algorithm 2): frame, past and mask.

    With a gate the last convolution has a fourth channel z, and of the stylization P and the past R,
    trusted where m is 1, comes O = P + (1 − a) m σ(z) (R − P): what holds is not stylized again. By the
    anchor a nothing is kept for ever: errors of the motion, and of resampling, are gone after some 1/a
    frames.

    Attributes:
        kept_share: A factor on what the gate keeps: 1, or 0 while the network learns to continue the past
            without it.
    """

    kept_share: Tensor
    variant_type: ClassVar[type[Hyperparameters]] = GatedVariant

    @classmethod
    def build(cls, width: int, styles: int, variant: Hyperparameters) -> StyleNetwork:
        """See `StyleNetwork.build`: the class of the variant's layout."""
        assert isinstance(variant, GatedVariant)
        kind = CompactVTN if variant.layout == COMPACT_LAYOUT else VTN
        return kind(width, styles, variant)

    def start_gate(self) -> None:
        """Let a gate keep most of the past at first.

        Half of two stylizations whose textures differ is neither: learning to keep begins with a rise of
        the style loss, and is slow.
        """
        assert isinstance(self.variant, GatedVariant)
        self.gated = self.variant.gate
        self.register_buffer("kept_share", torch.ones(()), persistent=False)
        if self.gated:
            with torch.no_grad():
                for parameter in self.last.parameters():
                    parameter[3:].zero_()
                assert self.last.bias is not None
                self.last.bias[3:].fill_(_KEPT_AT_FIRST)

    def stylize_next(self, frame: Tensor, past: Tensor, mask: Tensor, mix: Tensor | None = None) -> Tensor:
        """Stylize a frame so that it continues the past.

        Args:
            frame: B×3×H×W, −1..1.
            past: B×3×H×W, −1..1: earlier outputs warped to this frame, 0 where `mask` is 0.
            mask: B×1×H×W: 1 where `past` can be trusted.
            mix: as in `StyleNetwork.forward`.

        Returns:
            B×3×H×W, −1..1.
        """
        stylized: Tensor = self(torch.cat((frame, past, mask), dim=1), mix)
        return stylized

    def compose(self, raw: Tensor, given: Tensor) -> Tensor:
        """See `StyleNetwork.compose`."""
        raw = raw.to(given.dtype)
        stylized = self.activate(raw[:, :3])
        if not self.gated:
            return stylized
        assert isinstance(self.variant, GatedVariant)
        # Warping overshoots; kept for many frames, that would grow.
        past = given[:, 3:6].clamp(-1, 1)
        kept = (1 - self.variant.anchor) * self.kept_share * torch.sigmoid(raw[:, 3:]) * given[:, 6:]
        return torch.lerp(stylized, past, kept.expand_as(past))


class VTN(_SeesThePast, TransformationBody):
    """`TransformationBody` that sees the past.

    Args:
        width: Number of filters w of the first layer.
        styles: Number of styles that share the convolutions.
        variant: Blocks, norm, up-sampling, output, gate and anchor.
    """

    def __init__(self, width: int = 32, styles: int = 1, variant: GatedVariant = UNGATED) -> None:
        super().__init__(7, width, styles, variant, outputs=4 if variant.gate else 3)
        self.start_gate()


class CompactVTN(_SeesThePast, CompactBody):
    """`CompactBody` that sees the past; arguments as for `VTN`."""

    def __init__(self, width: int = 48, styles: int = 1, variant: GatedVariant = COMPACT_UNGATED) -> None:
        super().__init__(7, width, styles, variant, outputs=4 if variant.gate else 3)
        self.start_gate()
