"""`vst weights`: the weight files of styles, and the networks that training and optical flow need."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.console import Console, console_of
from vst.cli.group import LazyGroup
from vst.cli.nearest import NearestChoice
from vst.cli.options import json_option, quiet_option, verbose_option, weights_dir_option
from vst.cli.outcome import FAILED
from vst.cli.tables import show_table
from vst.errors import UsageError, WeightsError

WEIGHTS_COMMANDS = {
    "list": "vst.cli.weights:list_command",
    "verify": "vst.cli.weights:verify_command",
    "fetch": "vst.cli.weights:fetch_command",
    "import": "vst.cli.weights:import_command",
    "interpolate": "vst.cli.weights:interpolate_command",
}

RAFT = ("raft-small", "raft-large")
CYCLEGAN = "cyclegan"
FETCHED = ("vgg16", "vgg19", *RAFT)


@click.group("weights", cls=LazyGroup, commands_at=WEIGHTS_COMMANDS)
def weights_group() -> None:
    """List, check, fetch, import and interpolate weight files."""


@click.command("list")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def list_command(context: click.Context, weights_dir: Path | None) -> None:
    """List the weight files.

    Styles of files with the same body (convolutions) can be blended with each other.
    """
    from vst.styles import load_catalogue

    console = console_of(context)
    catalogue = load_catalogue(weights_dir)
    rows = [
        {
            "file": name,
            "mode": info.mode if console.json or not info.luminance else f"{info.mode}, luminance",
            "width": info.width,
            "styles": list(info.styles),
            "steps": info.steps,
            "licence": info.licence,
            "folder": str(info.path.parent),
            "loss_network": info.loss_network,
            "recipe": info.recipe,
            "body": info.body if console.json else info.body[:8],
            "luminance": info.luminance,
        }
        for name, info in sorted(catalogue.weights.items())
    ]
    if rows:
        show_table(console, ("file", "mode", "width", "body", "styles", "steps", "licence", "folder"), rows)
    else:
        where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
        console.message(f"no weights in {where}; give --weights-dir")
    for problem in catalogue.problems:
        console.message(f"warning: {problem}")


@click.command("verify")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def verify_command(context: click.Context, weights_dir: Path | None) -> None:
    """Check every weight file: hash, names, shapes, values, body."""
    from vst.modes import verify_weights
    from vst.motion.estimators.refined.refinement_weights import load_refinement, refinement_path
    from vst.motion.imported.flow_weights import verify_imported
    from vst.styles import load_catalogue

    console = console_of(context)
    catalogue = load_catalogue(weights_dir)
    problems = verify_weights(catalogue)
    imported, damaged = verify_imported()
    problems += damaged
    count = len(catalogue.weights) + imported
    if refinement_path() is not None:
        count += 1
        try:
            load_refinement()
        except WeightsError as error:
            problems.append(str(error))
    for problem in problems:
        console.event("problem", message=problem)
        console.message(f"vst: error: {problem}")
    if problems:
        context.exit(FAILED)
    console.event("done", files=count)
    console.result(f"{count} weight files, all valid")


@click.command("fetch")
@click.argument("name", type=NearestChoice(FETCHED), metavar="|".join(FETCHED))
@verbose_option
@quiet_option
@click.pass_context
def fetch_command(context: click.Context, name: str) -> None:
    """Download a network into torch's cache: a VGG for training, a RAFT for optical flow.

    Their licences do not allow vst to ship them; torchvision publishes them.
    """
    if name in RAFT:
        from vst.motion.estimators.raft import fetch_raft

        fetch_raft(name)
        use = f"--flow {name}"
    else:
        from vst.styles.loss_network import load_loss_network

        load_loss_network(name)
        use = "'vst train'"
    console_of(context).result(f"{name} is in torch's cache, ready for {use}")


@click.command("import")
@click.argument("family", required=False, metavar="[flownet2|pwcnet|cyclegan]")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Name of the estimator, needed if several have the same layout; or of the style.",
)
@json_option
@verbose_option
@quiet_option
@click.pass_context
def import_command(context: click.Context, family: str | None, file: Path | None, name: str | None) -> None:
    """Import a published network for optical flow, or a generator of CycleGAN, from FILE as downloaded.

    The layout of the file tells which network it is. No code in the file is executed. Without arguments,
    list the networks that can be imported and where they are published.
    """
    console = console_of(context)
    if family is None:
        from vst.files import user_data_folder
        from vst.modes.cyclegan import published as cyclegan
        from vst.motion.imported.flow_weights import missing_weights
        from vst.motion.imported.published import PUBLISHED_WEIGHTS

        rows = [
            {
                "import": release.family,
                "files": release.files,
                "from": release.source,
                "licence": release.licence,
                "imported": [each for each in release.estimators if missing_weights(each) is None],
            }
            for release in PUBLISHED_WEIGHTS.values()
        ]
        rows.append(
            {
                "import": cyclegan.FAMILY,
                "files": cyclegan.FILES,
                "from": cyclegan.SOURCE,
                "licence": cyclegan.LICENCE,
                "imported": cyclegan.imported_styles(user_data_folder() / "weights"),
            }
        )
        show_table(console, ("import", "files", "from", "licence", "imported"), rows)
        return
    from vst.motion.imported.flow_weights import check_family, import_weights

    if family != CYCLEGAN:
        check_family(family)
    if file is None:
        raise UsageError(
            f"no file given; expected 'vst weights import {family} FILE', see 'vst weights import'"
        )
    if family == CYCLEGAN:
        _import_generator(console, file, name)
        return
    done = import_weights(family, file, name)
    console.event("imported", name=done.name, path=str(done.path))
    console.result(f"{done.name} is imported, ready for --flow {done.name} ({done.path})")
    if name is None:
        for other in done.same_network:
            console.note(f"{other} has the same layout; if the file is its, import it with --as {other}")


@click.command("interpolate")
@click.argument("start", type=click.Path(path_type=Path))
@click.argument("end", type=click.Path(path_type=Path))
@click.option("--share", type=float, default=0.5, show_default=True, metavar="X", help="Of END, 0 to 1.")
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file that END was trained from, if not START: what training changed is added to START.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The file to write.")
@json_option
@verbose_option
@quiet_option
@click.pass_context
def interpolate_command(
    context: click.Context, start: Path, end: Path, share: float, base: Path | None, output: Path
) -> None:
    """Write the network between START and END, which was trained from it.

    A vtn that was trained from an itn is steadier than that and has less style; between the two are
    networks that have nearly all of both.

    With --base, START is another network that was trained from the same file, such as a wider itn: with
    --share 1 it becomes a vtn without training.
    """
    from vst.modes.interpolation import interpolate_weights

    info = interpolate_weights(start, end, share, output, base)
    console = console_of(context)
    console.event("written", path=str(output), mode=info.mode, styles=list(info.styles))
    console.result(f"{output}: mode {info.mode}, {', '.join(info.styles)}")


def _import_generator(console: Console, file: Path, name: str | None) -> None:
    from vst.files import user_data_folder
    from vst.modes.cyclegan.published import import_generator

    if name is None:
        raise UsageError(f"no name for the style of {file}; add --as NAME, which is typed after --style")
    path = import_generator(file, user_data_folder() / "weights", name)
    console.event("imported", name=name, path=str(path))
    console.result(f"{name} is imported, ready for --mode cyclegan --style {name} ({path})")
