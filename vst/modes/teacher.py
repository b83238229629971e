"""A trained itn network whose pictures another network learns from."""

from __future__ import annotations

from pathlib import Path

import torch

from vst.errors import UsageError
from vst.modes.network_file import load_network
from vst.modes.recipe import Recipe
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import select_styles

_MODE = "itn"


def load_teacher(file: str, recipe: Recipe, device: torch.device) -> StyleNetwork:
    """Load a network of itn, with a recipe's styles in their order.

    Args:
        file: A weight file.
        recipe: The recipe of the network that learns.
        device: Where the network runs.

    Raises:
        UsageError: The file is of another mode, or lacks a style of the recipe.
        WeightsError: The file is damaged.
    """
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
