"""A trained itn network whose pictures another network learns from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vst.errors import UsageError
from vst.modes.network_file import load_network
from vst.modes.recipe import Recipe
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import select_styles

_MODE = "itn"


def create_teacher(recipe: Recipe, learner: nn.Module, compiled: Callable[[Any], Any]) -> Any:
    """The network of the recipe's `teacher`, compiled, where the network is that learns; None without one.

    Args:
        recipe: The recipe of the network that learns. That of a mode of another package may have no
            `teacher`.
        learner: That network.
        compiled: Applied to the teacher.

    Raises:
        UsageError: The file is of another mode, or lacks a style of the recipe.
        WeightsError: The file is damaged.
    """
    file = getattr(recipe, "teacher", "")
    return compiled(_load(file, recipe, next(learner.parameters()).device)) if file else None


def _load(file: str, recipe: Recipe, device: torch.device) -> StyleNetwork:
    """A network of itn, with the recipe's styles in their order."""
    network, info = load_network(Path(file))
    names = [style.name for style in recipe.styles]
    missing = [name for name in names if name not in info.styles]
    if info.mode != _MODE or missing:
        lacks = f" without {', '.join(missing)}" if missing else ""
        raise UsageError(
            f"the teacher {file} is of mode {info.mode}{lacks}; "
            f"give a weight file of {_MODE} with the styles {', '.join(names)}"
        )
    select_styles(network, [info.styles.index(name) for name in names])
    return network.requires_grad_(False).to(device).to(memory_format=torch.channels_last)
