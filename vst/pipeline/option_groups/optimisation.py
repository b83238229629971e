"""Render options of the modes that optimise pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from vst.modes.optimisation.config import (
    CONTENT,
    LBFGS,
    NOISE,
    OPTIMIZERS,
    PASSES,
    STEPS,
    TEMPORAL_WEIGHT,
)
from vst.pipeline.option_values import parse_layers
from vst.pipeline.options import Effect, Range, option

MAX_STEPS = 100_000
MAX_LEVELS = 6
MAX_WEIGHT = 1e9
MAX_PASSES = 100
MAX_COPIES = 4
MAX_PATCH = 7
STYLE_LOSSES = ("gram", "shifted", "histogram", "mmd-linear", "mmd-gaussian", "mmd-poly")
POOLING = ("max", "average")

_WEIGHT = Range(0, MAX_WEIGHT)


@dataclass(frozen=True, kw_only=True)
class OptimisationOptions:
    """Options of the modes that have no network and optimise the pixels of each frame, such as gatys.

    Many attributes: one for each option.
    """

    SECTION: ClassVar[str] = "Options of modes that optimise pixels"
    """Heading in ``--help`` and in ``docs/options.md``."""

    loss_network: str | None = option(
        None,
        type=str,
        metavar="NETWORK",
        effect=Effect.RESOLVED,
        help="vgg19, vgg16, or a folder with a loss network; by default the one that 'vst weights fetch' "
        "fetched.",
    )
    steps: int | None = option(
        None,
        type=int,
        metavar="N",
        range=Range(1, MAX_STEPS),
        default_text=str(STEPS),
        effect=Effect.RESOLVED,
        help="Evaluations of the losses for each frame that is optimised, over all sizes.",
    )
    seconds: float | None = option(
        None,
        type=float,
        metavar="SECONDS",
        range=Range(0, above_low=True, unit="seconds"),
        excludes="steps",
        help="About how long a frame may take: a number of steps is made of it before the start. Not "
        "together with --steps.",
    )
    content_weight: float = option(
        1.0, type=float, metavar="X", range=_WEIGHT, help="Weight of the content loss; 0 leaves it out."
    )
    style_weight: float = option(
        60.0, type=float, metavar="X", range=_WEIGHT, help="Weight of the style loss; 0 leaves it out."
    )
    variation_weight: float = option(
        1.0, type=float, metavar="X", range=_WEIGHT, help="Weight of the total variation; more is smoother."
    )
    laplacian_weight: float = option(
        0.0, type=float, metavar="X", range=_WEIGHT, help="Weight of the frame's edges (Laplacian loss)."
    )
    content_layers: str = option(
        "",
        type=str,
        metavar="LAYERS",
        check=parse_layers,
        default_text="relu4_2, or relu3_3",
        help="Layers of the loss network at which content is compared, such as relu4_2 or "
        "relu3_3:0.5,relu4_1:0.5.",
    )
    style_layers: str = option(
        "",
        type=str,
        metavar="LAYERS",
        check=parse_layers,
        default_text="relu1_1 to relu5_1",
        help="Layers at which style is compared, such as relu1_1:2,relu2_1,relu3_1.",
    )
    style_loss: str = option(
        "gram",
        type=str,
        choices=STYLE_LOSSES,
        help="What of the painting's features is matched.",
    )
    pooling: str = option(
        "max", type=str, choices=POOLING, help="How the loss network halves its features."
    )
    optimizer: str = option(LBFGS, type=str, choices=OPTIMIZERS, help="How the losses are minimised.")
    levels: int = option(
        3,
        type=int,
        metavar="N",
        range=Range(1, MAX_LEVELS),
        help="Sizes from coarse to fine, each twice the one before: more gives broader strokes.",
    )
    init: str = option(
        CONTENT,
        type=str,
        metavar=f"{CONTENT}|{NOISE}|STYLE",
        help="The first picture: the frame, noise, or its stylization by the network of a style.",
    )
    temporal_weight: float = option(
        TEMPORAL_WEIGHT,
        type=float,
        metavar="X",
        range=_WEIGHT,
        help="Weight of the distance from earlier frames, propagated to each frame that is optimised; 0: "
        "each is optimised alone.",
    )
    passes: int = option(
        PASSES,
        type=int,
        metavar="N",
        range=Range(1, MAX_PASSES),
        help="In mode ruder: passes over each shot, forwards and backwards in turn.",
    )
    patch_size: int = option(
        3,
        type=int,
        metavar="N",
        range=Range(2, MAX_PATCH),
        help="In mode mrf: side of the patches, in places of the loss network's features.",
    )
    patch_rotations: int = option(
        1,
        type=int,
        metavar="N",
        range=Range(0, MAX_COPIES),
        help="In mode mrf: copies of the painting, turned by 15° each to either side, whose patches count.",
    )
    patch_scales: int = option(
        1,
        type=int,
        metavar="N",
        range=Range(0, MAX_COPIES),
        help="In mode mrf: copies of the painting, larger by a fifth each, and as many smaller ones.",
    )
    preview: Path | None = option(
        None,
        type=Path,
        metavar="FILE",
        in_batch=False,
        effect=Effect.NONE,
        help="Write the picture so far to this file every few seconds.",
    )
