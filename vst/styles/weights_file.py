"""Weight files: safetensors with a description, which is checked before it is used."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from vst.errors import WeightsError
from vst.files import utf8_path

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_FORMAT = "1"
_MOST_STYLES = 1024
MOST_WIDTH = 256
_COMPACT = 3


@dataclass(frozen=True)
class WeightsInfo:
    """The description in a weight file.

    Attributes:
        path: The file.
        mode: Name of its mode, which knows its network.
        width: Filters of the first layer.
        styles: Names of its styles, in the order of its scales and shifts.
        loss_network: What it was trained against.
        recipe: Digest of the training recipe.
        steps: Optimiser steps.
        licence: SPDX name.
        body: Digest of its convolutions, "" in older files. Styles of files with the same can be blended.
        luminance: Whether it was trained on grey pictures, and only its luminance counts.
        hyperparameters: What else the network is built from, for its mode to read.
    """

    path: Path
    mode: str
    width: int
    styles: tuple[str, ...]
    loss_network: str
    recipe: str
    steps: int
    licence: str
    body: str
    luminance: bool = False
    hyperparameters: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def grade(self) -> float:
        """What widths are compared by: the width of table 4.1 that a network stands beside.

        A compact network has a third of its own: its filters are at a quarter of the size and cost less.
        """
        return self.width / _COMPACT if self.hyperparameters.get("layout") == "compact" else self.width


def write_weights(info: WeightsInfo, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as fp16 with a description, in one move."""
    import torch  # here, so that lists of styles are quick
    from safetensors.torch import save

    metadata = {
        "vst": WEIGHTS_FORMAT,
        "architecture": info.mode,
        "width": str(info.width),
        **info.hyperparameters,
        "styles": json.dumps(info.styles),
        "loss_network": info.loss_network,
        "recipe": info.recipe,
        "steps": str(info.steps),
        "licence": info.licence,
        "body": info.body,
        **({"luminance": "yes"} if info.luminance else {}),
    }
    halves = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in tensors.items()}
    temporary = info.path.with_suffix(".part")
    temporary.write_bytes(save(halves, metadata))
    os.replace(temporary, info.path)


def read_info(path: Path) -> WeightsInfo:
    """Read a weight file's description; whether its mode is known is not checked.

    Raises:
        WeightsError: if the file is not a vst weight file, or its description is invalid.
    """
    try:
        with utf8_path(path) as readable, safe_open(readable, "np") as file:
            metadata = file.metadata() or {}
        styles = tuple(json.loads(metadata["styles"]))
        info = WeightsInfo(
            path=path,
            mode=metadata["architecture"],
            width=int(metadata["width"]),
            styles=styles,
            loss_network=metadata.get("loss_network", "unknown"),
            recipe=metadata.get("recipe", "unknown"),
            steps=int(metadata.get("steps", 0)),
            licence=metadata.get("licence", "unknown"),
            body=metadata.get("body", ""),
            luminance=metadata.get("luminance") == "yes",
            hyperparameters=metadata,
        )
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist; see `vst weights list`") from error
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a safetensors file ({error}); fetch it again") from error
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path} describes no network ({error}); it is not a vst weight file") from error
    if metadata.get("vst") != WEIGHTS_FORMAT:
        raise WeightsError(
            f"{path} has format {metadata.get('vst')}; this version reads {WEIGHTS_FORMAT}: update vst"
        )
    sane = 1 <= info.width <= MOST_WIDTH and 1 <= len(styles) <= _MOST_STYLES
    if not sane or not all(isinstance(name, str) for name in styles):
        raise WeightsError(
            f"{path} has a width of {info.width} and {len(styles)} styles in its description; "
            "the file is damaged"
        )
    if len(set(styles)) < len(styles):
        raise WeightsError(f"{path} has a style twice; the file is damaged")
    if info.body and not re.fullmatch(r"[0-9a-f]{64}", info.body):
        raise WeightsError(f"{path} has no SHA-256 for its body; the file is damaged")
    return info
