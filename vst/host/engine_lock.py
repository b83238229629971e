"""The lock on the engine: one request works at a time."""

from __future__ import annotations

import threading
import time


class EngineLock:
    """A lock that a request can pause while it waits for a source frame.

    Meanwhile other requests may work: where effects follow each other, the host may have to render another
    one to give the frame. Requests of the same run never overlap, paused or not.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: LockRequest | None = None
        self._runs: set[str] = set()
        self._active_at = time.monotonic()

    @property
    def seconds_inactive(self) -> float:
        """Seconds since the holder last reported progress."""
        return time.monotonic() - self._active_at

    def request(self, run: str | None = None) -> LockRequest:
        """A request for the lock, not acquired yet; of a run, or of none."""
        return LockRequest(self, run)

    def _acquire(
        self, request: LockRequest, run: str | None, is_paused: bool, seconds: float | None
    ) -> bool:
        def is_free() -> bool:
            return self._holder is None and (is_paused or run not in self._runs)

        with self._changed:
            if not self._changed.wait_for(is_free, seconds):
                return False
            self._holder, self._active_at = request, time.monotonic()
            if run is not None:
                self._runs.add(run)
            return True

    def _release(self, request: LockRequest, run: str | None) -> None:
        with self._changed:
            if self._holder is request:
                self._holder = None
            if run is not None:
                self._runs.discard(run)
            self._changed.notify_all()


class LockRequest:
    """One request for the engine; see `EngineLock.request`."""

    def __init__(self, lock: EngineLock, run: str | None) -> None:
        self._lock, self._run = lock, run
        self._is_acquired = False

    def acquire(self, seconds: float | None = None) -> bool:
        """Wait for the lock, at first or after `pause`.

        Args:
            seconds: How long at most; None waits without a limit.

        Returns:
            Whether the lock was acquired.
        """
        if not self._lock._acquire(self, self._run, self._is_acquired, seconds):
            return False
        self._is_acquired = True
        return True

    def report_progress(self) -> None:
        """Reset `EngineLock.seconds_inactive`."""
        self._lock._active_at = time.monotonic()

    def pause(self) -> None:
        """Let other requests work, except those of the same run."""
        self._lock._release(self, None)

    def release(self) -> None:
        """End the request, acquired or not."""
        self._lock._release(self, self._run if self._is_acquired else None)
        self._is_acquired = False
