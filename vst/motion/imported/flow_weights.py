"""Weights of published flow networks: identified, imported to safetensors, loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from vst.errors import UsageError, WeightsError, suggestion
from vst.files import read_tensors, user_data_folder, utf8_path
from vst.motion.estimators.flownet2 import (
    FlowNet2,
    FlowNet2C,
    FlowNet2CS,
    FlowNet2CSS,
    FlowNet2S,
    FlowNet2SD,
)
from vst.motion.estimators.pwcnet import PWCNet
from vst.motion.imported.published import PUBLISHED_WEIGHTS
from vst.motion.imported.published_checkpoint import read_checkpoint

_FORMAT_VERSION = "1"

FLOW_NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "flownet2": FlowNet2,
    "flownet2-c": FlowNet2C,
    "flownet2-s": FlowNet2S,
    "flownet2-sd": FlowNet2SD,
    "flownet2-cs": FlowNet2CS,
    "flownet2-css": FlowNet2CSS,
    "flownet2-css-ft-sd": FlowNet2CSS,
    "pwcnet": PWCNet,
}
"""Estimator -> its network. An estimator that differs from another only in its weights follows it."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class ImportedWeights:
    """The result of an import.

    Attributes:
        name: The estimator that is now ready.
        path: The file with its weights.
        same_network: Estimators with the same network and other weights, for which the file may be meant.
    """

    name: str
    path: Path
    same_network: tuple[str, ...]


def weights_path(name: str) -> Path:
    """The file with an estimator's imported weights."""
    return user_data_folder() / "flow" / f"{name}.safetensors"


def missing_weights(name: str) -> str | None:
    """How to import an estimator's weights; None if they are imported."""
    if weights_path(name).is_file():
        return None
    family = _family_of(name)
    identified_as = next(each for each, network in FLOW_NETWORKS.items() if network is FLOW_NETWORKS[name])
    option = "" if identified_as == name else f" --as {name}"
    return f"its weights are not imported: vst weights import {family} FILE{option}"


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters of an estimator's network."""
    with torch.device("meta"):
        network = FLOW_NETWORKS[name]()
    return {each: tuple(value.shape) for each, value in network.state_dict().items()}


def identify_estimator(shapes: Shapes) -> str | None:
    """The first estimator whose network has exactly these parameters; None if there is none."""
    return next((name for name in FLOW_NETWORKS if shapes_of(name) == shapes), None)


def check_family(family: str) -> None:
    """Check that a name is a key of ``PUBLISHED_WEIGHTS``.

    Raises:
        UsageError: It is not; the message suggests the nearest name.
    """
    if family not in PUBLISHED_WEIGHTS:
        raise UsageError(f"cannot import {family!r}: {suggestion(family, PUBLISHED_WEIGHTS)}")


def import_weights(family: str, path: Path, name: str | None = None) -> ImportedWeights:
    """Store a published checkpoint as safetensors in the user's data folder.

    Args:
        family: A key of ``PUBLISHED_WEIGHTS``.
        path: The checkpoint.
        name: The estimator that it is for; None to identify it by its parameters.

    Returns:
        The estimator and the file.

    Raises:
        UsageError: There is no such family, or no such estimator in it.
        WeightsError: The file is not a checkpoint of that family or estimator, or it cannot be stored.
    """
    check_family(family)
    names = PUBLISHED_WEIGHTS[family].estimators
    if name is not None and name not in names:
        raise UsageError(f"{family} has no estimator {name!r}: {suggestion(name, names)}")
    tensors = read_checkpoint(path)
    shapes = {each: tuple(value.shape) for each, value in tensors.items()}
    identified = identify_estimator(shapes)
    if identified is None or identified not in names:
        raise WeightsError(f"{path} is not a {family} checkpoint: {_mismatch(shapes, identified, names)}")
    if name is not None and shapes_of(name) != shapes:
        raise WeightsError(
            f"{path} contains {identified}, not {name}; leave out --as, or give the file of {name}"
        )
    for each, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise WeightsError(f"{path} contains numbers that are not finite in {each}; download it again")
    name = name or identified
    same = tuple(each for each in names if each != name and FLOW_NETWORKS[each] is FLOW_NETWORKS[name])
    return ImportedWeights(name, _store(name, tensors, path), same)


def load_flow_network(name: str) -> nn.Module:
    """An estimator's network with its imported weights, in fp32, in evaluation mode, on the CPU.

    Raises:
        WeightsError: They are not imported, or damaged.
    """
    missing = missing_weights(name)
    if missing is not None:
        raise WeightsError(f"flow estimator '{name}' is not ready: {missing}")
    path = weights_path(name)
    remedy = "import it again"
    try:
        with utf8_path(path) as readable, safe_open(readable, "pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); {remedy}") from error
    if (metadata.get("vst"), metadata.get("architecture")) != (_FORMAT_VERSION, name):
        raise WeightsError(f"{path} is not a weight file of {name}; {remedy}")
    with torch.device("meta"):
        network = FLOW_NETWORKS[name]()
    shapes = {each: tuple(value.shape) for each, value in network.state_dict().items()}
    network.load_state_dict(read_tensors(path, shapes, remedy), assign=True)
    return network.requires_grad_(False).eval()


def verify_imported() -> tuple[int, list[str]]:
    """Load all imported weights.

    Returns:
        The number of files, and one message for each that cannot be loaded.
    """
    imported = [name for name in FLOW_NETWORKS if weights_path(name).is_file()]
    problems = []
    for name in imported:
        try:
            load_flow_network(name)
        except WeightsError as error:
            problems.append(str(error))
    return len(imported), problems


def _family_of(name: str) -> str:
    """The family of published weights that an estimator belongs to."""
    return next(each.family for each in PUBLISHED_WEIGHTS.values() if name in each.estimators)


def _store(name: str, tensors: Mapping[str, torch.Tensor], source: Path) -> Path:
    """Write the weights to a temporary file, and rename it."""
    from vst.files import file_digest

    path = weights_path(name)
    temporary = path.with_suffix(".part")
    metadata = {
        "vst": _FORMAT_VERSION,
        "architecture": name,
        "source": source.name,
        "source_sha256": file_digest(source),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({each: _unshared(value) for each, value in tensors.items()}, temporary, metadata)
        os.replace(temporary, path)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"{path} cannot be written ({error}); free disk space, or make the folder writable"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _unshared(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in fp32, copied if others share its memory, which safetensors refuses."""
    tensor = tensor.float().contiguous()
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def _mismatch(shapes: Shapes, identified: str | None, names: tuple[str, ...]) -> str:
    """How a checkpoint differs from those of the estimators of a family."""
    if identified is not None:
        return f"it contains {identified}; use vst weights import {_family_of(identified)}"
    expected = {name: shapes_of(name) for name in names}
    nearest = max(expected, key=lambda name: len(expected[name].items() & shapes.items()))
    if not expected[nearest].items() & shapes.items():
        return "its parameters have other names or shapes"
    differing = min(
        expected[nearest].items() ^ shapes.items(),
        key=lambda entry: (entry[0] not in expected[nearest], entry),
    )[0]
    given, wanted = shapes.get(differing), expected[nearest].get(differing)
    if given is None:
        return f"it lacks {differing} of {nearest}"
    if wanted is None:
        return f"it has {differing}, which {nearest} does not have"
    return f"{differing} has shape {given}; expected {wanted} as in {nearest}"
