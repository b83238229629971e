"""`vst style`: a user's own styles."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.nearest import NearestChoice
from vst.cli.options import quiet_option, verbose_option, weights_dir_option
from vst.cli.session import session_of
from vst.cli.signals import stop_on_signals
from vst.errors import UsageError
from vst.train.recipe import MODES


@click.group("style")
def style_group() -> None:
    """Add a style of your own."""


@style_group.command("add")
@click.argument("painting", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--name", required=True, metavar="NAME", help="What to call the style.")
@click.option(
    "--photos",
    multiple=True,
    metavar="PLACE",
    help="A folder or tar file of photographs to learn on; synthetic pictures unless given.",
)
@click.option(
    "--mode",
    "modes",
    type=NearestChoice(list(MODES)),
    multiple=True,
    metavar="|".join(MODES),
    help="Modes to add it to; itn and vtn unless given.",
)
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="FILE",
    help="Weight file to add it to, such as itn-fast; by default the narrowest, on CUDA the widest.",
)
@click.option(
    "--style-size",
    type=click.IntRange(min=16),
    default=512,
    show_default=True,
    metavar="N",
    help="Longer side of the painting: smaller gives smaller strokes.",
)
@click.option(
    "--style-weight",
    type=click.FloatRange(min=0, min_open=True),
    default=12.0,
    show_default=True,
    metavar="X",
    help="Weight of the style; content has 1.",
)
@click.option("--title", default="", metavar="TEXT", help="The painting's name, for the catalogue.")
@click.option("--artist", default="", metavar="TEXT", help="Who painted it.")
@click.option("--year", default="", metavar="TEXT", help="When.")
@click.option("--rights", default="", metavar="TEXT", help="Whether it is in the public domain.")
@click.option(
    "--loss-network",
    default="vgg19",
    show_default=True,
    metavar="NAME",
    help="vgg16, vgg19 or a folder with one.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="N",
    help="Take no longer.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@click.option("-y", "--overwrite", is_flag=True, help="Learn a style of that name anew.")
@click.option(
    "--compile", "compiled", is_flag=True, help="Compile the networks: a slow start, faster steps."
)
@weights_dir_option
@verbose_option
@quiet_option
@click.pass_context
def add_command(
    context: click.Context,
    painting: tuple[Path, ...],
    name: str,
    photos: tuple[str, ...],
    modes: tuple[str, ...],
    bases: tuple[str, ...],
    style_size: int,
    style_weight: float,
    title: str,
    artist: str,
    year: str,
    rights: str,
    loss_network: str,
    minutes: float,
    device: str,
    overwrite: bool,
    compiled: bool,
    weights_dir: Path | None,
) -> None:
    """Learn the style of PAINTING, one picture or several, in minutes.

    The networks' convolutions stay as they are, so the new style blends with theirs.
    """
    for picture in painting:
        if not picture.is_file():
            raise UsageError(f"{picture} is not a file; give the picture of a painting")
    session = session_of(context)
    with stop_on_signals(say=not session.quiet, doing="step") as stop:
        from vst.device import choose_device, training_precision
        from vst.files import user_data_folder
        from vst.styles import load_catalogue
        from vst.train.add import NewStyle, add_style

        place = choose_device(device)
        new = NewStyle(
            name=name,
            images=tuple(map(str, painting)),
            size=style_size,
            weight=style_weight,
            photos=photos,
            loss_network=loss_network,
            title=title,
            artist=artist,
            year=year,
            rights=rights,
        )
        catalogue = load_catalogue(weights_dir)
        catalogue.check_free(name, overwrite)
        made = add_style(
            new,
            catalogue.bases(modes or ("itn", "vtn"), bases, widest=place.type == "cuda"),
            weights_dir or user_data_folder() / "weights",
            user_data_folder() / "training" / name,
            device=str(place),
            precision=training_precision(place),
            minutes=minutes,
            compiled=compiled,
            say=session.say,
            stop=stop,
        )
    for weights in made:
        session.result(str(weights))
    session.result(f"use it with --style {name}")
