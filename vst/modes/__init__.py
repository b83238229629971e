"""Modes: how frames become stylised frames. A new one is a new file and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from vst.errors import UsageError, suggestion
from vst.modes.base import Mode
from vst.modes.painter import Painter
from vst.modes.recurrent import LstmMode
from vst.modes.still import ItnMode
from vst.modes.video import VtnMode
from vst.styles import load_catalogue, parse_blend
from vst.styles.quality import BEST

__all__ = ["MODES", "Mode", "ModeEntry", "check_mode", "create_mode"]


@dataclass(frozen=True)
class ModeEntry:
    """One mode as the registry knows it.

    Attributes:
        description: One line, for `vst modes`.
        factory: Makes the mode around a network that is ready to paint.
    """

    description: str
    factory: Callable[[Painter], Mode]


MODES: dict[str, ModeEntry] = {
    "vtn": ModeEntry(
        "video: the paint of earlier frames is carried along by optical flow (the default)", VtnMode
    ),
    "lstm": ModeEntry("video without optical flow: remembers in a convolutional LSTM", LstmMode),
    "reconet": ModeEntry("each frame for itself, but trained on video to hold still", ItnMode),
    "itn": ModeEntry("each frame for itself: fastest, flickers; right for stills", ItnMode),
}


def check_mode(name: str) -> None:
    """Refuse a mode that does not exist.

    Raises:
        UsageError: with the nearest name.
    """
    if name not in MODES:
        raise UsageError(f"unknown mode {name!r}: {suggestion(name, MODES)}")


def create_mode(
    name: str,
    style: str,
    *,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
    weights_dir: Path | None = None,
    quality: str = BEST,
    tile: int | None = None,
) -> Mode:
    """A mode, with the weights of a style or blend loaded.

    Args:
        name: A key of `MODES`.
        style: `candy`, or a blend like `candy:0.6+wave:0.4`.
        device: Where to paint.
        precision: float32, bfloat16 or float16, for the convolutions.
        weights_dir: Looked in before the usual folders.
        quality: Which width is painted with, where there are several: `best`, `standard` or `fast`.
        tile: Side of tiles in pixels, 0 for none ever, or None: `vst.modes.memory` decides by the size.

    Raises:
        UsageError: for an unknown mode, style or quality, or a style that the mode has no such weights for.
        WeightsError: for a weight file that is damaged.
    """
    check_mode(name)
    blend = parse_blend(style)
    network, selection = load_catalogue(weights_dir).load(blend, name, quality)
    return MODES[name].factory(
        Painter(network, blend.mixture(selection.styles), torch.device(device), precision, tile)
    )
