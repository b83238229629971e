"""Where text goes during one run of the command: stdout for results, stderr for all else."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from vst.cli.outcome import INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console


class Session:
    """What the common options say, and the output that follows from it.

    Attributes:
        verbosity: −1 with ``-q``, 0, 1 with ``-v``, 2 with ``-vv``.
        json: One JSON object a line on stdout, and nothing else there.
    """

    def __init__(self) -> None:
        self.verbosity = 0
        self.json = False

    @cached_property
    def console(self) -> Console:
        """Rich's console on stderr; it minds ``NO_COLOR`` by itself."""
        from rich.console import Console

        return Console(stderr=True, highlight=False)

    @property
    def quiet(self) -> bool:
        """Only errors are wanted."""
        return self.verbosity < 0

    @property
    def on_terminal(self) -> bool:
        """Whether stderr is a terminal that can show a moving bar."""
        return sys.stderr.isatty()

    def say(self, line: str) -> None:
        """A line on stderr, unless -q was given."""
        if not self.quiet:
            self.console.print(line, markup=False, soft_wrap=True)

    def result(self, line: str) -> None:
        """A line that the command was run for: on stdout, unless JSON is there or -q was given."""
        if self.json:
            self.say(line)
        elif not self.quiet:
            click.echo(line)

    def event(self, kind: str, **values: Any) -> None:
        """One JSON object on stdout; nothing without --json."""
        if self.json:
            click.echo(json.dumps({"event": kind, **values}))
            sys.stdout.flush()

    def note(self, message: str) -> None:
        """Something the user should know about a result."""
        self.event("note", message=message)
        self.say(f"note: {message}")

    def error(self, message: str, code: int, cause: BaseException | None = None) -> None:
        """The line with which the command ends; with -vv also where it came from."""
        self.event("error", message=message, exit_code=code)
        if cause is not None and self.verbosity >= 2:
            click.echo("".join(traceback.format_exception(cause)).rstrip(), err=True)
        if not (code == INTERRUPTED and self.quiet):
            click.echo(f"vst: {'stopped' if code == INTERRUPTED else 'error'}: {message}", err=True)

    def start_logging(self) -> None:
        """Let the log through as far as -v and -q say."""
        level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(self.verbosity, logging.DEBUG)
        logging.captureWarnings(True)
        logging.getLogger("vst").setLevel(level)
        root = logging.getLogger()
        for handler in root.handlers[:]:
            if isinstance(handler, _LogLines):
                root.removeHandler(handler)
        root.addHandler(_LogLines(self))


class _LogLines(logging.Handler):
    """Log records as lines on stderr; what other libraries log only with -v."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name == "vst" or record.name.startswith("vst.")
        if not ours and self._session.verbosity < 1:
            return
        text = " ".join(record.getMessage().split())
        prefix = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        try:
            self._session.console.print(f"vst: {prefix}{text}", markup=False, soft_wrap=True)
        except (OSError, ValueError):  # stderr is gone; a log line is not worth failing for
            self.handleError(record)


def session_of(context: click.Context) -> Session:
    """The session of the running command."""
    return context.ensure_object(Session)
