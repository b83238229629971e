"""Weights between those of two networks, and weights to which the training of another network is added."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from vst.errors import UsageError, WeightsError
from vst.modes.network_file import load_network, save_weights
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import select_styles
from vst.nn.widen import widen
from vst.styles.weights_file import WeightsInfo


def interpolate_weights(
    start: Path, end: Path, share: float, output: Path, base: Path | None = None
) -> WeightsInfo:
    """Write the network that lies on the straight line between a network and one that was trained from it.

    Along that line image networks change their effect smoothly (X. Wang et al., Deep Network Interpolation
    for Continuous Imagery Effect Transition, CVPR 2019, eq. 1); between networks that were trained apart
    there is nothing of use. Where `start` has fewer input channels, as an itn that a vtn was trained from,
    the weights of the others are those of `end` at any share.

    With `base`, the line begins there, and what is written is start + share · (end − base): what training
    added to `base` is added to `start`, which came of `base`, too (Ilharco et al., Editing Models with Task
    Arithmetic, ICLR 2023, section 2). Networks narrower than `start` are widened first.

    Args:
        start: The weight file that training began with; with `base` another one that came of `base`.
        end: The weight file that came of it. The mode of the output is its own; its styles and all else,
            too, but with `base` the styles are those of `start`.
        share: Of `end`, 0 to 1.
        output: The weight file to write.
        base: The weight file that `end` was trained from, if that is not `start`.

    Returns:
        The description in the file.

    Raises:
        UsageError: for a share out of range, an output that is one of the files, and networks that do not
            fit each other.
        WeightsError: for a weight file that cannot be read, and an output that cannot be written.
    """
    if not 0 <= share <= 1:
        raise UsageError(
            f"share {share:g} is out of range; expected 0 (all of {start}) to 1 (all of {end})"
        )
    files = [each for each in (start, end, base) if each is not None]
    if output.resolve() in [each.resolve() for each in files]:
        raise UsageError(f"{output} is one of the weight files; give another output")
    loaded = [load_network(each) for each in files]
    info, named_by = loaded[1][1], loaded[1 if base is None else 0][1]
    for network, found in loaded:
        _select(network, found, named_by)
    first, last, *rest = (network for network, _ in loaded)
    origin = rest[0] if rest else first
    if base is not None:
        last, origin = _widened(last, first.width), _widened(origin, first.width)
    fits = last.can_start_from(first) and last.can_start_from(origin)
    if not (fits and _fit(first, origin) and _fit(origin, last)):
        names = f"{start} and {end}" if base is None else f"{start}, {end} and {base}"
        raise UsageError(
            f"{names} have different layers; expected a network and one that was trained from it"
        )
    states = [each.state_dict() for each in (first, last, origin)]
    last.load_state_dict({name: _added(share, *(each[name] for each in states)) for name in states[1]})
    try:
        return save_weights(
            output,
            last,
            mode=info.mode,
            styles=named_by.styles,
            loss_network=info.loss_network,
            recipe=info.recipe,
            steps=info.steps,
            licence=info.licence,
            luminance=info.luminance,
        )
    except OSError as error:
        raise WeightsError(f"{output} cannot be written: {error.strerror or error}") from error


def _select(network: StyleNetwork, info: WeightsInfo, named_by: WeightsInfo) -> None:
    """Leave a network the styles that a file names, in the order of that file."""
    missing = [name for name in named_by.styles if name not in info.styles]
    if missing:
        raise UsageError(
            f"{info.path} has no style {missing[0]!r}, unlike {named_by.path}; "
            "expected the same styles in both"
        )
    select_styles(network, [info.styles.index(name) for name in named_by.styles])


def _widened(network: StyleNetwork, width: int) -> StyleNetwork:
    """A network of that width, if it can be made of this one; else this one, which will not fit."""
    is_divisor = network.width < width and width % network.width == 0
    return widen(network, width, noise=0) if is_divisor and network.can_widen else network


def _fit(start: StyleNetwork, end: StyleNetwork) -> bool:
    """Whether two networks have the same layers, but for input channels that `start` may lack."""
    earlier, later = start.state_dict(), end.state_dict()
    first = next(iter(later))

    def fits(name: str) -> bool:
        ours, theirs = earlier[name].shape, later[name].shape
        fewer = name == first and len(ours) == 4 and ours[1] < theirs[1]
        return ours == theirs or (fewer and ours[:1] + ours[2:] == theirs[:1] + theirs[2:])

    return earlier.keys() == later.keys() and all(map(fits, later))


def _added(share: float, start: Tensor, end: Tensor, base: Tensor) -> Tensor:
    """One tensor of the result, start + share · (end − base); of `end` for inputs that `start` lacks."""
    result = end.clone()
    common = slice(None) if end.ndim < 2 else (slice(None), slice(start.shape[1]))
    result[common] = start + share * (end[common] - base[common])
    return result
