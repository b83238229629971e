"""`vst train cyclegan`: train weights for the style of a collection of paintings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.recipe_options import recipe_options
from vst.cli.train import MACHINE_OPTIONS, RUN_OPTIONS, given_options, recipe_fields, training_run
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
    with training_run(console, folder, device, minutes, workers) as run:
        from vst.train.collection_run import run_collection

        weights = run_collection(
            recipe, run, start_from=start_from, start_style=start_style, compiled=compiled
        )
    console.result(f"{weights}: --mode cyclegan --style {recipe.style_name} --weights-dir {weights.parent}")
