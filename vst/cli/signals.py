"""Ctrl-C and its kin: the first asks, the second insists."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from vst.cli.outcome import INTERRUPTED


@contextlib.contextmanager
def stop_on_signals(say: bool = True, doing: str = "frame") -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second ends the process at once.

    Args:
        say: Tell the user, on stderr, that the first one was heard.
        doing: What is still finished then.
    """
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()
        if say:
            # Not print(): the signal may have come in the middle of one.
            with contextlib.suppress(OSError):
                os.write(2, f"\nvst: stopping after this {doing}; once more to stop at once\n".encode())

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interrupt_on_terminate() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does: it raises KeyboardInterrupt."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
