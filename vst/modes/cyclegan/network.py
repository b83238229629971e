"""The generator: the shared body with ten residual blocks (dissertation, section 3.3.1; Zhu 2017).

The dissertation's generator has strided convolutions, residual blocks, instance norm and tanh, as table 4.1
of the thesis. The first and last kernels are 7×7 in Zhu's; here 9×9 as in the body, which a 7×7 kernel fits
into.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from vst.nn.body import TransformationBody, Variant, take_body
from vst.nn.layers import ResidualBlock
from vst.nn.style_network import Hyperparameters, StyleNetwork


@dataclass(frozen=True)
class GeneratorVariant(Variant):
    """A `Variant` with ten residual blocks; the dissertation also tried 7 and 9, and Zhu has 9."""

    blocks: int = 10


DISSERTATION = GeneratorVariant()


class CycleGenerator(TransformationBody):
    """`TransformationBody` for the frame alone: forward(B×3×H×W, mix) -> B×3×H×W, all −1..1."""

    variant_type: ClassVar[type[Hyperparameters]] = GeneratorVariant

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = DISSERTATION) -> None:
        super().__init__(3, width, styles, variant)

    def can_start_from(self, earlier: StyleNetwork) -> bool:
        """See `StyleNetwork.can_start_from`: any body with this norm, up-sampling and output.

        It may have fewer residual blocks.
        """
        own, other = self.variant, earlier.variant
        return (
            isinstance(own, Variant)
            and isinstance(other, Variant)
            and (other.norm, other.upsampling, other.output, other.layout)
            == (own.norm, own.upsampling, own.output, own.layout)
        )

    @torch.no_grad()
    def start_from(self, earlier: StyleNetwork) -> None:
        """See `take_body`; residual blocks that the other lacks add nothing at first."""
        take_body(self, earlier)
        assert isinstance(earlier.variant, Variant)
        for block in list(self.residual)[earlier.variant.blocks :]:
            assert isinstance(block, ResidualBlock)
            block.second.norm.weight.zero_()
            block.second.norm.bias.zero_()
