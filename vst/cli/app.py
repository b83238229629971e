"""The program: its commands and its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from vst import __version__
from vst.cli.console import Console
from vst.cli.group import LazyGroup
from vst.cli.outcome import FAILED, INTERRUPTED, describe, exit_code_of
from vst.cli.spelling import american
from vst.cli.streams import OutputError, check_streams, drop_output
from vst.errors import VstError
from vst.lazy import freeze_imports
from vst.process import prepare_process

COMMANDS = {
    "render": "vst.cli.render:render_command",
    "batch": "vst.cli.batch:batch_command",
    "texture": "vst.cli.texture:texture_command",
    "reconstruct": "vst.cli.reconstruct:reconstruct_command",
    "sheet": "vst.cli.ratio_sheet:sheet_command",
    "plan": "vst.cli.plan:plan_command",
    "segment": "vst.cli.segment:segment_command",
    "join": "vst.cli.join:join_command",
    "styles": "vst.cli.styles:styles_command",
    "style": "vst.cli.style:style_group",
    "modes": "vst.cli.modes:modes_command",
    "weights": "vst.cli.weights:weights_group",
    "export": "vst.cli.export:export_command",
    "mask": "vst.cli.mask:mask_command",
    "flow": "vst.cli.flow:flow_command",
    "compare": "vst.cli.compare:compare_command",
    "evaluate": "vst.cli.evaluate:evaluate_command",
    "evaluate-flow": "vst.cli.evaluate_flow:evaluate_flow_command",
    "evaluate-sintel": "vst.cli.evaluate_sintel:evaluate_sintel_command",
    "train": "vst.cli.train:train_group",
    "plugin": "vst.cli.plugin:plugin_group",
    "probe": "vst.cli.probe:probe_command",
    "doctor": "vst.cli.doctor:doctor_command",
}
"""Command name -> ``"module:attribute"``. A new command is a new file and one entry here."""


@click.group(
    cls=LazyGroup,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": american},
)
@click.version_option(__version__, prog_name="vst", message="%(prog)s %(version)s")
def vst() -> None:
    """Video style transfer without flicker, for videos, pictures and image sequences."""
    try:
        os.getcwd()
    except OSError as error:
        # The arithmetic libraries end the process in such a folder.
        reason = (error.strerror or str(error)).lower()
        raise VstError(
            f"the current folder cannot be used: {reason}; change to another one (cd)"
        ) from error


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every error becomes one line on stderr.

    Args:
        arguments: What follows the program's name; None takes the process's own.

    Returns:
        The exit code: 0 done, 1 failed, 2 bad usage, 3 some of a batch failed, 130 interrupted.
    """
    console = Console()
    try:
        code = vst.main(args=arguments, prog_name="vst", standalone_mode=False, obj=console)
        sys.stdout.flush()
        if console.lost_output is None:
            return code if isinstance(code, int) else 0
        error: Exception = console.lost_output
    except BrokenPipeError:
        drop_output()
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as caught:  # no traceback reaches a user, whatever the error is
        error = caught
    if isinstance(error, OutputError):
        drop_output()
    console.error(describe(error), exit_code_of(error), error)
    return exit_code_of(error)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point: run one command and exit with its code."""
    prepare_process()
    freeze_imports()
    check_streams()
    sys.exit(run(arguments))
