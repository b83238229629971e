"""Free space on the disks that a render writes to. When it runs low, the render pauses before it fails."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from vst.errors import Interrupted, MediaError
from vst.sizes import size_in_words

_log = logging.getLogger(__name__)

MIN_FREE = 256 * 2**20
"""Bytes that stay free by default: some seconds of lossless video."""

MAX_WAIT = 3600.0
"""Seconds that a render waits for free space before it fails."""

_CHECK_INTERVAL = 1.0
"""Seconds between two checks of the disks."""


class DiskSpace:
    """Monitors the free space of the folders that a render writes to.

    Args:
        work: The folder of the encoded segments.
        output: The folder of the finished file.
        min_free: Bytes that have to stay free; 0 disables the checks.
        stop: Set to end a pause.
        max_wait: Seconds to wait for free space.
    """

    def __init__(
        self,
        work: Path,
        output: Path,
        min_free: int = MIN_FREE,
        *,
        stop: threading.Event | None = None,
        max_wait: float = MAX_WAIT,
    ) -> None:
        self._work, self._output, self._min_free, self._max_wait = work, output, min_free, max_wait
        self._stop = stop or threading.Event()
        self._checked = float("-inf")

    def check(self) -> None:
        """Check the free space before a render begins.

        Raises:
            MediaError: If there is too little in one of the folders.
        """
        shortage = self._shortage(0)
        if shortage is not None:
            raise MediaError(f"{shortage}: free some space, or lower the limit with --min-free")

    def wait(self, output_bytes: Callable[[], int], *, immediately: bool = False) -> None:
        """Return as soon as there is enough free space, usually without waiting.

        Args:
            output_bytes: The size of the finished file, which is written beside the work folder; called
                only when the disks are checked.
            immediately: Check even if the last check was less than a second ago.

        Raises:
            MediaError: If there is too little for `max_wait` seconds.
            Interrupted: If `stop` is set meanwhile.
        """
        now = time.monotonic()
        if not self._min_free or (now - self._checked < _CHECK_INTERVAL and not immediately):
            return
        self._checked = now
        needed = output_bytes()
        shortage = self._shortage(needed)
        if shortage is None:
            return
        _log.warning("paused: %s; continues when there is enough free space", shortage)
        while shortage is not None:
            if time.monotonic() - now > self._max_wait:
                raise MediaError(
                    f"{shortage}, and no space was freed within {self._max_wait / 60:.0f} minutes: "
                    "free some space and run it again"
                )
            if self._stop.wait(_CHECK_INTERVAL):
                raise Interrupted("stopped while waiting for free disk space")
            shortage = self._shortage(needed)
        _log.warning("enough free disk space: continuing")

    def _shortage(self, needed: int) -> str | None:
        """Which folder has too little free space, as text; None if all have enough."""
        if not self._min_free:
            return None
        same = _device(self._work) == _device(self._output)
        for folder, more in ((self._output, needed), *(() if same else ((self._work, 0),))):
            free = _free(folder)
            if free is not None and free < self._min_free + more:
                # Two decimals, because the two sizes are often close.
                has, needs = (size_in_words(each, decimals=2) for each in (free, self._min_free + more))
                return f"{has} are free in {folder.absolute()}, {needs} are needed"
        return None


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    folder = folder.absolute()
    return next((each for each in (folder, *folder.parents) if each.is_dir()), folder)


def _device(folder: Path) -> int | None:
    try:
        return os.stat(_existing(folder)).st_dev
    except OSError:
        return None


def _free(folder: Path) -> int | None:
    """Bytes that this user may still write; None if unknown."""
    try:
        return shutil.disk_usage(_existing(folder)).free
    except OSError:
        return None
