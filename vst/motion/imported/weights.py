"""The weights of flow networks: imported once from published checkpoints, safetensors from then on."""

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
from vst.files import read_tensors, user_data_folder
from vst.motion.estimators.flownet2 import (
    FlowNet2,
    FlowNet2C,
    FlowNet2CS,
    FlowNet2CSS,
    FlowNet2S,
    FlowNet2SD,
)
from vst.motion.estimators.pwcnet import PWCNet
from vst.motion.imported.checkpoint import read_checkpoint
from vst.motion.imported.published import RELEASES

FORMAT = "1"

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "flownet2": FlowNet2,
    "flownet2-c": FlowNet2C,
    "flownet2-s": FlowNet2S,
    "flownet2-sd": FlowNet2SD,
    "flownet2-cs": FlowNet2CS,
    "flownet2-css": FlowNet2CSS,
    "flownet2-css-ft-sd": FlowNet2CSS,
    "pwcnet": PWCNet,
}
"""Estimator -> its network. What only differs in its training comes after what it is like."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        name: The estimator that is ready now.
        path: Where its weights are.
        alike: Estimators that have the same network with other weights, so that the file may be theirs.
    """

    name: str
    path: Path
    alike: tuple[str, ...]


def weights_path(name: str) -> Path:
    """Where an estimator's weights lie once they are imported."""
    return user_data_folder() / "flow" / f"{name}.safetensors"


def missing_weights(name: str) -> str | None:
    """What has to be done before an estimator has its weights; None when it has them."""
    if weights_path(name).is_file():
        return None
    family = next(release.family for release in RELEASES.values() if name in release.estimators)
    taken_for = next(each for each, network in ARCHITECTURES.items() if network is ARCHITECTURES[name])
    option = "" if taken_for == name else f" --as {name}"
    return f"its weights are not imported: vst weights import {family} FILE{option}"


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters of an estimator's network."""
    with torch.device("meta"):
        network = ARCHITECTURES[name]()
    return {each: tuple(value.shape) for each, value in network.state_dict().items()}


def recognise(shapes: Shapes) -> str | None:
    """Which estimator's network has just these names and shapes; the first of several, None if none has."""
    return next((name for name in ARCHITECTURES if shapes_of(name) == shapes), None)


def check_family(family: str) -> None:
    """Refuse what is no key of ``RELEASES``.

    Raises:
        UsageError: With the nearest one.
    """
    if family not in RELEASES:
        raise UsageError(f"nothing to import as {family!r}: {suggestion(family, RELEASES)}")


def import_weights(family: str, path: Path, name: str | None = None) -> Imported:
    """Take a published checkpoint over into the user's data folder.

    Args:
        family: A key of ``RELEASES``.
        path: The checkpoint.
        name: Which estimator it is for; None to tell from what is in it.

    Returns:
        What was recognised, and where it is now.

    Raises:
        UsageError: There is no such family, or no such estimator in it.
        WeightsError: The file is not a checkpoint of that family or estimator, or it cannot be stored.
    """
    check_family(family)
    names = RELEASES[family].estimators
    if name is not None and name not in names:
        raise UsageError(f"{family} has no estimator {name!r}: {suggestion(name, names)}")
    tensors = read_checkpoint(path)
    shapes = {each: tuple(value.shape) for each, value in tensors.items()}
    found = recognise(shapes)
    if found is None or found not in names:
        raise WeightsError(f"{path} is not a {family} checkpoint: {_otherwise(shapes, found, names)}")
    if name is not None and shapes_of(name) != shapes:
        raise WeightsError(f"{path} holds {found}, not {name}; leave out --as, or give {name}'s file")
    for each, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise WeightsError(f"{path} holds numbers that are not finite in {each}; download it again")
    name = name or found
    alike = tuple(each for each in names if each != name and ARCHITECTURES[each] is ARCHITECTURES[name])
    return Imported(name, _store(name, tensors, path), alike)


def load_network(name: str) -> nn.Module:
    """An estimator's network with its imported weights, in fp32, in evaluation mode, on the CPU.

    Raises:
        WeightsError: They are not imported, or damaged.
    """
    lacking = missing_weights(name)
    if lacking is not None:
        raise WeightsError(f"flow estimator '{name}' is not ready: {lacking}")
    path = weights_path(name)
    remedy = "import it again"
    try:
        with safe_open(path, "pt") as file:
            said = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); {remedy}") from error
    if (said.get("vst"), said.get("architecture")) != (FORMAT, name):
        raise WeightsError(f"{path} does not say that it is {name}; {remedy}")
    with torch.device("meta"):
        network = ARCHITECTURES[name]()
    wanted = {each: tuple(value.shape) for each, value in network.state_dict().items()}
    network.load_state_dict(read_tensors(path, wanted, remedy), assign=True)
    return network.requires_grad_(False).eval()


def verify_imported() -> tuple[int, list[str]]:
    """Read all imported weights.

    Returns:
        How many files there are, and what is wrong with some of them.
    """
    there = [name for name in ARCHITECTURES if weights_path(name).is_file()]
    problems = []
    for name in there:
        try:
            load_network(name)
        except WeightsError as error:
            problems.append(str(error))
    return len(there), problems


def _store(name: str, tensors: Mapping[str, torch.Tensor], source: Path) -> Path:
    """Written beside its name, then renamed."""
    from vst.files import file_digest

    path = weights_path(name)
    temporary = path.with_suffix(".part")
    metadata = {
        "vst": FORMAT,
        "architecture": name,
        "source": source.name,
        "source_sha256": file_digest(source),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({each: _own(value) for each, value in tensors.items()}, temporary, metadata)
        os.replace(temporary, path)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"{path} cannot be written ({error}); make room, or the folder writable"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _own(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in fp32, copied where others share its memory, which safetensors refuses."""
    tensor = tensor.float().contiguous()
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def _otherwise(shapes: Shapes, found: str | None, names: tuple[str, ...]) -> str:
    """What is wrong with a checkpoint that is not one of the estimators asked for."""
    if found is not None:
        family = next(release.family for release in RELEASES.values() if found in release.estimators)
        return f"it holds {found}; use vst weights import {family}"
    wanted = {name: shapes_of(name) for name in names}
    nearest = max(wanted, key=lambda name: len(wanted[name].items() & shapes.items()))
    if not wanted[nearest].items() & shapes.items():
        return "its parameters have other names or shapes"
    odd = min(
        wanted[nearest].items() ^ shapes.items(), key=lambda entry: (entry[0] not in wanted[nearest], entry)
    )[0]
    here, there = shapes.get(odd), wanted[nearest].get(odd)
    if here is None:
        return f"it lacks {odd} of {nearest}"
    if there is None:
        return f"it has {odd}, which {nearest} has not"
    return f"{odd} has shape {here}, in {nearest} {there}"
