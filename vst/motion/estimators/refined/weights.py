"""The weight file of the refinement: where it is looked for, read and written."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vst.errors import WeightsError
from vst.files import read_tensors, user_data_folder
from vst.motion.estimators.refined.network import Refinement

NAME = "dis-refined"
"""What the registry calls the estimator, and what its weight file is called."""

FORMAT = "1"
_MOST_WIDTH = 256


def places() -> list[Path]:
    """Where the weight file may lie; the first that is there counts.

    In ``flow/`` of ``$VST_WEIGHTS``, of the user's data folder, and of the weights that ship. A
    ``catalog.toml`` beside it may give its hash.
    """
    return [
        folder / "flow" / f"{NAME}.safetensors" for folder in (*_chosen(), user_data_folder(), _shipped())
    ]


def _chosen() -> list[Path]:
    given = os.environ.get("VST_WEIGHTS")
    return [Path(given)] if given else []


def _shipped() -> Path:
    from vst.styles.catalog import weight_folders

    return weight_folders()[-1]


def refinement_path() -> Path | None:
    """The weight file that counts; None where there is none."""
    return next((path for path in places() if path.is_file()), None)


def missing_refinement() -> str | None:
    """What has to be done before there are weights; None where there are."""
    if refinement_path() is not None:
        return None
    return f"it has no weights: train them with vst train flow, and copy them to {places()[-2]}"


def save_refinement(path: Path, network: Refinement, *, recipe: str, steps: int) -> None:
    """Write a network as fp16 with its description, in one move."""
    metadata = {
        "vst": FORMAT,
        "architecture": NAME,
        "width": str(network.width),
        "recipe": recipe,
        "steps": str(steps),
        "licence": "Apache-2.0",
    }
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in network.state_dict().items()
    }
    temporary = path.with_suffix(".part")
    temporary.write_bytes(save(tensors, metadata))
    os.replace(temporary, path)


def load_refinement(path: Path | None = None) -> Refinement:
    """The network that a weight file describes, in fp32, in evaluation mode, on the CPU.

    Args:
        path: The file; None is the one that counts.

    Raises:
        WeightsError: There is none, it cannot be read, is not such a file, or has another hash than the
            ``catalog.toml`` beside it gives.
    """
    path = path or refinement_path()
    if path is None:
        raise WeightsError(f"flow estimator '{NAME}' is not ready: {missing_refinement()}")
    _check_hash(path)
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
        width = int(said.get("width", "0"))
    except (OSError, SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); train or fetch it again") from error
    if (said.get("vst"), said.get("architecture")) != (FORMAT, NAME) or not 1 <= width <= _MOST_WIDTH:
        raise WeightsError(f"{path} does not say that it is {NAME}; train or fetch it again")
    with torch.device("meta"):
        network = Refinement(width)
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(read_tensors(path, wanted, "train or fetch it again"), assign=True)
    return network.requires_grad_(False).eval()


def _check_hash(path: Path) -> None:
    from vst.files import file_digest
    from vst.styles.catalog_file import CATALOG, read_catalog_file

    wanted = read_catalog_file(path.parent).get("files", {}).get(path.name, {}).get("sha256")
    try:
        same = wanted is None or file_digest(path) == wanted
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error}); train or fetch it again") from error
    if not same:
        raise WeightsError(f"{path} has another hash than {CATALOG} beside it gives; fetch it again")
