"""The output of one command: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vst.cli.outcome import INTERRUPTED
from vst.cli.printable import printable
from vst.cli.streams import CLOSED, CheckedOutput, OutputError, drop_output
from vst.errors import UsageError
from vst.stream_paths import is_stdout

if TYPE_CHECKING:
    from rich.console import Console as RichConsole


class Console:
    """Prints as ``--verbose``, ``--quiet`` and ``--json`` demand.

    Attributes:
        verbosity: −1 with ``-q``, 0, 1 with ``-v``, 2 with ``-vv``.
        json: One JSON object a line on stdout, and nothing else there.
        lost_output: Why a result could not be printed, if so. The work goes on, and the command fails at
            its end.
    """

    def __init__(self) -> None:
        self.verbosity = 0
        self.json = False
        self.lost_output: OutputError | None = None
        self._stdout_is_free = True

    def leave_stdout_to(self, output: Path | None) -> None:
        """Print nothing on stdout if it is the output of the command.

        Raises:
            UsageError: With --json, which is printed there.
            OutputError: If stdout is closed.
        """
        if output is None or not is_stdout(output):
            return
        if self.json:
            raise UsageError("--json and the video would both go to standard output: leave one of them out")
        if isinstance(sys.stdout, CheckedOutput) and sys.stdout.is_closed:
            raise OutputError(CLOSED)
        self._stdout_is_free = False

    @cached_property
    def stderr(self) -> RichConsole:
        """Rich's console on stderr; it respects ``NO_COLOR``."""
        from rich.console import Console as RichConsole

        return RichConsole(stderr=True, highlight=False)

    @property
    def quiet(self) -> bool:
        """Whether only errors are printed."""
        return self.verbosity < 0

    @property
    def on_terminal(self) -> bool:
        """Whether stderr is a terminal that can show a moving bar."""
        return sys.stderr.isatty()

    def message(self, line: str) -> None:
        """Print a line on stderr, unless -q was given."""
        if not self.quiet:
            self.stderr.print(printable(line), markup=False, soft_wrap=True)

    def result(self, line: str) -> None:
        """Print a result on stdout, or on stderr if stdout has something else; nothing with -q."""
        if self.json or not self._stdout_is_free:
            self.message(line)
        elif not self.quiet:
            self._print(printable(line))

    def event(self, kind: str, **values: Any) -> None:
        """Print one JSON object on stdout; nothing without --json."""
        if self.json:
            self._print(json.dumps({"event": kind, **values}))

    def _print(self, line: str) -> None:
        """Print a line on stdout, unless an earlier one could not be printed."""
        if self.lost_output is not None:
            return
        try:
            click.echo(line)
            sys.stdout.flush()
        except BrokenPipeError:
            drop_output()
            self.lost_output = OutputError("nobody reads standard output any longer: redirect it to a file")
        except OutputError as error:
            drop_output()
            self.lost_output = error

    def note(self, message: str) -> None:
        """Print a note about a result."""
        self.event("note", message=message)
        self.message(f"note: {message}")

    def error(self, message: str, code: int, cause: BaseException | None = None) -> None:
        """Print the error that ends the command; with -vv also its traceback."""
        self.event("error", message=message, exit_code=code)
        if cause is not None and self.verbosity >= 2:
            click.echo("".join(traceback.format_exception(cause)).rstrip(), err=True)
        if code != INTERRUPTED:
            message = f"error: {message}"
        elif self.quiet:
            return
        elif not message.startswith("stopped"):
            message = f"stopped: {message}"
        click.echo(printable(f"vst: {message}"), err=True)

    def start_logging(self) -> None:
        """Print the log from the level that -v and -q select."""
        level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(self.verbosity, logging.DEBUG)
        logging.captureWarnings(True)
        logging.getLogger("vst").setLevel(level)
        root = logging.getLogger()
        for handler in root.handlers[:]:
            if isinstance(handler, _LogLines):
                root.removeHandler(handler)
        root.addHandler(_LogLines(self))


class _LogLines(logging.Handler):
    """Prints log records on stderr, those of other libraries only with -v."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name == "vst" or record.name.startswith("vst.")
        if not ours and self._console.verbosity < 1:
            return
        text = printable(record.getMessage())
        prefix = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        try:
            self._console.stderr.print(f"vst: {prefix}{text}", markup=False, soft_wrap=True)
        except (OSError, ValueError):  # stderr is closed; a log line is no reason to fail
            self.handleError(record)


def console_of(context: click.Context) -> Console:
    """The console of the running command."""
    return context.ensure_object(Console)
