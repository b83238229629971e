"""The body that the feed-forward networks share: the layers of the thesis's table 4.1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vst.errors import VstError
from vst.nn.layers import (
    ConditionalBatchNorm2d,
    ConditionalInstanceNorm2d,
    ConditionalNorm2d,
    ConvBlock,
    ReflectedConv2d,
    ResidualBlock,
    TransposedBlock,
    UpsampleBlock,
)

RESIDUAL_BLOCKS = 5
SMALLEST_SIDE = 16
"""Below this the reflection padding inside the residual blocks has nothing to reflect."""


NORMS = {"instance": ConditionalInstanceNorm2d, "batch": ConditionalBatchNorm2d}
UPSAMPLING = {"nearest": UpsampleBlock, "transposed": TransposedBlock}
OUTPUTS = ("tanh", "linear")


@dataclass(frozen=True)
class Variant:
    """Where a body departs from the thesis's table 4.1; the defaults do not.

    Attributes:
        blocks: Number of residual blocks.
        norm: A key of `NORMS`; Johnson 2016 has batch norm.
        upsampling: A key of `UPSAMPLING`; Johnson 2016 has transposed convolutions.
        output: One of `OUTPUTS`. A linear output is cut to −1..1 except while training.
        gate: Whether a network with a past decides pixel by pixel how much of it to keep as it is. One
            without a past has no gate, whatever this says.
        anchor: Of a network with a gate or a memory (vtn, lstm): the least share of what it remembers and
            keeps that is taken from the present frame, every frame. Others have no use for it.
        motion: Whether the past of such a network is shown with the frame that it was painted from and the
            present one, so that it can see what moved; the thesis's figure 5.3 shows the painting alone.

    Raises:
        VstError: for an option that does not exist, or an anchor outside of 0..1.
    """

    blocks: int = RESIDUAL_BLOCKS
    norm: str = "instance"
    upsampling: str = "nearest"
    output: str = "tanh"
    gate: bool = False
    anchor: float = 0.1
    motion: bool = True

    def __post_init__(self) -> None:
        if self.blocks < 0:
            raise VstError(f"got {self.blocks} residual blocks; expected 0 or more")
        if not 0 <= self.anchor <= 1:
            raise VstError(f"anchor is {self.anchor}; expected 0 to 1")
        for field, known in (("norm", NORMS), ("upsampling", UPSAMPLING), ("output", OUTPUTS)):
            value = getattr(self, field)
            if value not in known:
                raise VstError(f"{field} is {value!r}; expected {' or '.join(known)}")


TABLE_4_1 = Variant()


class TransformationBody(nn.Module):
    """9×9 s1 w, 3×3 s2 2w, 3×3 s2 4w, residual blocks of 4w, two ×2 + 3×3, 9×9 to 3, tanh.

    Instance norm stands after every convolution but the last, ReLU after each but the second of a
    residual block. At width 32 with one style and 3 input channels: 1,679,235 parameters. A `Variant`
    changes some of that.

    With a gate the last convolution has a fourth channel z, and of the painting P and the past R, trusted
    where m is 1, comes O = P + (1 − a) m σ(z) (R − P): what holds is not painted again. By the anchor a
    nothing is kept for ever: errors of the motion, and of resampling, are gone after some 1/a frames.

    Args:
        inputs: Number of input channels: 3 for the frame, 4 more for the past and its mask.
        width: Number of filters w of the first layer; 32 is the thesis's.
        styles: Number of styles S that share the convolutions.
        variant: Blocks, norm, up-sampling and output.
    """

    def __init__(self, inputs: int, width: int = 32, styles: int = 1, variant: Variant = TABLE_4_1) -> None:
        super().__init__()
        self.inputs, self.width, self.styles, self.variant = inputs, width, styles, variant
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
        self.gated = variant.gate and inputs > 3
        self.last = ReflectedConv2d(width, 4 if self.gated else 3, 9)
        if self.gated:
            with torch.no_grad():  # an even mixture, from which learning can go either way
                for parameter in self.last.parameters():
                    parameter[3:].zero_()

    def forward(self, x: Tensor, mix: Tensor | None = None, fresh: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            x: B×inputs×H×W, −1..1, H and W at least `SMALLEST_SIDE`.
            mix: B×S or 1×S in fp32, how much of each style; None is all of the first.
            fresh: B×1×H×W, 0..1, the share of what a gate would keep that is not kept, though the past is
                seen. Without a gate all is painted anew anyway.

        Returns:
            B×3×H×W, −1..1, of x's type. Convolutions work in the type of their weights; what is kept of
            the past is not rounded to it.

        Raises:
            VstError: for another number of channels, or a picture too small to paint.
        """
        if mix is None:
            mix = one_style(0, self.styles, x.device)
        return self.compose(self.last(self.decode(self.encode(x, mix), mix, x.shape[-2:])), x, fresh)

    def compose(self, said: Tensor, x: Tensor, fresh: Tensor | None = None) -> Tensor:
        """The painting from what the last convolution said, each pixel for itself.

        Args:
            said: B×3×H×W, or B×4×H×W with a gate.
            x: As for `forward`.
            fresh: As there.

        Returns:
            B×3×H×W, −1..1, of x's type.
        """
        y = said.to(x.dtype)
        painting = self.finish(y[:, :3])
        if not self.gated:
            return painting
        # Warping overshoots; kept for many frames, that would grow.
        past = x[:, 3:6].clamp(-1, 1)
        kept = (1 - self.variant.anchor) * torch.sigmoid(y[:, 3:]) * x[:, 6:]
        if fresh is not None:
            kept = kept * (1 - fresh)
        return torch.lerp(painting, past, kept.expand_as(past))

    def encode(self, x: Tensor, mix: Tensor) -> Tensor:
        """Down-sampling and residual blocks: B×inputs×H×W to features B×4w×⌈H/4⌉×⌈W/4⌉; see `forward`."""
        self.check_input(*x.shape[-3:])
        y = x.to(self.last.weight.dtype)
        for block in self.down:
            y = block(y, mix)
        for block in self.residual:
            y = block(y, mix)
        return y

    def check_input(self, channels: int, height: int, width: int) -> None:
        """Refuse what cannot be painted.

        Raises:
            VstError: as `forward`.
        """
        if channels != self.inputs:
            raise VstError(f"got an input of {channels} channels; this network takes {self.inputs}")
        if min(height, width) < SMALLEST_SIDE:
            raise VstError(
                f"got a picture of {width}×{height}; both sides have to be at least {SMALLEST_SIDE}"
            )

    def decode(self, features: Tensor, mix: Tensor, size: Sequence[int]) -> Tensor:
        """Up-sampling: features B×4w×h×w of `encode` to B×w×H×W, which the last convolution takes.

        Args:
            features: What `encode` gave.
            mix: As there.
            size: H and W of the picture.
        """
        y = features.to(self.last.weight.dtype)
        for block in self.up:
            y = block(y, mix)
        # Two strides of 2 round an odd size up; what the up-sampling made too much is cut off.
        return y[..., : size[0], : size[1]]

    def painted(self, decoded: Tensor, kind: torch.dtype) -> Tensor:
        """What `decode` gave, B×w×H×W, as a painting without a gate, B×3×H×W, −1..1, of a type."""
        return self.finish(self.last(decoded).to(kind))

    def finish(self, painting: Tensor) -> Tensor:
        """What the last convolution gave, B×3×H×W, brought to −1..1 as the variant says."""
        if self.variant.output == "tanh":
            return torch.tanh(painting)
        return painting if self.training else painting.clamp(-1, 1)

    @torch.no_grad()
    def start_from(self, earlier: TransformationBody) -> None:
        """Take another body's weights, which paints frames without a past as this one will at first.

        New input channels start at zero; channels that this one lacks are left out (a past that is empty
        is zero, so nothing is lost). A gate that the other lacks starts as an even mixture, a memory as it
        was made; of more residual blocks the first are taken.

        Raises:
            RuntimeError: where the widths differ, or something that is not named here.
        """
        state = earlier.state_dict()
        first = state["down.0.conv.weight"]
        wanted = first.new_zeros(first.shape[0], self.inputs, *first.shape[2:])
        common = min(self.inputs, earlier.inputs)
        wanted[:, :common] = first[:, :common]
        state["down.0.conv.weight"] = wanted
        for name in ("last.weight", "last.bias"):
            state[name] = state[name][:3]
            if self.gated:
                own = earlier if earlier.gated else self
                state[name] = torch.cat((state[name], own.state_dict()[name][3:]))
        mine = self.state_dict()
        self.load_state_dict({name: state.get(name, value) for name, value in mine.items()})

    def norms(self) -> Iterator[ConditionalNorm2d]:
        """All conditional norms, in the order in which they are met."""
        return (module for module in self.modules() if isinstance(module, ConditionalNorm2d))


def one_style(index: int, styles: int, device: torch.device | None = None) -> Tensor:
    """The 1×S mixture that is all of one style."""
    mix = torch.zeros(1, styles, device=device)
    mix[0, index] = 1.0
    return mix


@torch.no_grad()
def select_styles(network: TransformationBody, chosen: Sequence[int | None]) -> None:
    """Give a network other styles: each one that it has, by index, or None for the mean of those.

    Args:
        network: Changed in place.
        chosen: One entry a style of the result; at least one.
    """
    for norm in network.norms():
        for name in ("weight", "bias"):
            rows = getattr(norm, name)
            mean = rows.mean(0)
            picked = torch.stack([mean if index is None else rows[index] for index in chosen])
            setattr(norm, name, nn.Parameter(picked, requires_grad=rows.requires_grad))
    network.styles = len(chosen)
