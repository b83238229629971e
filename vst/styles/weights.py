"""Weight files: safetensors that say what they are, read with suspicion."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vst.errors import VstError, WeightsError
from vst.files import read_tensors
from vst.nn import ITN, LSTM, VTN, ReCoNet
from vst.nn.body import TABLE_4_1, TransformationBody, Variant
from vst.styles.convolutions import body_digest

ARCHITECTURES: dict[str, type[ITN] | type[VTN] | type[LSTM] | type[ReCoNet]] = {
    "itn": ITN,
    "vtn": VTN,
    "lstm": LSTM,
    "reconet": ReCoNet,
}
FORMAT = "1"
_MOST_STYLES = 1024
_MOST_WIDTH = 256


@dataclass(frozen=True)
class WeightsInfo:
    """What a weight file says of itself.

    Attributes:
        path: The file.
        mode: Architecture, which is also the mode that it serves.
        width: Filters of the first layer.
        variant: Where its body departs from the thesis's table 4.1.
        styles: Names of its styles, in the order of its scales and shifts.
        loss_network: What it was trained against.
        recipe: Digest of the training recipe.
        steps: Optimiser steps.
        licence: SPDX name.
        body: Digest of its convolutions, "" in older files. Styles of files with the same can be blended.
    """

    path: Path
    mode: str
    width: int
    variant: Variant
    styles: tuple[str, ...]
    loss_network: str
    recipe: str
    steps: int
    licence: str
    body: str


def save_weights(
    path: Path,
    network: TransformationBody,
    *,
    styles: tuple[str, ...],
    loss_network: str,
    recipe: str,
    steps: int,
) -> None:
    """Write a network as fp16 with its description, in one move."""
    mode = next(name for name, kind in ARCHITECTURES.items() if type(network) is kind)
    metadata = {
        "vst": FORMAT,
        "architecture": mode,
        "width": str(network.width),
        "blocks": str(network.variant.blocks),
        "norm": network.variant.norm,
        "upsampling": network.variant.upsampling,
        "output": network.variant.output,
        "gate": _yes(network.gated or (mode == "lstm" and network.variant.gate)),
        "styles": json.dumps(styles),
        "loss_network": loss_network,
        "recipe": recipe,
        "steps": str(steps),
        "licence": "Apache-2.0",
        "body": body_digest(network),
    }
    if mode == "lstm" or network.gated:
        metadata["anchor"] = str(network.variant.anchor)
    if mode == "lstm":
        metadata["motion"] = _yes(network.variant.motion)
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.state_dict().items()
    }
    temporary = path.with_suffix(".part")
    temporary.write_bytes(save(tensors, metadata))
    os.replace(temporary, path)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def read_info(path: Path) -> WeightsInfo:
    """Read a weight file's description.

    Raises:
        WeightsError: if the file is not one of ours, or what it says cannot be.
    """
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
        styles = tuple(json.loads(said["styles"]))
        info = WeightsInfo(
            path=path,
            mode=said["architecture"],
            width=int(said["width"]),
            variant=Variant(
                int(said.get("blocks", TABLE_4_1.blocks)),
                said.get("norm", TABLE_4_1.norm),
                said.get("upsampling", TABLE_4_1.upsampling),
                said.get("output", TABLE_4_1.output),
                said.get("gate") == "yes",
                float(said.get("anchor", TABLE_4_1.anchor)),
                said.get("motion", _yes(TABLE_4_1.motion)) == "yes",
            ),
            styles=styles,
            loss_network=said.get("loss_network", "unknown"),
            recipe=said.get("recipe", "unknown"),
            steps=int(said.get("steps", 0)),
            licence=said.get("licence", "unknown"),
            body=said.get("body", ""),
        )
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist; see `vst weights list`") from error
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a safetensors file ({error}); fetch it again") from error
    except (KeyError, ValueError, TypeError, RecursionError, VstError) as error:
        raise WeightsError(
            f"{path} does not say which network it is ({error}); it is not a vst weight file"
        ) from error
    if said.get("vst") != FORMAT:
        raise WeightsError(f"{path} has format {said.get('vst')}; this version reads {FORMAT}: update vst")
    if info.mode not in ARCHITECTURES:
        raise WeightsError(f"{path} is for mode {info.mode!r}; known are {', '.join(ARCHITECTURES)}")
    sane = 1 <= info.width <= _MOST_WIDTH and info.variant.blocks <= 64 and 1 <= len(styles) <= _MOST_STYLES
    if not sane or not all(isinstance(name, str) for name in styles):
        raise WeightsError(
            f"{path} claims a width of {info.width} and {len(styles)} styles; the file is damaged"
        )
    if len(set(styles)) < len(styles):
        raise WeightsError(f"{path} has a style twice; the file is damaged")
    if info.body and not re.fullmatch(r"[0-9a-f]{64}", info.body):
        raise WeightsError(f"{path} has no SHA-256 for its body; the file is damaged")
    return info


def load_network(path: Path) -> tuple[TransformationBody, WeightsInfo]:
    """Build the network that a weight file describes and fill it, in fp32, in evaluation mode.

    Raises:
        WeightsError: as `read_info`; also where names, shapes or numbers do not fit the description.
    """
    info = read_info(path)
    network = ARCHITECTURES[info.mode](info.width, len(info.styles), info.variant)
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(read_tensors(path, wanted, "fetch it again"))
    return network.requires_grad_(False).eval(), info


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
