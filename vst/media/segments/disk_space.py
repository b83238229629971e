"""Room on the disks that a render writes to: when it gets little, the render waits before it fails."""

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
"""Bytes that stay free, unless another number is asked for: some seconds of lossless video."""

PATIENCE = 3600.0
"""Seconds that a render waits for room: long enough for somebody to come by, not for ever."""

_EVERY = 1.0
"""Seconds between two looks at the disks."""


class DiskRoom:
    """Watches over the free space of the folders that a render writes to.

    Args:
        work: The folder that gets what is encoded.
        output: The folder that gets the whole in the end.
        least: Bytes that have to stay free; 0 watches nothing.
        stop: Set by a user who does not want to wait.
        patience: Seconds that are waited for room.
    """

    def __init__(
        self,
        work: Path,
        output: Path,
        least: int = MIN_FREE,
        *,
        stop: threading.Event | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._work, self._output, self._least, self._patience = work, output, least, patience
        self._stop = stop or threading.Event()
        self._looked = float("-inf")

    def check(self) -> None:
        """Refuse to begin where there is too little room.

        Raises:
            MediaError: Says which folder has how much.
        """
        short = self._short(0)
        if short is not None:
            raise MediaError(f"{short}: free some space, or ask for less with --min-free")

    def wait(self, again: Callable[[], int], at_once: bool = False) -> None:
        """Come back when there is room; mostly right away.

        Args:
            again: How many bytes the output will take beside what is in the work folder; asked for only now
                and then.
            at_once: Look at the disks in any case, however short ago that was.

        Raises:
            MediaError: If there is none for `patience` seconds.
            Interrupted: If the user stops meanwhile.
        """
        now = time.monotonic()
        if not self._least or (now - self._looked < _EVERY and not at_once):
            return
        self._looked = now
        wanted = again()
        short = self._short(wanted)
        if short is None:
            return
        _log.warning("paused: %s; it goes on when there is room", short)
        while short is not None:
            if time.monotonic() - now > self._patience:
                raise MediaError(
                    f"{short}, and no more came within {self._patience / 60:.0f} minutes: free some space "
                    "and run it again"
                )
            if self._stop.wait(_EVERY):
                raise Interrupted("stopped while it waited for room on the disk")
            short = self._short(wanted)
        _log.warning("there is room again: going on")

    def _short(self, wanted: int) -> str | None:
        """What is missing, in words."""
        if not self._least:
            return None
        same = _device(self._work) == _device(self._output)
        for folder, more in ((self._output, wanted), *(() if same else ((self._work, 0),))):
            free = _free(folder)
            if free is not None and free < self._least + more:
                # What is free is often just below what is wanted.
                there, needed = (size_in_words(each, decimals=2) for each in (free, self._least + more))
                return f"{there} are free in {folder.absolute()}, {needed} are wanted"
        return None


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.absolute()
    return next((each for each in (folder, *folder.parents) if each.is_dir()), folder)


def _device(folder: Path) -> int | None:
    try:
        return os.stat(_existing(folder)).st_dev
    except OSError:
        return None


def _free(folder: Path) -> int | None:
    """Bytes that this user may still write; None where the system does not say."""
    try:
        return shutil.disk_usage(_existing(folder)).free
    except OSError:
        return None
