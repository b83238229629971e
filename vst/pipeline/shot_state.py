"""The state of a session within a shot: the states of its parts as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ShotState = tuple[Tensor, ...]
"""The state of a session within a shot, exactly: a tensor that counts the parts, then the parts."""


def joined(parts: Sequence[tuple[Tensor, ...]]) -> ShotState:
    """One state of the states of all parts."""
    counts = torch.tensor([len(part) for part in parts], dtype=torch.int64)
    return (counts, *(tensor for part in parts for tensor in part))


def parts_of(state: ShotState) -> list[tuple[Tensor, ...]]:
    """The states of all parts, which `joined` has made one of."""
    counts, tensors = state[0].tolist(), list(state[1:])
    parts = []
    for count in counts:
        parts.append(tuple(tensors[:count]))
        del tensors[:count]
    return parts
