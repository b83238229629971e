"""Render options: what a render runs on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.pipeline.option_values import MAX_SIDE, parse_tile
from vst.pipeline.options import Effect, Frei0rParameter, OpenFxParameter, Range, option

MAX_THREADS = 1024
MIN_TILE = 64
"""Smallest side of a tile in pixels; a smaller one would mostly be overlap with its neighbours."""
BACKEND_NAMES = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """Options that say what a render runs on.

    Many attributes: one for each option.
    """

    device: str = option(
        "auto",
        type=str,
        metavar="DEVICE",
        effect=Effect.RESOLVED,
        help="auto, cpu, cuda, cuda:N or mps (Apple, untested).",
        openfx=OpenFxParameter(
            position=7,
            name="device",
            label="Device",
            choices={"auto": 0, "cpu": 1, "cuda": 2, "mps": 3},
            hint="The processor that the networks run on.",
        ),
        frei0r=Frei0rParameter(position=5, name="device"),
    )
    precision: str = option(
        "auto",
        type=str,
        choices=PRECISIONS,
        effect=Effect.RESOLVED,
        help="Floating-point type of the networks.",
    )
    backend: str = option(
        "auto",
        type=str,
        choices=BACKEND_NAMES,
        effect=Effect.RESOLVED,
        help="What runs the network on the CPU: torch, openvino (extra 'openvino'), or auto: the quicker "
        "of the two for this clip, timed once on this machine.",
    )
    tile: int | None = option(
        None,
        type=parse_tile,
        metavar="PIXELS",
        default_text="auto",
        range=Range(MIN_TILE, MAX_SIDE, unit="pixels", special=(0, "no tiles")),
        help="Stylize in tiles with sides of this length, to save memory: auto (if a frame would take "
        "more than 2 GiB), off, or a number.",
    )
    threads: int | None = option(
        None,
        type=int,
        metavar="N",
        range=Range(1, MAX_THREADS),
        effect=Effect.ROUNDING,
        help="CPU threads of a render; all cores by default.",
    )
    weights_dir: Path | None = option(
        None,
        type=Path,
        metavar="FOLDER",
        effect=Effect.RESOLVED,
        help="Look for weights in this folder first.",
        openfx=OpenFxParameter(position=10, name="weights", label="Weights"),
        frei0r=Frei0rParameter(position=6, name="weights"),
    )
