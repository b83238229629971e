"""A wider network that begins as a narrower one stylizes (Chen 2016, Net2Net, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from vst.nn.layers import ConditionalNorm2d
from vst.nn.style_network import StyleNetwork


@torch.no_grad()
def widen(network: StyleNetwork, width: int, noise: float = 0.1, seed: int = 0) -> StyleNetwork:
    """Give every hidden channel twins, each with its share of the channel's output.

    Equal twins would learn the same for ever, so noise whose mean over the twins is 0 is added to their
    weights: to first order the sum of their outputs stays.

    Args:
        network: One whose class `can_widen`; not changed.
        width: A multiple of its width.
        noise: Deviation between twins, relative to a layer's weights. 0: the same output up to rounding.
        seed: Of the noise.

    Returns:
        A network of the same kind, variant and styles, in fp32.

    Raises:
        ValueError: if `width` is not a multiple of the network's.
    """
    twins, rest = divmod(width, network.width)
    if rest or twins < 1:
        raise ValueError(f"width is {width}; expected a multiple of {network.width}")
    wide = network.build(width, network.styles, network.variant)
    random = torch.Generator().manual_seed(seed)
    for (name, module), (_, target) in zip(_parts(network), _parts(wide), strict=True):
        if isinstance(module, ConditionalNorm2d):
            for key, value in module.state_dict().items():
                target.state_dict()[key].copy_(value.tile((1,) * (value.dim() - 1) + (twins,)))
            continue
        into, out = 0 if name == "down.0.conv" else 1, 0 if name == "last" else 1
        weight, bias = module.state_dict()["weight"].float(), module.state_dict()["bias"]
        transposed = isinstance(module, nn.ConvTranspose2d)
        weight = weight.transpose(0, 1) if transposed else weight
        weight = weight.tile(1, twins if into else 1, 1, 1) / (twins if into else 1)
        if out:
            weight = weight.tile(twins, 1, 1, 1) + _apart(weight, twins, noise, random)
            bias = bias.tile(twins)
        target.state_dict()["weight"].copy_(weight.transpose(0, 1) if transposed else weight)
        target.state_dict()["bias"].copy_(bias)
    return wide


def _parts(network: StyleNetwork) -> Iterator[tuple[str, nn.Module]]:
    kinds = (nn.Conv2d, nn.ConvTranspose2d, ConditionalNorm2d)
    return ((name, module) for name, module in network.named_modules() if isinstance(module, kinds))


def _apart(weight: Tensor, twins: int, noise: float, random: torch.Generator) -> Tensor:
    """Noise for `twins` copies of O×I×k×k weights, copy after copy; its mean over the copies is 0."""
    drawn = torch.randn(twins, *weight.shape, generator=random)
    drawn = drawn - drawn.mean(0)
    return (drawn * noise * weight.square().mean().sqrt()).flatten(0, 1)
