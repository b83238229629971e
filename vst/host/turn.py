"""Whose turn it is to use the engine."""

from __future__ import annotations

import threading
import time


class Turns:
    """One request works at a time, and of one run the next begins when the last has ended.

    A request that waits for a frame lets others work meanwhile: where effects follow each other, the host
    may have to ask for another one's painting to give that frame.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working: Turn | None = None
        self._runs: set[str] = set()
        self._since = time.monotonic()

    @property
    def still(self) -> float:
        """Seconds since who works was last heard of."""
        return time.monotonic() - self._since

    def turn(self, run: str | None = None) -> Turn:
        """A turn that is still to be waited for, of a run or of none."""
        return Turn(self, run)

    def _take(self, turn: Turn, run: str | None, begun: bool, seconds: float | None) -> bool:
        def free() -> bool:
            return self._working is None and (begun or run not in self._runs)

        with self._changed:
            if not self._changed.wait_for(free, seconds):
                return False
            self._working, self._since = turn, time.monotonic()
            if run is not None:
                self._runs.add(run)
            return True

    def _leave(self, turn: Turn, run: str | None) -> None:
        with self._changed:
            if self._working is turn:
                self._working = None
            if run is not None:
                self._runs.discard(run)
            self._changed.notify_all()


class Turn:
    """One request's turn."""

    def __init__(self, turns: Turns, run: str | None) -> None:
        self._turns, self._run = turns, run
        self._begun = False

    def take(self, seconds: float | None = None) -> bool:
        """Wait so many seconds to work, at first or again; whether it is this one's turn."""
        if not self._turns._take(self, self._run, self._begun, seconds):
            return False
        self._begun = True
        return True

    def tell(self) -> None:
        """It goes on."""
        self._turns._since = time.monotonic()

    def pause(self) -> None:
        """Let others work, but no request of the same run."""
        self._turns._leave(self, None)

    def end(self) -> None:
        """The request is over, whether or not its turn has come."""
        self._turns._leave(self, self._run if self._begun else None)
        self._begun = False
