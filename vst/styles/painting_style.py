"""What stands after `--style` for the modes without a network: paintings, and a loss network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.errors import MediaError, UsageError, WeightsError, suggestion
from vst.files import user_data_folder
from vst.styles.blend import Blend, MaskedPicture, parse_blend, split_mask
from vst.styles.catalog import load_catalogue, weight_folders
from vst.styles.loss_network import cached_loss_network, check_loss_network, loss_network_files
from vst.styles.resolve import ResolvedStyle, resolve_style
from vst.styles.suffixes import SUFFIXES

PAINTINGS = "paintings"
"""The folder in a weights folder, or in the user's data folder, with NAME.jpg for a style NAME."""

_START_MODE = "itn"
"""The mode that makes the stylization from which pixels are optimised."""


@dataclass(frozen=True)
class PaintingStyle:
    """Paintings with their shares, and what their features are compared by.

    Attributes:
        blend: Styles, or paths of pictures, and their shares.
        mode: Name of the mode.
        paintings: The picture of each part of the blend, in its order.
        loss_network: `vgg16`, `vgg19` or a folder, for `load_loss_network`.
        start: The style whose stylization the first picture is; None: it is the frame or noise.
        masks: The mask of each painting, white where it counts; None: all of it does.
    """

    blend: Blend
    mode: str
    paintings: tuple[Path, ...]
    loss_network: str
    start: ResolvedStyle | None = None
    masks: tuple[Path | None, ...] = ()

    @property
    def pictures(self) -> tuple[Path, ...]:
        """The paintings and their masks."""
        return (*self.paintings, *(each for each in self.masks if each is not None))

    @property
    def files(self) -> tuple[Path, ...]:
        """What frames depend on: pictures, loss network, and the networks of `start`."""
        first = () if self.start is None else self.start.files
        return (*self.pictures, *loss_network_files(self.loss_network), *first)

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each painting."""
        return tuple(share for _, share in self.blend.parts)

    def file_of(self, name: str) -> Path:
        """The painting of one of the blend's parts."""
        return self.paintings[self.blend.names.index(name)]


def resolve_paintings(
    style: str,
    mode: str,
    *,
    loss_network: str | None = None,
    start: str | None = None,
    weights_dir: Path | None = None,
) -> PaintingStyle:
    """Find the paintings of a style or blend, and the loss network. None of the files is read.

    Args:
        style: The path of a picture, with or without a mask, a style whose painting is at hand, or a blend
            of these.
        mode: Name of the mode.
        loss_network: `vgg16`, `vgg19` or a folder; None: what torch's cache has.
        start: A style of itn whose stylization the first picture is.
        weights_dir: Searched before the usual folders.

    Raises:
        UsageError: A style is unknown, or has no painting here; or there is no loss network.
        MediaError: A picture does not exist.
        WeightsError: The loss network's folder lacks a file.
    """
    blend = parse_blend(style)
    split = [split_mask(name) for name in blend.names]
    paintings = tuple(
        _given_picture(each.picture) if name in blend.pictures else _painting_of(name, mode, weights_dir)
        for name, each in zip(blend.names, split, strict=True)
    )
    masks = tuple(map(_given_mask, split))
    network = loss_network or cached_loss_network()
    if network is None:
        raise WeightsError(
            f"mode {mode} compares features of a loss network, and there is none here: fetch one with "
            "'vst weights fetch vgg19', or give a folder of loss network files with --loss-network"
        )
    check_loss_network(network)
    first = None if start is None else resolve_style(start, _START_MODE, weights_dir=weights_dir)
    return PaintingStyle(blend, mode, paintings, network, first, masks)


def _given_picture(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise MediaError(f"{name} {what}; expected a picture, or the name of a style ('vst styles')")
    return path


def _given_mask(given: MaskedPicture) -> Path | None:
    if given.mask is None:
        return None
    path = Path(given.mask)
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise MediaError(
            f"the mask {path} of {given.picture} {what}; expected a picture that is white where the "
            "painting counts"
        )
    return path


def _painting_of(name: str, mode: str, weights_dir: Path | None) -> Path:
    folders = [folder / PAINTINGS for folder in (*weight_folders(weights_dir), user_data_folder())]
    for folder in folders:
        for suffix in SUFFIXES:
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    styles = load_catalogue(weights_dir).styles
    if name not in styles:
        hint = suggestion(name, styles) if styles else "there are no styles here"
        raise UsageError(f"unknown style {name!r}: {hint}, or give the path of a picture")
    raise UsageError(
        f"mode {mode} needs the painting of style {name!r}, and paintings do not ship: give the picture "
        f"itself, such as {name}.jpg, or put it at {folders[-1] / name}.jpg"
    )
