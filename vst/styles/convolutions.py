"""What the styles of a network share, told from what each has of its own, so that files can be joined."""

from __future__ import annotations

import hashlib
import json

import torch
from torch import Tensor, nn

from vst.nn.body import TransformationBody


def shared_tensors(network: TransformationBody) -> dict[str, Tensor]:
    """All tensors of a network but the scales and shifts of its styles, by name."""
    norms = set(network.norms())
    own = {
        f"{name}.{kind}"
        for name, module in network.named_modules()
        if module in norms
        for kind in ("weight", "bias")
    }
    return {name: value for name, value in network.state_dict().items() if name not in own}


def body_digest(network: TransformationBody) -> str:
    """SHA-256 over the shared tensors as a weight file keeps them: name, shape and fp16 bytes, by name."""
    digest = hashlib.sha256()
    for name, value in sorted(shared_tensors(network).items()):
        digest.update(json.dumps([name, list(value.shape)]).encode())
        digest.update(value.detach().to("cpu", torch.float16).numpy().astype("<f2").tobytes())
    return digest.hexdigest()


def same_convolutions(one: TransformationBody, other: TransformationBody) -> bool:
    """Whether two networks differ in nothing but their styles."""
    ours, theirs = shared_tensors(one), shared_tensors(other)
    return (
        type(one) is type(other)
        and one.variant == other.variant
        and ours.keys() == theirs.keys()
        and all(torch.equal(value, theirs[name]) for name, value in ours.items())
    )


@torch.no_grad()
def append_styles(network: TransformationBody, other: TransformationBody) -> None:
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
