"""The 70×70 PatchGAN: tells patches of paintings from generated ones (Isola 2017; dissertation, 3.3.2).

Slips of the dissertation: it prints a deviation of 0.2 for the initial weights; the works that it cites
have 0.02. It ends in a sigmoid, and trains with least squares (3.4.6), which takes scores without one (Mao
2017). It counts four layers; the fifth gives the scores, and has neither norm nor activation.
"""

from __future__ import annotations

from torch import Tensor, nn

from vst.errors import VstError

DEVIATION = 0.02
"""Of the Gaussian that convolutions are initialised by."""

SLOPE = 0.2
"""Of the leaky ReLU."""

NORMS = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}

_KERNEL, _PADDING = 4, 1
_STRIDES = (2, 2, 2, 1, 1)
_LARGEST = 8
"""The widest layer has this many times the filters of the first."""

SMALLEST = 32
"""Side of the smallest picture that still gives scores."""


class PatchDiscriminator(nn.Module):
    """Five 4×4 convolutions of strides 2, 2, 2, 1, 1: every score sees 70×70 pixels.

    Norms stand after the second to the fourth, as in Isola's; leaky ReLUs after all but the last.

    Args:
        width: Filters w of the first layer; then 2w, 4w, 8w. 64 is the papers': 2,764,737 parameters.
        norm: A key of `NORMS`. Batch norm has a scale and a shift, instance norm has none.

    Raises:
        VstError: for an unknown norm.
    """

    def __init__(self, width: int = 64, norm: str = "instance") -> None:
        super().__init__()
        if norm not in NORMS:
            raise VstError(f"norm is {norm!r}; expected {' or '.join(NORMS)}")
        channels = [3, *(width * min(2**place, _LARGEST) for place in range(4)), 1]
        layers: list[nn.Module] = []
        for place, stride in enumerate(_STRIDES):
            layers.append(nn.Conv2d(channels[place], channels[place + 1], _KERNEL, stride, _PADDING))
            if 0 < place < 4:
                layers.append(NORMS[norm](channels[place + 1]))
            if place < 4:
                layers.append(nn.LeakyReLU(SLOPE))
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """B×3×H×W, −1..1, to raw scores B×1×h×w: 1 is asked of paintings, 0 of generated pictures."""
        scores: Tensor = self.layers(pictures)
        return scores


def receptive_field() -> int:
    """Side in pixels of what one score sees.

    >>> receptive_field()
    70
    """
    side = 1
    for stride in reversed(_STRIDES):
        side = (side - 1) * stride + _KERNEL
    return side


def initialise(network: nn.Module) -> None:
    """Give convolutions Gaussian weights of deviation `DEVIATION` and biases of 0, as Zhu 2017 has it."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, DEVIATION)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, DEVIATION)
