"""The cache of compiled kernels in the user's cache folder."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
import tempfile
from pathlib import Path

_log = logging.getLogger(__name__)

_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path | None:
    """The folder of compiled kernels; None if the user has no home folder.

    ``vst/kernels`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, on Windows in ``%LOCALAPPDATA%``.
    """
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    return Path(base, "vst", "kernels") if os.path.isabs(base) else None


def read(name: str) -> bytes | None:
    """Read an entry; None if there is none, it is damaged, or others may write to the folder."""
    folder = cache_folder()
    if folder is None or not _private(folder):
        return None
    try:
        entry = (folder / name).read_bytes()
    except OSError:
        return None
    digest, content = entry[:_DIGEST], entry[_DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        _log.info("kernels: cache entry %s is damaged; compiling again", folder / name)
        return None
    return content


def write(name: str, content: bytes) -> None:
    """Write an entry atomically, readable and writable by the user alone. A failure is only logged."""
    folder = cache_folder()
    if folder is None:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _private(folder):
            _log.info("kernels: not caching in %s, since other users may write there", folder)
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
        _log.info("kernels: not caching in %s: %s", folder, error)


def _private(folder: Path) -> bool:
    """Whether no other user can write to the folder."""
    if sys.platform == "win32":
        return True  # %LOCALAPPDATA% belongs to the user
    try:
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
