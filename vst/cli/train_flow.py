"""`vst train flow`: train weights for an optical flow estimator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.options import quiet_option, verbose_option
from vst.cli.recipe_options import recipe_options
from vst.cli.train import given_options, training_run
from vst.train.flow_recipe import FlowRecipe


def _fields(command: Any) -> Any:
    for option in reversed(recipe_options(FlowRecipe)):
        command = option(command)
    return command


@click.command("flow")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where pairs, checkpoints and weights go; a run in the folder is continued.",
)
@_fields
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
    """Train a network that refines the optical flow of dis.

    It is trained on scenes of objects cut from photographs, whose motion is known exactly. Stopped at any
    time, the same command continues from the last checkpoint.
    """
    console = console_of(context)
    recipe = FlowRecipe(**given_options(options))
    with training_run(console, folder, device, minutes, workers) as run:
        from vst.train.flow_run import run_flow_recipe

        weights = run_flow_recipe(recipe, run)
    console.result(
        f"{weights}: put it where vst doctor looks for the estimator, then --flow {weights.stem}"
    )
