"""What the styles of a network share, told from what each has of its own: a scale and a shift a norm."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vst.nn.style_network import StyleNetwork


def one_style(index: int, styles: int, device: torch.device | None = None) -> Tensor:
    """The 1×S mixture that is all of one style."""
    mix = torch.zeros(1, styles, device=device)
    mix[0, index] = 1.0
    return mix


@torch.no_grad()
def select_styles(network: StyleNetwork, chosen: Sequence[int | None]) -> None:
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


@torch.no_grad()
def append_styles(network: StyleNetwork, other: StyleNetwork) -> None:
    """Give a network the styles of another, after its own.

    Args:
        network: Changed in place.
        other: A network with the same convolutions.
    """
    for ours, theirs in zip(network.norms(), other.norms(), strict=True):
        for name in ("weight", "bias"):
            rows = torch.cat((getattr(ours, name), getattr(theirs, name)))
            setattr(ours, name, nn.Parameter(rows, requires_grad=getattr(ours, name).requires_grad))
    network.styles += other.styles


def shared_tensors(network: StyleNetwork) -> dict[str, Tensor]:
    """All tensors of a network but the scales and shifts of its styles, by name."""
    norms = set(network.norms())
    own = {
        f"{name}.{kind}"
        for name, module in network.named_modules()
        if module in norms
        for kind in ("weight", "bias")
    }
    return {name: value for name, value in network.state_dict().items() if name not in own}


def body_digest(network: StyleNetwork) -> str:
    """SHA-256 over the shared tensors as a weight file keeps them: name, shape and fp16 bytes, by name."""
    digest = hashlib.sha256()
    for name, value in sorted(shared_tensors(network).items()):
        digest.update(json.dumps([name, list(value.shape)]).encode())
        digest.update(value.detach().to("cpu", torch.float16).numpy().astype("<f2").tobytes())
    return digest.hexdigest()


def same_convolutions(one: StyleNetwork, other: StyleNetwork) -> bool:
    """Whether two networks differ in nothing but their styles."""
    ours, theirs = shared_tensors(one), shared_tensors(other)
    return (
        type(one) is type(other)
        and one.variant == other.variant
        and ours.keys() == theirs.keys()
        and all(torch.equal(value, theirs[name]) for name, value in ours.items())
    )
