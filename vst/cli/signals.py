"""SIGINT and SIGTERM: the first stops cleanly, the second at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from vst.cli.outcome import INTERRUPTED


@contextlib.contextmanager
def stop_on_signals(report: bool = True, doing: str = "frame") -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second ends the process at once.

    Args:
        report: Print a message on stderr after the first signal.
        doing: The unit of work that is finished first, for the message.
    """
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()
        if report:
            # Not print(): the signal may arrive during another one.
            with contextlib.suppress(OSError):
                os.write(2, f"\nvst: stopping after this {doing}; again to stop at once\n".encode())

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interrupt_on_terminate() -> Iterator[None]:
    """Make SIGTERM raise KeyboardInterrupt, as Ctrl-C does."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
