"""`vst train`: make weights for new styles."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import click

from vst.cli.nearest import NearestChoice
from vst.cli.options import quiet_option, verbose_option
from vst.cli.session import session_of
from vst.cli.signals import interrupt_on_terminate
from vst.train.recipe import Recipe, StyleGoal

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Recipe)}


class StyleImages(click.ParamType):
    """``NAME=IMAGE[,IMAGE]``: a style's name and the pictures that it is learned from."""

    name = "NAME=IMAGE[,IMAGE]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> StyleGoal:
        """The name and its images."""
        style, equals, images = str(value).partition("=")
        paths = tuple(path for path in images.split(",") if path)
        if not (style and equals and paths):
            self.fail(f"'{value}' cannot be read; write NAME=IMAGE or NAME=IMAGE,IMAGE", param, ctx)
        for path in paths:
            if not Path(path).is_file():
                self.fail(f"{path} is not a file", param, ctx)
        return StyleGoal(style, paths)


def _number(option: str, field: str, help_text: str, least: int = 1) -> Any:
    return click.option(
        option,
        field,
        type=click.IntRange(min=least),
        default=_DEFAULTS[field],
        show_default=True,
        metavar="N",
        help=help_text,
    )


def _amount(option: str, field: str, help_text: str, most: float | None = None) -> Any:
    return click.option(
        option,
        field,
        type=click.FloatRange(0, most),
        default=_DEFAULTS[field],
        show_default=True,
        metavar="X",
        help=help_text,
    )


@click.command("train")
@click.argument("mode", type=NearestChoice(["itn", "vtn"]), metavar="itn|vtn")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where checkpoints and weights go; a run that is there already is gone on with.",
)
@click.option(
    "--style",
    "styles",
    type=StyleImages(),
    multiple=True,
    required=True,
    help="A style and its picture or pictures; once for each style.",
)
@click.option(
    "--photos", multiple=True, required=True, metavar="PLACE", help="A folder or tar file of photographs."
)
@click.option(
    "--clips",
    multiple=True,
    metavar="PLACE",
    help="A folder or tar file of clips as numbered frames (vtn).",
)
@click.option(
    "--loss-network",
    default=_DEFAULTS["loss_network"],
    show_default=True,
    help="vgg16, vgg19 or a folder with one.",
)
@_number("--width", "width", "Filters of the first layer: 32 standard, 16 fast.")
@_number("--size", "size", "Side of the square crops, in pixels.", least=32)
@_number("--batch", "batch", "Photographs in a batch.")
@_number(
    "--style-size", "style_size", "Longer side of the style images: smaller gives smaller strokes.", 16
)
@_number("--sequences", "sequences", "Sequences in a batch (vtn).")
@_number("--unroll", "unroll", "Frames of a sequence that are learned from (vtn).", least=2)
@_number("--warm-up", "warm_up", "At most so many frames are painted before those (vtn).", least=0)
@_amount("--empty", "empty", "Share of batches without a past (vtn).", 1)
@_amount("--synthetic", "synthetic", "Share of sequences with exact motion (vtn).", 1)
@_amount("--style-weight", "style_weight", "Weight of the style loss; content has 1.")
@_amount("--temporal-weight", "temporal_weight", "Weight of the temporal loss (vtn).")
@_amount("--learning-rate", "learning_rate", "Adam's at the start.")
@_amount("--final-learning-rate", "final_learning_rate", "Adam's at the end.")
@click.option(
    "--precision",
    type=NearestChoice(["bf16", "fp32"]),
    default=_DEFAULTS["precision"],
    show_default=True,
    help="Arithmetic of the networks.",
)
@_number("--steps", "steps", "Optimiser steps in all.")
@_number("--seed", "seed", "Of everything that is random.", least=0)
@click.option(
    "--start-from",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights to begin with; those of an itn may start a vtn.",
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Stop after so long."
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:1.")
@click.option(
    "--compile", "compiled", is_flag=True, help="Compile the networks: a slow start, faster steps."
)
@verbose_option
@quiet_option
@click.pass_context
def train_command(
    context: click.Context,
    output: Path,
    start_from: Path | None,
    minutes: float | None,
    device: str,
    compiled: bool,
    **recipe: Any,
) -> None:
    """Train a network for one style or several.

    Stopped at any time, the same command goes on from the last checkpoint.
    """
    session = session_of(context)
    with interrupt_on_terminate():
        from vst.train.run import run_recipe

        weights = run_recipe(
            Recipe(**recipe),
            output,
            device=device,
            minutes=math.inf if minutes is None else minutes,
            start_from=start_from,
            compiled=compiled,
            say=session.say,
        )
    session.result(f"{weights}: use it with --weights-dir {weights.parent}")
