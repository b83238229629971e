"""`vst train flow`: make weights for an optical flow estimator."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import quiet_option, verbose_option
from vst.cli.recipe_options import RecipeOptions
from vst.cli.signals import stop_on_signals
from vst.train.flow_recipe import GRID, FlowRecipe
from vst.train.recipe import PRECISIONS

_FIELDS = RecipeOptions(FlowRecipe)


@click.command("flow")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where pairs, checkpoints and weights go; a run that is there already is gone on with.",
)
@click.option(
    "--photos",
    multiple=True,
    metavar="PLACE",
    help="A folder or tar file of photographs that things are cut from; synthetic pictures unless given.",
)
@_FIELDS.number("--pairs", "Pairs of frames with known flow that are made before training.")
@_FIELDS.number("--frame-width", "Width of those frames, in pixels.", GRID)
@_FIELDS.number("--frame-height", "Height of those frames, in pixels.", GRID)
@_FIELDS.amount("--fastest", "Peak speed of the fastest pairs, in pixels a frame.")
@_FIELDS.number("--width", "Filters of the network's first layer.")
@_FIELDS.number("--size", "Side of the square crops, in pixels; a multiple of 64.", GRID)
@_FIELDS.number("--batch", "Crops in a batch.")
@_FIELDS.amount(
    "--coarse-weight", "What each coarser size counts in the loss, relative to the one above it.", 1
)
@_FIELDS.amount(
    "--ease", "Pixels of error that are added to those of dis before a crop's are compared to them."
)
@_FIELDS.amount("--brightness", "Largest change of brightness and contrast that is put on crops.", 1)
@_FIELDS.amount("--noise", "Largest deviation of the noise that is put on crops.", 1)
@_FIELDS.amount("--learning-rate", "Adam's at the start.")
@_FIELDS.amount("--final-learning-rate", "Adam's at the end.")
@_FIELDS.amount("--averaging", "Decay of the running mean of the parameters that is exported.", 0.99999)
@_FIELDS.choice("--precision", PRECISIONS, "Arithmetic of the network; fp16 on CUDA only.")
@_FIELDS.number("--steps", "Optimiser steps in all.")
@_FIELDS.number("--seed", "Of everything that is random.", least=0)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Stop after so long."
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:1.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes that prepare data.")
@verbose_option
@quiet_option
@click.pass_context
def train_flow_command(
    context: click.Context,
    folder: Path,
    minutes: float | None,
    device: str,
    workers: int | None,
    **options: Any,
) -> None:
    """Train a network that mends the optical flow of dis.

    It learns on scenes of things cut from photographs, whose motion is known exactly. Stopped at any time,
    the same command goes on from the last checkpoint.
    """
    console = console_of(context)
    recipe = FlowRecipe(**{field: value for field, value in options.items() if value is not None})
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.train.flow_run import run_flow_recipe

        weights = run_flow_recipe(
            recipe,
            folder,
            device=device,
            minutes=math.inf if minutes is None else minutes,
            workers=workers,
            say=console.message,
            stop=stop,
        )
    console.result(
        f"{weights}: put it where vst doctor looks for the estimator, then --flow {weights.stem}"
    )
