"""Checks and error texts for files that cannot be read or written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from vst.errors import MediaError, nearest
from vst.files import kind_of_file


def nearest_name(path: Path) -> str:
    """The end of an error text about a missing file: the most similar file name, if there is one."""
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except OSError:
        return ""
    near = nearest(path.name, names)
    return f"; did you mean {near}?" if near else ": check the path"


def check_readable(path: Path) -> None:
    """Check that a path is a non-empty regular file that this user may read.

    Raises:
        MediaError: If it is not.
    """
    kind = kind_of_file(path)
    if kind == "a folder":
        raise MediaError(
            f"{path} is a folder: expected a video or picture file, or the pattern of an image "
            f"sequence such as {path / '%04d.png'}; for all files in a folder there is vst batch"
        )
    if kind is not None:  # not opened: a pipe would be waited for, a device may never end
        raise MediaError(f"{path} is {kind}: expected a video or picture file")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise MediaError(f"{path} is empty (0 bytes): expected a video or picture file")
    except FileNotFoundError as error:
        raise MediaError(f"{path} does not exist{nearest_name(path)}") from error
    except PermissionError as error:
        raise MediaError(f"{path} cannot be read: permission denied; check its access rights") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MediaError(f"{path} cannot be read: {reason}") from error


def reason_of(error: BaseException) -> str:
    """The reason in an error of libav or the operating system, without error codes and paths."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).splitlines()[0].lower() if text else type(error).__name__


def writing_error(path: Path, error: BaseException) -> MediaError:
    """The MediaError for an error that was raised while `path` was being written."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT):
        return MediaError(
            f"{path} could not be written: the disk is full; free some space and run it again"
        )
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MediaError(f"{path} could not be written: permission denied; choose another folder with -o")
    return MediaError(f"{path} could not be written: {reason_of(error)}")
