"""Networks in weight files: which network a file describes, and the network that several files make."""

from __future__ import annotations

from pathlib import Path

from vst.errors import UsageError, VstError, WeightsError
from vst.files import read_tensors
from vst.modes.registry import available_modes, find_mode
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import append_styles, body_digest, same_convolutions, select_styles
from vst.styles.catalog import Catalogue
from vst.styles.selection import Selection
from vst.styles.weights_file import WeightsInfo, read_info, write_weights


def save_weights(
    path: Path,
    network: StyleNetwork,
    *,
    mode: str,
    styles: tuple[str, ...],
    loss_network: str,
    recipe: str,
    steps: int,
    licence: str = "Apache-2.0",
    luminance: bool = False,
) -> WeightsInfo:
    """Write a network as fp16 with its description, in one move; returns the description.

    Args:
        path: The file.
        network: The network.
        mode: Name of its mode.
        styles: Names of its styles, in the order of its scales and shifts.
        loss_network: What it was trained against.
        recipe: Digest of the training recipe.
        steps: Optimiser steps.
        licence: SPDX name, or in words.
        luminance: Whether it was trained on luminance alone.
    """
    info = WeightsInfo(
        path=path,
        mode=mode,
        width=network.width,
        styles=styles,
        loss_network=loss_network,
        recipe=recipe,
        steps=steps,
        licence=licence,
        body=body_digest(network),
        luminance=luminance,
        hyperparameters=network.variant.to_metadata(),
    )
    write_weights(info, network.state_dict())
    return info


def load_network(path: Path) -> tuple[StyleNetwork, WeightsInfo]:
    """Build the network that a weight file describes and fill it, in fp32, in evaluation mode.

    Raises:
        WeightsError: as `read_info`; also for an unknown mode, and where names, shapes or numbers do not
            fit the description.
    """
    info = read_info(path)
    try:
        kind = find_mode(info.mode).network_class
    except UsageError as error:
        known = ", ".join(available_modes())
        raise WeightsError(f"{path} is for mode {info.mode!r}; known modes are {known}") from error
    try:
        variant = kind.variant_type.from_metadata(info.hyperparameters)
    except (ValueError, VstError) as error:
        raise WeightsError(f"{path} describes no network ({error}); it is not a vst weight file") from error
    network = kind.build(info.width, len(info.styles), variant)
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(read_tensors(path, wanted, "fetch it again"))
    return network.requires_grad_(False).eval(), info


def load_selection(selection: Selection) -> StyleNetwork:
    """Build the network of a selection, with its styles in its order, in fp32, in evaluation mode.

    The digests in the files are not relied on: the convolutions are compared.

    Raises:
        WeightsError: as `load_network`; also for files whose convolutions differ.
    """
    networks = []
    for info, names in selection.parts:
        network, found = load_network(info.path)
        for name in names:
            if name not in found.styles:
                raise WeightsError(f"{info.path} was replaced and has no style {name!r} now; try again")
        select_styles(network, [found.styles.index(name) for name in names])
        networks.append(network)
    base, *others = networks
    first, *rest = selection.files
    for info, network in zip(rest, others, strict=True):
        if not same_convolutions(base, network):
            raise WeightsError(
                f"{info.path} does not have the convolutions of {first.path}, though its digest is the "
                f"same, so their styles cannot be blended; add its styles again for the network of "
                f"{first.path.name}"
            )
        append_styles(base, network)
    return base


def verify_weights(catalogue: Catalogue) -> list[str]:
    """Check every weight file of a catalogue: hash, names, shapes, numbers, digest. One line a problem."""
    problems = [*catalogue.problems, *catalogue.missing()]
    for info in catalogue.weights.values():
        problem = catalogue.wrong_hash(info) or _wrong_inside(info)
        if problem is not None:
            problems.append(problem)
    return problems


def _wrong_inside(info: WeightsInfo) -> str | None:
    try:
        network, found = load_network(info.path)
    except WeightsError as error:
        return str(error)
    if not found.body or found.body == body_digest(network):
        return None
    return f"{info.path} does not have the convolutions of its digest; make or fetch it again"
