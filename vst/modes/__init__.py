"""Modes: how frames become stylized frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from vst.errors import UsageError, suggestion
from vst.modes.network_runner import NetworkRunner
from vst.modes.recurrent import LstmStylizer
from vst.modes.still import ItnStylizer
from vst.modes.stylizer import Stylizer
from vst.modes.video import VtnStylizer
from vst.styles import ResolvedStyle
from vst.styles.selection import load_selection

__all__ = ["MODES", "ModeEntry", "Stylizer", "check_mode", "create_stylizer"]


@dataclass(frozen=True)
class ModeEntry:
    """One mode as the registry knows it.

    Attributes:
        description: One line, for `vst modes`.
        factory: Makes the stylizer from a network that is ready to run.
    """

    description: str
    factory: Callable[[NetworkRunner], Stylizer]


MODES: dict[str, ModeEntry] = {
    "vtn": ModeEntry(
        "video: conditioned on earlier stylized frames, warped by optical flow (the default)", VtnStylizer
    ),
    "lstm": ModeEntry("video without optical flow: a convolutional LSTM is its memory", LstmStylizer),
    "reconet": ModeEntry("each frame by itself, trained on video to be stable", ItnStylizer),
    "itn": ModeEntry("each frame by itself: fastest, flickers; for stills", ItnStylizer),
}


def check_mode(name: str) -> None:
    """Refuse a mode that does not exist.

    Raises:
        UsageError: with the nearest name.
    """
    if name not in MODES:
        raise UsageError(f"unknown mode {name!r}: {suggestion(name, MODES)}")


def create_stylizer(
    style: ResolvedStyle,
    *,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
    tile: int | None = None,
) -> Stylizer:
    """A stylizer with the weights of a style or blend loaded.

    Args:
        style: From `resolve_style`.
        device: Where the network runs.
        precision: float32, bfloat16 or float16, for the convolutions.
        tile: Side of tiles in pixels, 0 for no tiles, or None: `vst.modes.memory` decides by the frame
            size.

    Raises:
        UsageError: The mode is unknown.
        WeightsError: A weight file is damaged.
    """
    check_mode(style.mode)
    network = load_selection(style.selection)
    runner = NetworkRunner(network, style.mixture, torch.device(device), precision, tile)
    return MODES[style.mode].factory(runner)
