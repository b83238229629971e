"""`vst train`: make weights for new styles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.group import LazyGroup
from vst.cli.options import quiet_option, verbose_option
from vst.cli.recipe_options import RecipeOptions
from vst.cli.signals import stop_on_signals
from vst.errors import UsageError
from vst.train.recipe import MODES, PRECISIONS, Recipe, StyleGoal

_FIELDS = RecipeOptions(Recipe)


class StyleImages(click.ParamType):
    """``NAME=IMAGE[,IMAGE][@SIZE]``: a style's name, its pictures, and their longer side."""

    name = "NAME=IMAGE[,IMAGE][@SIZE]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> StyleGoal:
        """The style as a recipe has it."""
        style, equals, images = str(value).partition("=")
        size: int | None = None
        before, at, after = images.rpartition("@")
        if at and after.isdecimal():
            images, size = before, int(after)
        paths = tuple(path for path in images.split(",") if path)
        if not (style and equals and paths) or size == 0:
            self.fail(f"'{value}' cannot be read; write NAME=IMAGE, NAME=IMAGE,IMAGE or NAME=IMAGE@SIZE")
        for path in paths:
            if not Path(path).is_file():
                self.fail(f"{path} is not a file", param, ctx)
        return StyleGoal(style, paths, size)


@click.command("mode")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where checkpoints and weights go; a run that is there already is gone on with.",
)
@click.option(
    "--recipe",
    "recipe_name",
    metavar="NAME",
    help="Start from a recipe: one of the catalogue's, such as itn-fast, or a TOML file.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the recipe's pictures and clips are.",
)
@click.option(
    "--style",
    "styles",
    type=StyleImages(),
    multiple=True,
    help="A style and its picture or pictures, and their longer side; once for each style.",
)
@click.option(
    "--photos",
    multiple=True,
    metavar="PLACE",
    help="A folder or tar file of photographs; synthetic pictures unless given.",
)
@click.option(
    "--clips",
    multiple=True,
    metavar="PLACE",
    help="A video, or a folder or tar file of clips as numbered frames (all but itn).",
)
@click.option(
    "--loss-network",
    metavar="NAME",
    show_default=_FIELDS.default("loss_network"),
    help="vgg16, vgg19 or a folder with one.",
)
@_FIELDS.number("--width", "Filters of the first layer: 32 standard, 16 fast.")
@_FIELDS.option("--blocks", click.IntRange(0), "N", "Residual blocks.", shown="5, reconet 4")
@_FIELDS.choice("--norm", ("instance", "batch"), "Normalisation.")
@_FIELDS.choice("--upsampling", ("nearest", "transposed"), "How the picture is enlarged again.")
@_FIELDS.choice("--last", ("tanh", "linear"), "The activation at the end.", "output")
@click.option(
    "--gate/--no-gate",
    default=None,
    help="Whether the network decides by pixel how much of the past to keep as it is (vtn, lstm).",
)
@click.option(
    "--motion/--no-motion",
    default=None,
    help="Whether the memory is shown the frames beside the last painting, so sees what moved (lstm).",
)
@_FIELDS.amount("--anchor", "Least share of the memory that is taken anew from each frame (lstm, gate).", 1)
@_FIELDS.number("--size", "Side of the square crops, in pixels.", least=32)
@_FIELDS.number("--batch", "Photographs in a batch.")
@_FIELDS.number("--styles-each", "Styles that each photograph of a batch is painted in.")
@_FIELDS.number("--style-size", "Longer side of the style images: smaller gives smaller strokes.", 16)
@_FIELDS.number("--sequences", "Sequences in a batch (all but itn).")
@_FIELDS.number("--unroll", "Frames of a sequence that are learned from (all but itn).", least=2)
@_FIELDS.number("--judged", "Frames of those that the loss network sees; 0 is all (all but itn).", least=0)
@_FIELDS.number("--warm-up", "At most so many frames are painted before those (vtn, lstm).", least=0)
@_FIELDS.amount("--empty", "Share of batches without a past (all but itn).", 1)
@_FIELDS.number(
    "--ageing", "At most so often paint of the past is resampled before learning (vtn).", least=0
)
@_FIELDS.amount("--renewal", "Share of squares painted anew though the past is seen (vtn with a gate).", 1)
@_FIELDS.amount("--restart", "Share of frames at which the memory is emptied (lstm).", 1)
@_FIELDS.amount("--feedback-noise", "Largest deviation of the noise on what is fed back (lstm).", 1)
@_FIELDS.amount("--synthetic", "Share of sequences with exact motion (all but itn).", 1)
@_FIELDS.amount(
    "--least-change", "Real sequences that change less, 0 to 1, are passed over (all but itn).", 1
)
@_FIELDS.amount("--brightness", "Largest flicker of brightness that is put on sequences (all but itn).", 1)
@_FIELDS.amount("--noise", "Largest deviation of the noise that is put on sequences (all but itn).", 1)
@_FIELDS.amount("--style-weight", "Weight of the style loss; content has 1.")
@_FIELDS.amount("--temporal-weight", "Weight of the temporal loss (all but itn).")
@_FIELDS.amount("--feature-weight", "Weight of the temporal loss of features (reconet).")
@_FIELDS.amount("--variation-weight", "Weight of the total variation.")
@_FIELDS.amount("--learning-rate", "Adam's at the start.")
@_FIELDS.amount("--final-learning-rate", "Adam's at the end.")
@_FIELDS.amount("--averaging", "Decay of the running mean of the parameters that is exported.", 0.99999)
@_FIELDS.choice("--precision", PRECISIONS, "Arithmetic of the networks; fp16 on CUDA only.")
@_FIELDS.number("--steps", "Optimiser steps in all.")
@_FIELDS.number("--seed", "Of everything that is random.", least=0)
@click.option(
    "--start-from",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights to begin with, their styles by name; an itn or vtn may start any other.",
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Stop after so long."
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:1.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes that read and prepare data."
)
@click.option(
    "--compile", "compiled", is_flag=True, help="Compile the networks: a slow start, faster steps."
)
@verbose_option
@quiet_option
@click.pass_context
def train_command(
    context: click.Context,
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
    """Train a network for one style or several.

    Stopped at any time, the same command goes on from the last checkpoint.
    """
    console = console_of(context)
    # One command serves every mode: it is called by its name.
    recipe = _recipe(str(context.info_name), recipe_name, data, options)
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.train.run import run_recipe

        weights = run_recipe(
            recipe,
            folder,
            device=device,
            minutes=math.inf if minutes is None else minutes,
            start_from=start_from,
            compiled=compiled,
            workers=workers,
            say=console.message,
            stop=stop,
        )
    console.result(f"{weights}: use it with --weights-dir {weights.parent}")


class TrainGroup(LazyGroup):
    """A command for each mode, all with the same options, beside those for networks of other kinds."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See ``LazyGroup``."""
        return [*MODES, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See ``LazyGroup``."""
        return train_command if cmd_name in MODES else super().get_command(ctx, cmd_name)


@click.group("train", cls=TrainGroup, commands_at={"flow": "vst.cli.train_flow:train_flow_command"})
def train_group() -> None:
    """Train a network: a mode's for styles, or one for optical flow."""


def _recipe(mode: str, name: str | None, data: Path | None, options: dict[str, Any]) -> Recipe:
    """The recipe that is named, if any, with what the options say on top."""
    from vst.train.recipe_file import read_recipe, resolve

    fields = {} if name is None else resolve(read_recipe(name), data or Path())
    if fields.setdefault("mode", mode) != mode:
        raise UsageError(f"recipe {name} is for {fields['mode']}; write: vst train {fields['mode']} ...")
    # A tuple that is empty is an option that was not given.
    fields |= {key: value for key, value in options.items() if value is not None and value != ()}
    if "styles" not in fields:
        raise UsageError("nothing to learn: give --style, or --recipe and --data")
    return Recipe(**fields)
