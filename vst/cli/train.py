"""`vst train`: train weights for new styles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.console import Console, console_of
from vst.cli.group import LazyGroup
from vst.cli.options import quiet_option, verbose_option
from vst.cli.recipe_options import recipe_options
from vst.cli.signals import stop_on_signals
from vst.errors import UsageError
from vst.modes.recipe import Recipe, StyleGoal, create_recipe
from vst.modes.registry import ModeEntry, available_modes, find_mode
from vst.styles.blend import split_mask

if TYPE_CHECKING:
    from vst.train.training_run import TrainingRun


class StyleImages(click.ParamType):
    """``NAME=IMAGE[@MASK][,IMAGE[@MASK]][@SIZE]``: a style's name, its pictures, and their longer side."""

    name = "NAME=IMAGE[@MASK][,IMAGE[@MASK]][@SIZE]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> StyleGoal:
        """The style of a recipe."""
        style, equals, images = str(value).partition("=")
        size: int | None = None
        before, at, after = images.rpartition("@")
        if at and after.isdecimal():
            images, size = before, int(after)
        paths = tuple(path for path in images.split(",") if path)
        if not (style and equals and paths) or size == 0:
            self.fail(
                f"'{value}' cannot be read; write NAME=IMAGE, NAME=IMAGE,IMAGE, NAME=IMAGE@SIZE or "
                "NAME=IMAGE@MASK"
            )
        for path in (each for image in paths for each in split_mask(image) if each is not None):
            if not Path(path).is_file():
                self.fail(f"{path} is not a file", param, ctx)
        return StyleGoal(style, paths, size)


RUN_OPTIONS = (
    click.option(
        "-o",
        "--output",
        "folder",
        type=click.Path(path_type=Path),
        required=True,
        metavar="FOLDER",
        help="Where checkpoints and weights go; a run in the folder is continued.",
    ),
    click.option(
        "--recipe",
        "recipe_name",
        metavar="NAME",
        help="Start from a recipe: one of the catalogue's, such as itn-fast, or a TOML file.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="Where the recipe's pictures and clips are.",
    ),
)
_STYLES = click.option(
    "--style",
    "styles",
    type=StyleImages(),
    multiple=True,
    help="A style and its picture or pictures, and their longer side; once for each style.",
)
MACHINE_OPTIONS = (
    click.option(
        "--start-from",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Weights to start from, their styles by name; of this mode or another with the same body.",
    ),
    click.option(
        "--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Stop after so long."
    ),
    click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:1."),
    click.option(
        "--workers", type=click.IntRange(min=1), metavar="N", help="Processes that read and prepare data."
    ),
    click.option(
        "--compile", "compiled", is_flag=True, help="Compile the networks: a slow start, faster steps."
    ),
    verbose_option,
    quiet_option,
)


@cache
def mode_command(mode: str) -> click.Command:
    """The command that trains a mode: its options are the fields of the mode's recipe."""

    def train_mode(context: click.Context, **options: Any) -> None:
        _train(context, mode, **options)

    command: Any = click.pass_context(train_mode)
    own = recipe_options(find_mode(mode).recipe_class)
    fields = (*RUN_OPTIONS, _STYLES, *own, *MACHINE_OPTIONS)
    for option in reversed(fields):
        command = option(command)
    text = f"Train a network of mode {mode} for one style or several.\n\n{_HELP}"
    return click.command(mode, help=text)(command)


_HELP = "Stopped at any time, the same command continues from the last checkpoint."


def _train(
    context: click.Context,
    mode: str,
    *,
    folder: Path,
    recipe_name: str | None,
    data: Path | None,
    start_from: Path | None,
    minutes: float | None,
    device: str,
    workers: int | None,
    compiled: bool,
    **options: Any,
) -> None:
    console = console_of(context)
    recipe = _recipe(mode, recipe_name, data, options)
    with training_run(console, folder, device, minutes, workers) as run:
        from vst.train.run import run_recipe

        weights = run_recipe(recipe, run, start_from=start_from, compiled=compiled)
    console.result(f"{weights}: use it with --weights-dir {weights.parent}")


_OTHERS = {
    "cyclegan": "vst.cli.train_cyclegan:train_cyclegan_command",
    "flow": "vst.cli.train_flow:train_flow_command",
}


class TrainGroup(LazyGroup):
    """A command for each mode that can be trained, beside those for networks of other kinds."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See ``LazyGroup``."""
        return [*_trainable(), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See ``LazyGroup``."""
        return mode_command(cmd_name) if cmd_name in _trainable() else super().get_command(ctx, cmd_name)


@click.group("train", cls=TrainGroup, commands_at=_OTHERS)
def train_group() -> None:
    """Train a network: a mode's for styles or a collection of paintings, or one for optical flow."""


def _trainable() -> dict[str, ModeEntry]:
    return {name: entry for name, entry in available_modes().items() if entry.training}


@contextmanager
def training_run(
    console: Console, folder: Path, device: str, minutes: float | None, workers: int | None
) -> Iterator[TrainingRun]:
    """A run as the options ask for it, which Ctrl-C stops after the present step."""
    from vst.train.training_run import TrainingRun

    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        length = math.inf if minutes is None else minutes
        yield TrainingRun(folder, device, length, workers, console.message, stop)


def recipe_fields(mode: str, *, recipe_name: str | None, data: Path | None) -> dict[str, Any]:
    """The fields of the recipe that is named, if any, with `mode`.

    Raises:
        UsageError: There is no such recipe, or it is for another mode.
    """
    from vst.train.recipe_file import read_recipe, resolve

    fields = {} if recipe_name is None else resolve(read_recipe(recipe_name), data or Path())
    if fields.setdefault("mode", mode) != mode:
        other = fields["mode"]
        raise UsageError(f"recipe {recipe_name} is for {other}; write: vst train {other} ...")
    return fields


def given_options(options: dict[str, Any]) -> dict[str, Any]:
    """Those that were given; a tuple that is empty is an option that was not."""
    return {key: value for key, value in options.items() if value is not None and value != ()}


def _recipe(mode: str, name: str | None, data: Path | None, options: dict[str, Any]) -> Recipe:
    """The recipe that is named, if any, changed by the options."""
    fields = recipe_fields(mode, recipe_name=name, data=data)
    fields |= given_options(options)
    if "styles" not in fields:
        raise UsageError("no style to train: give --style, or --recipe and --data")
    return create_recipe(fields)
