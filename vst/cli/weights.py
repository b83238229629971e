"""`vst weights`: the files that styles live in, and the networks that training needs."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.group import LazyGroup
from vst.cli.nearest import NearestChoice
from vst.cli.options import json_option, quiet_option, verbose_option, weights_dir_option
from vst.cli.outcome import FAILED
from vst.cli.session import session_of
from vst.cli.tables import show_table

COMMANDS = {
    "list": "vst.cli.weights:list_command",
    "verify": "vst.cli.weights:verify_command",
    "fetch": "vst.cli.weights:fetch_command",
}


@click.group("weights", cls=LazyGroup, commands_at=COMMANDS)
def weights_group() -> None:
    """List, check and fetch weight files."""


@click.command("list")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def list_command(context: click.Context, weights_dir: Path | None) -> None:
    """List the weight files that were found.

    Styles of files with the same body, which are their convolutions, can be blended with each other.
    """
    from vst.styles import load_catalogue

    session = session_of(context)
    catalogue = load_catalogue(weights_dir)
    rows = [
        {
            "file": name,
            "mode": info.mode,
            "width": info.width,
            "styles": list(info.styles),
            "steps": info.steps,
            "licence": info.licence,
            "folder": str(info.path.parent),
            "loss_network": info.loss_network,
            "recipe": info.recipe,
            "body": info.body if session.json else info.body[:8],
        }
        for name, info in sorted(catalogue.weights.items())
    ]
    if rows:
        show_table(session, ("file", "mode", "width", "body", "styles", "steps", "licence", "folder"), rows)
    else:
        where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
        session.say(f"there are no weights in {where}; give --weights-dir")
    for problem in catalogue.problems:
        session.say(f"warning: {problem}")


@click.command("verify")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def verify_command(context: click.Context, weights_dir: Path | None) -> None:
    """Check every weight file: hash, names, shapes, numbers, body."""
    from vst.styles import load_catalogue

    session = session_of(context)
    catalogue = load_catalogue(weights_dir)
    problems = catalogue.verify()
    for problem in problems:
        session.event("problem", message=problem)
        session.say(f"vst: error: {problem}")
    if problems:
        context.exit(FAILED)
    session.event("done", files=len(catalogue.weights))
    session.result(f"{len(catalogue.weights)} weight files, all as they should be")


@click.command("fetch")
@click.argument("name", type=NearestChoice(["vgg16", "vgg19"]), metavar="vgg16|vgg19")
@verbose_option
@quiet_option
@click.pass_context
def fetch_command(context: click.Context, name: str) -> None:
    """Download a loss network into torch's cache, for training.

    The licence keeps us from shipping it; torchvision gives it to everybody.
    """
    from vst.styles.loss_network import load_loss_network

    load_loss_network(name)
    session_of(context).result(f"{name} is in torch's cache and ready for 'vst train'")
