"""A body made for processors: the work of table 4.1's body in a third of the time, and learned sooner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from torch import nn

from vst.nn.body import COMPACT, COMPACT_LAYOUT, Variant, take_body
from vst.nn.executor import Executor
from vst.nn.layers import ConvBlock, EnlargingBlock, EnlargingConv2d, ResidualBlock
from vst.nn.style_network import Hyperparameters, StyleNetwork

M = TypeVar("M")

_CELL = 4
"""Side of the cells of space-to-depth."""

_WHOLE = 8
"""Height and width are made multiples of this: the residual blocks stand at an eighth of the size."""


class CompactBody(StyleNetwork):
    """Space-to-depth by 4; 3×3 w; 3×3 s2 2w; residual blocks of 2w; ×2 to w; ×2 to w/2; ×2 to 3; tanh.

    The body of table 4.1 spends half of its time at full resolution, where few channels leave a processor's
    matrix units waiting: its last 9×9 convolution alone is a quarter. Here nothing but the picture itself
    has full resolution. The residual blocks stand at an eighth of it, where they see twice as far; what
    that is too coarse for passes them by from the first convolution. The enlarging layers are
    `EnlargingConv2d`. Instance norm stands after every convolution but the last, ReLU after each but the
    second of a residual block and the first enlarging one.
    docs/adr/0017-a-body-for-processors.md.

    Args:
        inputs: Number of input channels.
        width: Number of filters w of the first convolution, even.
        styles: Number of styles S that share the convolutions.
        variant: The number of residual blocks.
        outputs: Number of channels of the last convolution; the first three are the picture's.
    """

    variant_type: ClassVar[type[Hyperparameters]] = Variant
    can_widen = True
    variant: Variant
    last: EnlargingConv2d  # type: ignore[assignment]

    def __init__(
        self, inputs: int, width: int = 48, styles: int = 1, variant: Variant = COMPACT, outputs: int = 3
    ) -> None:
        super().__init__(inputs, width, styles, variant)
        variant.check_layout(COMPACT_LAYOUT, type(self).__name__)
        self.down = nn.ModuleList(
            [
                ConvBlock(inputs * _CELL**2, width, 3, styles=styles),
                ConvBlock(width, 2 * width, 3, stride=2, styles=styles),
            ]
        )
        self.residual = nn.ModuleList([ResidualBlock(2 * width, styles) for _ in range(variant.blocks)])
        self.up = nn.ModuleList(
            [
                EnlargingBlock(2 * width, width, styles, relu=False),
                EnlargingBlock(width, width // 2, styles),
            ]
        )
        self.last = EnlargingConv2d(width // 2, outputs)

    def layers(self, run: Executor[M], image: M, size: Sequence[int]) -> M:
        """See `StyleNetwork.layers`."""
        first, second = self.down
        coarse, fine = self.up
        detail = run.block(first, run.pack(image, _CELL, _WHOLE))  # type: ignore[arg-type]
        x = run.block(second, detail)  # type: ignore[arg-type]
        for block in self.residual:
            x = run.residual(block, x)  # type: ignore[arg-type]
        x = run.add(run.block(coarse, x), detail)  # type: ignore[arg-type]
        return run.crop(run.convolve(self.last, run.block(fine, x)), size)  # type: ignore[arg-type]

    def can_start_from(self, earlier: StyleNetwork) -> bool:
        """See `StyleNetwork.can_start_from`: any compact body does that has as many blocks."""
        return isinstance(earlier, CompactBody) and earlier.variant.blocks == self.variant.blocks

    def start_from(self, earlier: StyleNetwork) -> None:
        """See `take_body`; the first convolution has the cells of one input channel, then of the next."""
        take_body(self, earlier)

    def held_bytes(self, in_tiles: bool) -> float:
        """See `StyleNetwork.held_bytes`; the first convolution's features are added."""
        detail = self.width / _CELL**2 * self.last.weight.element_size()
        return super().held_bytes(in_tiles) + detail
