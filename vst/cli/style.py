"""`vst style`: styles of the user."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.console import console_of
from vst.cli.nearest import NearestChoice
from vst.cli.options import device_option, quiet_option, verbose_option, weights_dir_option
from vst.cli.signals import stop_on_signals
from vst.errors import UsageError
from vst.modes.registry import network_mode_names
from vst.styles.blend import split_mask


@click.group("style")
def style_group() -> None:
    """Add a style of your own."""


@style_group.command("add")
@click.argument("painting", nargs=-1, required=True)
@click.option("--name", required=True, metavar="NAME", help="Name of the style.")
@click.option(
    "--photos",
    multiple=True,
    metavar="PATH",
    help="Folder or tar file of training photographs; synthetic pictures by default.",
)
@click.option(
    "--mode",
    "modes",
    type=NearestChoice(list(network_mode_names())),
    multiple=True,
    metavar="|".join(network_mode_names()),
    help="Mode to add it to; itn and vtn by default.",
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
    help="Longer side of the painting in pixels; smaller gives finer strokes.",
)
@click.option(
    "--style-weight",
    type=click.FloatRange(min=0, min_open=True),
    default=12.0,
    show_default=True,
    metavar="X",
    help="Weight of the style loss; that of the content loss is 1.",
)
@click.option("--title", default="", metavar="TEXT", help="Title of the painting, for the catalogue.")
@click.option("--artist", default="", metavar="TEXT", help="Artist of the painting.")
@click.option("--year", default="", metavar="TEXT", help="Year of the painting.")
@click.option("--rights", default="", metavar="TEXT", help="Rights of the painting, in words.")
@click.option("--public-domain", is_flag=True, help="The painting is in the public domain.")
@click.option(
    "--loss-network",
    default="vgg19",
    show_default=True,
    metavar="NAME",
    help="vgg16, vgg19, or a folder that contains one.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="N",
    help="Longest training time.",
)
@device_option
@click.option("-y", "--overwrite", is_flag=True, help="Replace a style of that name.")
@click.option(
    "--compile", "compiled", is_flag=True, help="Compile the networks: slower start, faster steps."
)
@weights_dir_option
@verbose_option
@quiet_option
@click.pass_context
def add_command(
    context: click.Context,
    painting: tuple[str, ...],
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
    public_domain: bool,
    loss_network: str,
    minutes: float,
    device: str,
    overwrite: bool,
    compiled: bool,
    weights_dir: Path | None,
) -> None:
    """Add the style of PAINTING, one picture or several, by a few minutes of training.

    PAINTING@MASK learns what is white in a picture MASK.

    Only the style's parameters are trained, so the new style blends with those of the same weight file.
    """
    for path in (each for given in painting for each in split_mask(given) if each is not None):
        if not Path(path).is_file():
            raise UsageError(f"{path} is not a file; give a picture of a painting, or PAINTING@MASK")
    console = console_of(context)
    with stop_on_signals(report=not console.quiet, doing="step") as stop:
        from vst.device import choose_device, training_precision
        from vst.files import user_data_folder
        from vst.modes.recipe import style_recipe_class
        from vst.styles import load_catalogue
        from vst.train.add import NewStyle, add_style

        for mode in modes:
            style_recipe_class(mode)  # refuses one that does not learn from single paintings
        chosen = choose_device(device)
        new = NewStyle(
            name=name,
            images=painting,
            size=style_size,
            weight=style_weight,
            photos=photos,
            loss_network=loss_network,
            title=title,
            artist=artist,
            year=year,
            rights=rights,
            public_domain=public_domain,
        )
        catalogue = load_catalogue(weights_dir)
        catalogue.check_free(name, overwrite)
        made = add_style(
            new,
            catalogue.bases(modes or ("itn", "vtn"), bases, widest=chosen.type == "cuda"),
            weights_dir or user_data_folder() / "weights",
            user_data_folder() / "training" / name,
            device=str(chosen),
            precision=training_precision(chosen),
            minutes=minutes,
            compiled=compiled,
            say=console.message,
            stop=stop,
        )
    for weights in made:
        console.result(str(weights))
    console.result(f"to use it: --style {name}")
