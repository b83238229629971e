"""The generator: the shared body with ten residual blocks (dissertation, section 3.3.1; Zhu 2017).

The dissertation's generator has strided convolutions, residual blocks, instance norm and tanh, as table 4.1
of the thesis. The first and last kernels are 7×7 in Zhu's; here 9×9 as in the body, which a 7×7 kernel fits
into.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vst.nn.body import TransformationBody, Variant, take_body
from vst.nn.layers import EPSILON, ResidualBlock
from vst.nn.style_network import Hyperparameters, StyleNetwork


@dataclass(frozen=True)
class GeneratorVariant(Variant):
    """A `Variant` with ten residual blocks; the dissertation also tried 7 and 9, and Zhu has 9.

    Attributes:
        keep_light: What the last convolution gives has the standard deviation of each of the frame's
            channels for its unit, is added to their means, and cut to −1..1; `output` does not count.
            Instance norm takes both out of a frame, and a network cannot know how bright, how colourful
            and how hard in contrast it was. So an even or a black frame stays what it is.
    """

    blocks: int = 10
    keep_light: bool = False


DISSERTATION = GeneratorVariant()


class CycleGenerator(TransformationBody):
    """`TransformationBody` for the frame alone: forward(B×3×H×W, mix) -> B×3×H×W, all −1..1."""

    variant_type: ClassVar[type[Hyperparameters]] = GeneratorVariant

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = DISSERTATION) -> None:
        super().__init__(3, width, styles, variant)

    def compose(self, raw: Tensor, given: Tensor) -> Tensor:
        """See `StyleNetwork.compose`; of whole frames."""
        return self.composition([given])(raw, given)

    def composition(self, planes: Sequence[Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        """See `StyleNetwork.composition`."""
        assert isinstance(self.variant, GeneratorVariant)
        if not self.variant.keep_light:
            return super().compose
        variance, mean = torch.var_mean(planes[0].float(), dim=(2, 3), correction=0, keepdim=True)

        def in_its_light(raw: Tensor, given: Tensor) -> Tensor:
            on = raw.device
            lit = (mean.to(on) + (variance + EPSILON).sqrt().to(on) * raw).to(given.dtype)
            return lit if self.training else lit.clamp(-1, 1)

        return in_its_light

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
