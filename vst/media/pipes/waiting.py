"""Waiting for a pipe in steps, so that a user can stop it."""

from __future__ import annotations

import logging
import select
import threading
import time
from pathlib import Path

from vst.errors import Interrupted

_log = logging.getLogger(__name__)

STEP = 0.1
"""Seconds between two checks whether the user has stopped."""

QUIET = 3.0
"""Seconds of waiting after which a message says so, once for each pipe."""


class PipeWait:
    """Waits until a pipe can be read, written or opened.

    Args:
        path: For messages.
        waits_for: What is waited for, for messages.
        stop: Ends the waiting once it is set.
    """

    def __init__(self, path: Path, waits_for: str, stop: threading.Event | None) -> None:
        self._path, self._waits_for, self._stop = path, waits_for, stop
        self._waited = 0.0

    def check(self) -> None:
        """Check whether to go on waiting; Ctrl-C, where nothing else handles it, ends it too.

        Raises:
            Interrupted: The user has stopped.
        """
        if self._stop is not None and self._stop.is_set():
            raise Interrupted(f"stopped while waiting for {self._waits_for} {self._path}")

    def pause(self) -> None:
        """One step of waiting.

        Raises:
            Interrupted: The user has stopped.
        """
        try:
            time.sleep(STEP)
        except KeyboardInterrupt:
            raise self._interrupted() from None
        self._count()

    def ready(self, descriptor: int, writing: bool = False) -> bool:
        """Wait for one step, and say whether the pipe is ready, or at its end.

        Raises:
            Interrupted: The user has stopped.
        """
        if not hasattr(select, "poll"):  # Windows: a read or a write waits by itself
            return True
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
            if poll.poll(STEP * 1000):
                return True
        except KeyboardInterrupt:
            # libav calls this; only an Exception passes through it.
            raise self._interrupted() from None
        self._count()
        return False

    def _count(self) -> None:
        self.check()
        before, self._waited = self._waited, self._waited + STEP
        if before < QUIET <= self._waited:
            _log.warning("waiting for %s %s", self._waits_for, self._path)

    def _interrupted(self) -> Interrupted:
        return Interrupted(f"stopped while waiting for {self._waits_for} {self._path}")
