"""`vst plugin`: compile, install and check the plugins for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vst.cli.console import console_of
from vst.cli.nearest import NearestChoice
from vst.cli.options import json_option, quiet_option, verbose_option
from vst.cli.outcome import FAILED
from vst.cli.tables import show_table

if TYPE_CHECKING:
    from vst.host.plugin_install import PluginFolders

_PATH = click.Path(path_type=Path)


def _folders(system: bool, ofx: Path | None, frei0r: Path | None) -> PluginFolders:
    from vst.host.plugin_install import PluginFolders, system_folders, user_folders

    defaults = system_folders() if system else user_folders()
    return PluginFolders(ofx or defaults.ofx, frei0r or defaults.frei0r, defaults.kdenlive)


_system = click.option("--system", is_flag=True, help="For all users, in system folders; requires root.")
_ofx = click.option("--ofx-folder", type=_PATH, metavar="FOLDER", help="Folder of OpenFX plugins.")
_frei0r = click.option("--frei0r-folder", type=_PATH, metavar="FOLDER", help="Folder of frei0r filters.")


@click.group("plugin")
def plugin_group() -> None:
    """Plugins for editors: OpenFX (Natron, Nuke, Resolve) and frei0r (Kdenlive, Shotcut, ffmpeg)."""


@plugin_group.command("build")
@click.option(
    "-o", "--output", type=_PATH, default=Path("plugins-built"), show_default=True, metavar="FOLDER"
)
@click.option(
    "--sanitize",
    type=NearestChoice(["address", "thread"]),
    help="Compile with a sanitizer, for tests.",
)
@json_option
@quiet_option
@verbose_option
@click.pass_context
def build_command(context: click.Context, output: Path, sanitize: str | None) -> None:
    """Compile the plugins and their test host. Requires a C compiler."""
    from vst.host.plugin_build import build

    console = console_of(context)
    built = build(output, sanitizer=sanitize)
    console.result(f"{output}: {built.ofx.name}, {built.frei0r.name}, {built.host.name}")
    console.event("done", ofx=str(built.ofx), frei0r=str(built.frei0r), host=str(built.host))


@plugin_group.command("install")
@_system
@_ofx
@_frei0r
@json_option
@quiet_option
@verbose_option
@click.pass_context
def install_command(
    context: click.Context, system: bool, ofx_folder: Path | None, frei0r_folder: Path | None
) -> None:
    """Install both plugins.

    Run it again after adding styles, updating vst or moving its Python.
    """
    from vst.findings import OK
    from vst.host.plugin_check import check
    from vst.host.plugin_install import install

    console = console_of(context)
    folders = _folders(system, ofx_folder, frei0r_folder)
    for path in install(folders):
        console.result(str(path))
        console.event("installed", path=str(path))
    for finding in check(folders):
        if finding.state != OK:
            console.note(finding.value)


@plugin_group.command("uninstall")
@_system
@_ofx
@_frei0r
@json_option
@quiet_option
@verbose_option
@click.pass_context
def uninstall_command(
    context: click.Context, system: bool, ofx_folder: Path | None, frei0r_folder: Path | None
) -> None:
    """Remove the installed plugins."""
    from vst.host.plugin_install import uninstall

    console = console_of(context)
    removed = uninstall(_folders(system, ofx_folder, frei0r_folder))
    for path in removed:
        console.result(f"removed {path}")
        console.event("removed", path=str(path))
    if not removed:
        console.message("no plugin is installed there")


@plugin_group.command("check")
@_system
@_ofx
@_frei0r
@json_option
@verbose_option
@click.pass_context
def check_command(
    context: click.Context, system: bool, ofx_folder: Path | None, frei0r_folder: Path | None
) -> None:
    """Check the installed plugins: load them as a host does and render a frame.

    The exit code is 1 if something is broken.
    """
    from vst.findings import BROKEN
    from vst.host.plugin_check import check

    given = system or ofx_folder or frei0r_folder
    findings = check(_folders(system, ofx_folder, frei0r_folder) if given else None)
    rows = [{"check": each.check, "state": each.state, "value": each.value} for each in findings]
    show_table(console_of(context), ("check", "state", "value"), rows)
    if any(each.state == BROKEN for each in findings):
        context.exit(FAILED)
