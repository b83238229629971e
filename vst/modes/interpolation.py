"""Weights between those of two networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from vst.errors import UsageError, WeightsError
from vst.modes.network_file import load_network
from vst.nn.style_parameters import body_digest, select_styles
from vst.styles.weights_file import WeightsInfo, write_weights


def interpolate_weights(start: Path, end: Path, share: float, output: Path) -> WeightsInfo:
    """Write the network that lies on the straight line between a network and one that was trained from it.

    Along that line image networks change their effect smoothly (X. Wang et al., Deep Network Interpolation
    for Continuous Imagery Effect Transition, CVPR 2019, eq. 1); between networks that were trained apart
    there is nothing of use. Where `start` has fewer input channels, as an itn that a vtn was trained from,
    the weights of the others are those of `end` at any share.

    Args:
        start: The weight file that training began with.
        end: The weight file that came of it: mode, styles and description of the output are its own.
        share: Of `end`, 0 to 1.
        output: The weight file to write.

    Returns:
        The description in the file.

    Raises:
        UsageError: for a share out of range, an output that is one of the two, and networks that do not fit
            each other.
        WeightsError: for a weight file that cannot be read, and an output that cannot be written.
    """
    if not 0 <= share <= 1:
        raise UsageError(
            f"share {share:g} is out of range; expected 0 (all of {start}) to 1 (all of {end})"
        )
    if output.resolve() in (start.resolve(), end.resolve()):
        raise UsageError(f"{output} is one of the two weight files; give another output")
    earlier, first = load_network(start)
    network, info = load_network(end)
    missing = [name for name in info.styles if name not in first.styles]
    if missing:
        raise UsageError(
            f"{start} has no style {missing[0]!r}, but {end} has; expected the same styles in both"
        )
    select_styles(earlier, [first.styles.index(name) for name in info.styles])
    ours, theirs = earlier.state_dict(), network.state_dict()
    if not (network.can_start_from(earlier) and _fit(ours, theirs)):
        raise UsageError(
            f"{start} and {end} have different layers; expected a network and one that was trained from it"
        )
    mixture = {name: _between(ours[name], value, share) for name, value in theirs.items()}
    network.load_state_dict(mixture)
    info = replace(info, path=output, body=body_digest(network))
    try:
        write_weights(info, mixture)
    except OSError as error:
        raise WeightsError(f"{output} cannot be written: {error.strerror or error}") from error
    return info


def _fit(start: dict[str, Tensor], end: dict[str, Tensor]) -> bool:
    """Whether two networks have the same layers, but for input channels that `start` may lack."""
    first = next(iter(end))

    def fits(name: str) -> bool:
        ours, theirs = start[name].shape, end[name].shape
        fewer = name == first and len(ours) == 4 and ours[1] < theirs[1]
        return ours == theirs or (fewer and ours[:1] + ours[2:] == theirs[:1] + theirs[2:])

    return start.keys() == end.keys() and all(map(fits, end))


def _between(start: Tensor, end: Tensor, share: float) -> Tensor:
    """The weights of one tensor of the result."""
    if start.shape == end.shape:
        return torch.lerp(start, end, share)
    result = end.clone()
    result[:, : start.shape[1]].lerp_(start, 1 - share)
    return result
