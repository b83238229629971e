"""What every mode's network is: a module that stylizes pictures in its styles, its layers declared once."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor, nn

from vst.errors import VstError
from vst.nn.executor import Executor, WholeFrame
from vst.nn.layers import ConditionalNorm2d, ReflectedConv2d
from vst.nn.style_parameters import one_style

M = TypeVar("M")

SMALLEST_SIDE = 16
"""Below this the reflection padding inside the residual blocks has nothing to reflect."""

_FP32 = 4
_COLOURS = 3


@dataclass(frozen=True)
class Hyperparameters:
    """What a network is built from besides its width and number of styles.

    Subclasses have fields of type int, float, str or bool, with defaults. Weight files keep each as text
    under the field's name.
    """

    def to_metadata(self) -> dict[str, str]:
        """As a weight file keeps them; `yes` and `no` for truth values."""
        return {
            name: ("no", "yes")[value] if isinstance(value, bool) else str(value)
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self:
        """Read them; what is missing has its default.

        Raises:
            ValueError: A value is not of its field's type.
            VstError: A value is out of its range.
        """
        found: dict[str, Any] = {}
        for each in dataclasses.fields(cls):
            if each.name in metadata:
                text, kind = metadata[each.name], type(getattr(cls, each.name))
                found[each.name] = text == "yes" if kind is bool else kind(text)
        return cls(**found)


class StyleNetwork(nn.Module, ABC):
    """A network that stylizes pictures in one of its styles or a blend.

    A subclass is called with width, styles and hyperparameters. It sets `last`, and declares its layers in
    `layers`; whole frames, tiles and the memory estimate are all run from that.

    Args:
        inputs: Number of input channels: 3 for the frame, more for what it is conditioned on.
        width: Number of filters w of the first layer.
        styles: Number of styles S that share the convolutions.
        variant: The hyperparameters.
    """

    variant_type: ClassVar[type[Hyperparameters]] = Hyperparameters
    """Of `variant`."""

    can_widen: ClassVar[bool] = False
    """Whether `vst.nn.widen` makes a wider network of it."""

    gated: bool = False
    """Whether the network decides by pixel how much of the past to keep."""

    last: ReflectedConv2d

    def __init__(self, inputs: int, width: int, styles: int, variant: Hyperparameters) -> None:
        super().__init__()
        self.inputs, self.width, self.styles, self.variant = inputs, width, styles, variant

    @classmethod
    def build(cls, width: int, styles: int, variant: Hyperparameters) -> StyleNetwork:
        """A network with the weights that training begins from, of this class or another of its mode."""
        return cls(width, styles, variant)  # type: ignore[call-arg]

    @abstractmethod
    def layers(self, run: Executor[M], image: M, size: Sequence[int]) -> M:
        """Declare the layers: from the input, B×inputs×H×W, to what the last convolution gives.

        Args:
            run: Carries out each call.
            image: The input, in the type of the convolutions.
            size: H and W.
        """

    def compose(self, raw: Tensor, given: Tensor) -> Tensor:
        """The stylized frame from what the last convolution gives, each pixel for itself.

        Args:
            raw: Of `layers`, B×C×H×W.
            given: The input as it was given, B×inputs×H×W.

        Returns:
            B×3×H×W, −1..1, of the input's type.
        """
        return self.activate(raw.to(given.dtype))

    def activate(self, raw: Tensor) -> Tensor:
        """What the last convolution gives, B×3×H×W, brought to −1..1."""
        return torch.tanh(raw)

    def forward(self, x: Tensor, mix: Tensor | None = None) -> Tensor:
        """Stylize whole frames.

        Args:
            x: B×inputs×H×W, −1..1, H and W at least `SMALLEST_SIDE`.
            mix: B×S or 1×S in fp32, how much of each style; None is all of the first.

        Returns:
            B×3×H×W, −1..1, of x's type. Convolutions work in the type of their weights; what is kept of
            the past is not rounded to it.

        Raises:
            VstError: for another number of channels, or a picture that is too small.
        """
        return self.stylize(WholeFrame(self.mixture(mix, x.device)), [x])

    def stylize(self, run: Executor[Any], planes: Sequence[Tensor]) -> Tensor:
        """As `forward`, by any executor.

        Args:
            run: Carries out the layers.
            planes: The input in parts, joined along C in this order.
        """
        height, width = planes[0].shape[-2:]
        self.check_input(sum(each.shape[1] for each in planes), height, width)
        raw = self.layers(run, run.input(planes, self.last.weight.dtype), (height, width))
        return run.compose(self.composition(planes), (raw, run.given(planes)), planes[0])

    def composition(self, planes: Sequence[Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        """`compose` for parts of frames, with what it needs of the whole ones.

        Args:
            planes: The whole input, as `stylize` gets it.
        """
        return self.compose

    def stylize_alone(self, frame: Tensor, mix: Tensor | None = None) -> Tensor:
        """Stylize frames without a past, B×3×H×W, −1..1: further input channels are 0."""
        if self.inputs > frame.shape[1]:
            shape = (len(frame), self.inputs - frame.shape[1], *frame.shape[2:])
            frame = torch.cat((frame, frame.new_zeros(shape)), 1)
        stylized: Tensor = self(frame, mix)
        return stylized

    def mixture(self, mix: Tensor | None, device: torch.device) -> Tensor:
        """The given mixture, or all of the first style."""
        return one_style(0, self.styles, device) if mix is None else mix

    def check_input(self, channels: int, height: int, width: int) -> None:
        """Refuse an input that cannot be stylized.

        Raises:
            VstError: as `forward`.
        """
        if channels != self.inputs:
            raise VstError(f"got an input of {channels} channels; this network takes {self.inputs}")
        if min(height, width) < SMALLEST_SIDE:
            raise VstError(
                f"got a picture of {width}×{height}; both sides have to be at least {SMALLEST_SIDE}"
            )

    def can_start_from(self, earlier: StyleNetwork) -> bool:
        """Whether `start_from` takes another network of this width."""
        return type(earlier) is type(self) and earlier.variant == self.variant

    def start_from(self, earlier: StyleNetwork) -> None:
        """Begin training with the weights of another network that has the same styles.

        Raises:
            RuntimeError: where the tensors do not fit.
        """
        self.load_state_dict(earlier.state_dict())

    def held_bytes(self, in_tiles: bool) -> float:
        """Bytes a pixel that are held while layers run, besides feature maps.

        Args:
            in_tiles: Whether the frame is run in tiles: then what is given is not joined.
        """
        # The input is joined, and then copied to another memory format.
        return _COLOURS * _FP32 if in_tiles else 2 * self.inputs * _FP32

    def norms(self) -> Iterator[ConditionalNorm2d]:
        """All conditional norms, in the order in which they are met."""
        return (module for module in self.modules() if isinstance(module, ConditionalNorm2d))
