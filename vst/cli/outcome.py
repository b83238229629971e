"""Exit codes, and the error message of an exception."""

from __future__ import annotations

import click

from vst.cli.printable import printable
from vst.errors import VstError, nearest

DONE, FAILED, BAD_USAGE, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def exit_code_of(error: BaseException) -> int:
    """The exit code for an exception."""
    if isinstance(error, VstError | click.ClickException | click.exceptions.Exit):
        return error.exit_code
    return FAILED


def describe(error: BaseException) -> str:
    """One line for the user, without a traceback."""
    if isinstance(error, click.UsageError):
        return printable(_one_line(_usage(error)))
    if isinstance(error, click.ClickException):
        return printable(_one_line(error.format_message()))
    if isinstance(error, VstError):
        return printable(str(error))
    if isinstance(error, MemoryError):
        return "out of memory: make the output smaller with --size or --scale"
    kind = type(error).__name__
    return _one_line(f"internal error ({kind}: {error}); run again with -vv and report it")


def _usage(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        parameters = error.ctx.command.get_params(error.ctx) if error.ctx else []
        names = [name for each in parameters for name in each.opts if name.startswith("-")]
        near = nearest(error.option_name, names)
        message = f"no such option {error.option_name}" + (f": did you mean '{near}'?" if near else "")
    else:
        message = error.format_message().rstrip(".")
        message = message[:1].lower() + message[1:]
    where = error.ctx.command_path if error.ctx else "vst"
    return f"{message} (see '{where} --help')"


def _one_line(text: str) -> str:
    return " ".join(text.split())
