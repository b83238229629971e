"""`vst doctor`: what works on this machine, and what is missing."""

from __future__ import annotations

from pathlib import Path

import click

from vst.cli.console import console_of
from vst.cli.options import json_option, verbose_option, weights_dir_option
from vst.cli.outcome import FAILED
from vst.cli.tables import show_table


@click.command("doctor")
@weights_dir_option
@json_option
@verbose_option
@click.pass_context
def doctor_command(context: click.Context, weights_dir: Path | None) -> None:
    """Report what works on this machine.

    The exit code is 1 if something essential does not work.
    """
    from vst.cli.diagnosis import examine
    from vst.findings import BROKEN

    findings = examine(weights_dir)
    rows = [{"check": each.check, "state": each.state, "value": each.value} for each in findings]
    show_table(console_of(context), ("check", "state", "value"), rows)
    if any(each.state == BROKEN for each in findings):
        context.exit(FAILED)
