"""Small files in the user's cache folder: compiled kernels, and what was measured on this machine."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_log = logging.getLogger(__name__)

_HELD_ERRORS = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
_POLL = 0.05
"""Seconds between two attempts to take a lock."""

_DIGEST = hashlib.sha256().digest_size


def cache_folder(kind: str) -> Path | None:
    """The folder of entries of a kind, such as `kernels`; None if the user has no home folder.

    ``vst/KIND`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, on Windows in ``%LOCALAPPDATA%``.
    """
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    return Path(base, "vst", kind) if os.path.isabs(base) else None


def read(kind: str, name: str) -> bytes | None:
    """Read an entry; None if there is none, it is damaged, or others may write to the folder."""
    folder = cache_folder(kind)
    if folder is None or not _private(folder):
        return None
    try:
        entry = (folder / name).read_bytes()
    except OSError:
        return None
    digest, content = entry[:_DIGEST], entry[_DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        _log.info("cache entry %s is damaged, and made anew", folder / name)
        return None
    return content


def write(kind: str, name: str, content: bytes) -> None:
    """Write an entry atomically, readable and writable by the user alone. A failure is only logged."""
    folder = cache_folder(kind)
    if folder is None:
        return
    try:
        if not _make(folder):
            return
        # mkstemp creates a file for the user alone.
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(temporary, folder / name)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        _log.info("not caching in %s: %s", folder, error)


@contextmanager
def locked(kind: str, patience: float = 60) -> Iterator[None]:
    """Wait until no other process is in this context, and keep others waiting until it ends.

    Without a cache folder, or on a disk without file locks, nothing is locked.

    Args:
        kind: Of entries.
        patience: Seconds to wait at most; then the context is entered nonetheless. The other process may be
            stopped.
    """
    folder = cache_folder(kind)
    with ExitStack() as stack:
        with suppress(OSError):
            if folder is not None and _make(folder):
                file = stack.enter_context((folder / ".lock").open("ab"))
                _wait_for(file.fileno(), patience)
        yield


def _wait_for(descriptor: int, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            _take(descriptor)
            return
        except OSError as error:
            if error.errno not in _HELD_ERRORS:
                raise
        time.sleep(_POLL)


def _make(folder: Path) -> bool:
    """Make the folder; False if other users can write to it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _private(folder):
        return True
    _log.info("not caching in %s, since other users may write there", folder)
    return False


def _private(folder: Path) -> bool:
    """Whether no other user can write to the folder."""
    if sys.platform == "win32":
        return True  # %LOCALAPPDATA% belongs to the user
    try:
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
