"""`vst train cyclegan`: train weights for the style of a collection of paintings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.recipe_options import recipe_options
from vst.cli.signals import stop_on_signals
from vst.cli.train import MACHINE_OPTIONS, RUN_OPTIONS, given_options, recipe_fields
from vst.modes.cyclegan.config import CycleganRecipe

_START_STYLE = click.option(
    "--start-style",
    metavar="NAME",
    help="Which style of the weights to start from; the mean of all unless given.",
)


def _options(command: Any) -> Any:
    for option in reversed((*RUN_OPTIONS, *recipe_options(CycleganRecipe), _START_STYLE, *MACHINE_OPTIONS)):
        command = option(command)
    return command


@click.command("cyclegan")
@_options
@click.pass_context
def train_cyclegan_command(
    context: click.Context,
    folder: Path,
    recipe_name: str | None,
    data: Path | None,
    start_from: Path | None,
    start_style: str | None,
    minutes: float | None,
    device: str,
    workers: int | None,
    compiled: bool,
    **options: Any,
) -> None:
    """Train a network of mode cyclegan for the style of a collection of paintings.

    Stopped at any time, the same command continues from the last checkpoint.
    """
    console = console_of(context)
    fields = recipe_fields("cyclegan", recipe_name=recipe_name, data=data)
    recipe = CycleganRecipe(**(fields | given_options(options)))
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.train.collection_run import run_collection

        weights = run_collection(
            recipe,
            folder,
            device=device,
            minutes=math.inf if minutes is None else minutes,
            start_from=start_from,
            start_style=start_style,
            compiled=compiled,
            workers=workers,
            say=console.message,
            stop=stop,
        )
    console.result(f"{weights}: --mode cyclegan --style {recipe.style_name} --weights-dir {weights.parent}")
