"""The weight file of `dis-refined`: where it is searched, read and written."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vst.errors import WeightsError
from vst.files import read_tensors, user_data_folder, utf8_path
from vst.motion.estimators.refined.refinement_network import RefinementNetwork

REFINED_NAME = "dis-refined"
"""Name of the estimator, and of its weight file."""

_FORMAT_VERSION = "1"
_MAX_WIDTH = 256


def _search_paths() -> list[Path]:
    """Candidates for the weight file, in order of precedence.

    It is in ``flow/`` of ``$VST_WEIGHTS``, of the user's data folder, or of the weights that ship. A
    ``catalog.toml`` beside it may give its hash.
    """
    given = os.environ.get("VST_WEIGHTS")
    folders = [*([Path(given)] if given else []), user_data_folder(), _shipped_weights()]
    return [folder / "flow" / f"{REFINED_NAME}.safetensors" for folder in folders]


def _shipped_weights() -> Path:
    from vst.styles.catalog import weight_folders

    return weight_folders()[-1]


def refinement_path() -> Path | None:
    """The weight file with the highest precedence; None if there is none."""
    return next((path for path in _search_paths() if path.is_file()), None)


def missing_refinement() -> str | None:
    """How to get the weights; None if they are there."""
    if refinement_path() is not None:
        return None
    return f"it has no weights: train them with vst train flow, and copy them to {_search_paths()[-2]}"


def save_refinement(path: Path, network: RefinementNetwork, *, recipe: str, steps: int) -> None:
    """Write a network as fp16 with its metadata, atomically.

    Args:
        path: The file; an existing one is replaced.
        network: The network.
        recipe: Hash of the training recipe.
        steps: Number of training steps.
    """
    metadata = {
        "vst": _FORMAT_VERSION,
        "architecture": REFINED_NAME,
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


def load_refinement(path: Path | None = None) -> RefinementNetwork:
    """Load the network from a weight file, in fp32, in evaluation mode, on the CPU.

    Args:
        path: The file; None for ``refinement_path``.

    Raises:
        WeightsError: There is none, it cannot be read, is not such a file, or its hash differs from that in
            the ``catalog.toml`` beside it.
    """
    path = path or refinement_path()
    if path is None:
        raise WeightsError(f"flow estimator '{REFINED_NAME}' is not ready: {missing_refinement()}")
    _check_hash(path)
    remedy = "train or fetch it again"
    try:
        with utf8_path(path) as readable, safe_open(readable, "pt") as file:
            metadata = file.metadata() or {}
        width = int(metadata.get("width", "0"))
    except (OSError, SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); {remedy}") from error
    kind = (metadata.get("vst"), metadata.get("architecture"))
    if kind != (_FORMAT_VERSION, REFINED_NAME) or not 1 <= width <= _MAX_WIDTH:
        raise WeightsError(f"{path} is not a weight file of {REFINED_NAME}; {remedy}")
    with torch.device("meta"):
        network = RefinementNetwork(width)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(read_tensors(path, shapes, remedy), assign=True)
    return network.requires_grad_(False).eval()


def _check_hash(path: Path) -> None:
    from vst.files import file_digest
    from vst.styles.catalog_file import CATALOG, read_catalog_file

    expected = read_catalog_file(path.parent).get("files", {}).get(path.name, {}).get("sha256")
    try:
        same = expected is None or file_digest(path) == expected
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error}); train or fetch it again") from error
    if not same:
        raise WeightsError(f"the hash of {path} differs from that in {CATALOG} beside it; fetch it again")
