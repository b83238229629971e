"""Checkpoints: model, optimiser and step in one safetensors file, replaced in one move."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vst.errors import WeightsError
from vst.files import utf8_path


def save_checkpoint(
    path: Path,
    model: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    step: int,
    digest: str,
) -> None:
    """Write all that a run continues from. A crash leaves the old file or the new one, never half."""
    tensors = {f"model.{name}": value.detach().contiguous() for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value.contiguous() for name, value in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).contiguous()
    metadata = {"step": str(step), "recipe": digest, "scaler": json.dumps(scaler.state_dict())}
    temporary = path.with_suffix(".part")
    temporary.write_bytes(save(tensors, metadata))
    os.replace(temporary, path)


def load_checkpoint(
    path: Path,
    model: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> int:
    """Restore model, running mean, optimiser and loss scale; returns the number of steps done.

    Raises:
        WeightsError: if the file is not a checkpoint of this network.
    """
    try:
        with utf8_path(path) as readable, safe_open(readable, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
        for prefix, network in (("model.", model), ("average.", average)):
            mine = {k.removeprefix(prefix): value for k, value in tensors.items() if k.startswith(prefix)}
            network.load_state_dict(mine)
        step = int(metadata["step"])
        scale = json.loads(metadata["scaler"])
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path} is not a checkpoint of this network ({error}); remove it to start again"
        ) from error
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    whole = optimiser.state_dict()
    whole["state"] = state
    optimiser.load_state_dict(whole)
    if scale:
        scaler.load_state_dict(scale)
    return step
