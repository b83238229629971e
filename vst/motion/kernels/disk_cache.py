"""Compiled kernels on disk, in the user's cache folder, so that only the first run of all compiles."""

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
    """Where compiled kernels are kept, or None where the user has no place for them.

    ``vst/kernels`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, on Windows in ``%LOCALAPPDATA%``.
    """
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    return Path(base, "vst", "kernels") if os.path.isabs(base) else None


def read(name: str) -> bytes | None:
    """What was written under a name; None where nothing was, it is damaged, or not the user's own."""
    folder = cache_folder()
    if folder is None or not _private(folder):
        return None
    try:
        entry = (folder / name).read_bytes()
    except OSError:
        return None
    digest, content = entry[:_DIGEST], entry[_DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        _log.info("kernels: %s is damaged and is compiled again", folder / name)
        return None
    return content


def write(name: str, content: bytes) -> None:
    """Keep something for the next time. Where that cannot be, only the log says so.

    Only the user can read or write it. A reader sees all of it or nothing.
    """
    folder = cache_folder()
    if folder is None:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _private(folder):
            _log.info("kernels: nothing is kept in %s, since others may write there", folder)
            return
        # A file of mkstemp's is for the user alone from the start.
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(temporary, folder / name)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        _log.info("kernels: nothing is kept in %s: %s", folder, error)


def _private(folder: Path) -> bool:
    """Whether nobody else can put a kernel of theirs there."""
    if sys.platform == "win32":
        return True  # a user's folders there are the user's own
    try:
        found = folder.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
