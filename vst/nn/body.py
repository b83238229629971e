"""The body that the feed-forward networks share: the layers of the thesis's table 4.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Tensor, nn

from vst.errors import VstError
from vst.nn.executor import Executor
from vst.nn.layers import (
    ConditionalBatchNorm2d,
    ConditionalInstanceNorm2d,
    ConvBlock,
    ReflectedConv2d,
    ResidualBlock,
    TransposedBlock,
    UpsampleBlock,
)
from vst.nn.style_network import Hyperparameters, StyleNetwork

M = TypeVar("M")

RESIDUAL_BLOCKS = 5
_MOST_BLOCKS = 64
_FIRST = "down.0.conv.weight"

NORMS = {"instance": ConditionalInstanceNorm2d, "batch": ConditionalBatchNorm2d}
UPSAMPLING = {"nearest": UpsampleBlock, "transposed": TransposedBlock}
OUTPUTS = ("tanh", "linear")
TABLE_LAYOUT, COMPACT_LAYOUT = "table-4.1", "compact"
LAYOUTS = (TABLE_LAYOUT, COMPACT_LAYOUT)

_CHOICES = {"layout": LAYOUTS, "norm": NORMS, "upsampling": UPSAMPLING, "output": OUTPUTS}


@dataclass(frozen=True)
class Variant(Hyperparameters):
    """Where a body departs from the thesis's table 4.1; the defaults do not.

    Attributes:
        blocks: Number of residual blocks.
        norm: A key of `NORMS`; Johnson 2016 has batch norm.
        upsampling: A key of `UPSAMPLING`; Johnson 2016 has transposed convolutions.
        output: One of `OUTPUTS`. A linear output is cut to −1..1 except while training.
        layout: `table-4.1`, or `compact`: `vst.nn.compact_body`, which has none of the other departures.

    Raises:
        VstError: for a value that does not exist.
    """

    blocks: int = RESIDUAL_BLOCKS
    norm: str = "instance"
    upsampling: str = "nearest"
    output: str = "tanh"
    layout: str = TABLE_LAYOUT

    def __post_init__(self) -> None:
        if not 0 <= self.blocks <= _MOST_BLOCKS:
            raise VstError(f"got {self.blocks} residual blocks; expected 0 to {_MOST_BLOCKS}")
        for field, known in _CHOICES.items():
            value = getattr(self, field)
            if value not in known:
                raise VstError(f"{field} is {value!r}; expected {' or '.join(known)}")
        if self.layout == COMPACT_LAYOUT:
            for field in ("norm", "upsampling", "output"):
                if getattr(self, field) != getattr(Variant, field):
                    raise VstError(f"{field} is {getattr(self, field)!r}; the compact layout has none")

    def check_layout(self, expected: str, network: str) -> None:
        """Refuse another layout than a network's.

        Raises:
            VstError: naming the network.
        """
        if self.layout != expected:
            raise VstError(f"layout is {self.layout!r}; {network} has {expected}")


@dataclass(frozen=True)
class GatedVariant(Variant):
    """A `Variant` of a network that sees earlier stylized frames, and may keep them.

    Attributes:
        gate: Whether the network decides by pixel how much of the past to keep as it is.
        anchor: The least share of what a gate or a memory keeps that is taken from each frame.

    Raises:
        VstError: also for an anchor outside of 0..1.
    """

    gate: bool = False
    anchor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.anchor <= 1:
            raise VstError(f"anchor is {self.anchor}; expected 0 to 1")


TABLE_4_1 = Variant()
COMPACT = Variant(layout=COMPACT_LAYOUT)


class TransformationBody(StyleNetwork):
    """9×9 s1 w, 3×3 s2 2w, 3×3 s2 4w, residual blocks of 4w, two ×2 + 3×3, 9×9 to 3, tanh.

    Instance norm stands after every convolution but the last, ReLU after each but the second of a
    residual block. At width 32 with one style and 3 input channels: 1,679,235 parameters. A `Variant`
    changes some of that.

    Args:
        inputs: Number of input channels.
        width: Number of filters w of the first layer; 32 is the thesis's.
        styles: Number of styles S that share the convolutions.
        variant: Blocks, norm, up-sampling and output.
        outputs: Number of channels of the last convolution; the first three are the picture's.
    """

    variant_type: ClassVar[type[Hyperparameters]] = Variant
    can_widen = True
    variant: Variant

    def __init__(
        self, inputs: int, width: int = 32, styles: int = 1, variant: Variant = TABLE_4_1, outputs: int = 3
    ) -> None:
        super().__init__(inputs, width, styles, variant)
        variant.check_layout(TABLE_LAYOUT, type(self).__name__)
        norm, upsample = NORMS[variant.norm], UPSAMPLING[variant.upsampling]
        self.down = nn.ModuleList(
            [
                ConvBlock(inputs, width, 9, styles=styles, norm=norm),
                ConvBlock(width, 2 * width, 3, stride=2, styles=styles, norm=norm),
                ConvBlock(2 * width, 4 * width, 3, stride=2, styles=styles, norm=norm),
            ]
        )
        self.residual = nn.ModuleList(
            [ResidualBlock(4 * width, styles, norm) for _ in range(variant.blocks)]
        )
        self.up = nn.ModuleList(
            [
                upsample(4 * width, 2 * width, 3, styles=styles, norm=norm),
                upsample(2 * width, width, 3, styles=styles, norm=norm),
            ]
        )
        self.last = ReflectedConv2d(width, outputs, 9)

    def layers(self, run: Executor[M], image: M, size: Sequence[int]) -> M:
        """See `StyleNetwork.layers`."""
        return run.convolve(self.last, self.decode(run, self.encode(run, image), size))

    def encode(self, run: Executor[M], image: M) -> M:
        """Down-sampling and residual blocks: B×inputs×H×W to features B×4w×⌈H/4⌉×⌈W/4⌉."""
        for block in self.down:
            image = run.block(block, image)  # type: ignore[arg-type]
        for block in self.residual:
            image = run.residual(block, image)  # type: ignore[arg-type]
        return image

    def decode(self, run: Executor[M], features: M, size: Sequence[int]) -> M:
        """Up-sampling: features of `encode` to B×w×H×W, which the last convolution takes."""
        features = run.cast(features, self.last.weight.dtype)
        for block in self.up:
            features = run.block(block, features)  # type: ignore[arg-type]
        # Two strides of 2 round an odd size up; what the up-sampling made too much is cut off.
        return run.window(run.crop(features, size), self.last.kernel_size[0] // 2)

    def activate(self, raw: Tensor) -> Tensor:
        """See `StyleNetwork.activate`; by the variant's output."""
        if self.variant.output == "tanh":
            return torch.tanh(raw)
        return raw if self.training else raw.clamp(-1, 1)

    def can_start_from(self, earlier: StyleNetwork) -> bool:
        """See `StyleNetwork.can_start_from`: any body does that has the blocks, norm and output of this."""
        own, other = self.variant, earlier.variant
        return (
            isinstance(other, Variant)
            and other.blocks >= own.blocks
            and (other.norm, other.upsampling, other.output) == (own.norm, own.upsampling, own.output)
        )

    def start_from(self, earlier: StyleNetwork) -> None:
        """See `take_body`."""
        take_body(self, earlier)


@torch.no_grad()
def take_body(network: StyleNetwork, earlier: StyleNetwork) -> None:
    """Take another body's weights. At first the network stylizes frames without a past as that one does.

    New input channels start at zero; channels that the network lacks are left out (a past that is empty
    is zero, so nothing is lost). Output channels and parts that the other lacks start as they were
    made; of more residual blocks the first are taken.

    Args:
        network: A body of any layout; changed in place.
        earlier: A body of the same layout.

    Raises:
        RuntimeError: where the widths differ, or something that is not named here.
    """
    state, mine = earlier.state_dict(), network.state_dict()
    first, own = state[_FIRST], mine[_FIRST]
    wanted = first.new_zeros(first.shape[0], own.shape[1], *first.shape[2:])
    common = min(first.shape[1], own.shape[1])
    wanted[:, :common] = first[:, :common]
    state[_FIRST] = wanted
    for name in ("last.weight", "last.bias"):
        both = min(len(state[name]), len(mine[name]))
        state[name] = torch.cat((state[name][:both], mine[name][both:]))
    network.load_state_dict({name: state.get(name, value) for name, value in mine.items()})
