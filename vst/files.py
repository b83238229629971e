"""Files that several packages use: the user data folder, names, checked tensors, temporary folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vst.errors import MediaError, UsageError, WeightsError

if TYPE_CHECKING:
    from torch import Tensor


NAME_BYTES = 255
"""The longest name of a file in bytes, as nearly all file systems have it."""


def is_name_too_long(name: str) -> bool:
    """Whether a file name is longer than file systems allow."""
    return len(os.fsencode(name)) > NAME_BYTES


def check_name_length(name: str) -> None:
    """Refuse the name of an output that is longer than file systems allow.

    Raises:
        UsageError: It is.
    """
    if is_name_too_long(name):
        raise UsageError(
            f"the name {name} has {len(os.fsencode(name))} bytes, more than the {NAME_BYTES} that a file's "
            "name may have: give a shorter one with -o"
        )


def hidden_name(name: str, suffix: str) -> str:
    """The name of a hidden file or folder that belongs to another: ``.clip.mp4.vst-work``.

    A hash stands in for a name that leaves no place for the suffix.

    Args:
        name: The name of the other file.
        suffix: With its dot.
    """
    hidden = f".{name}{suffix}"
    if is_name_too_long(hidden):
        hidden = f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}{suffix}"
    return hidden


def kind_of_file(path: Path) -> str | None:
    """What a path is in words, if something else than a regular file has it; else None."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    for test, words in _KINDS:
        if test(mode):
            return words
    return None


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_replaceable(path: Path) -> None:
    """Refuse to write a file in place of a folder, a pipe, a socket or a device.

    Raises:
        MediaError: The path is one of these.
    """
    kind = kind_of_file(path)
    if kind is not None:
        raise MediaError(f"{path} is {kind}: expected the name of a file to write")


def check_new_file(path: Path, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Check that a file can be written, before any work is done.

    Args:
        path: The file.
        overwrite: Whether another file may be replaced.
        inputs: Files that it must not replace.

    Raises:
        MediaError: It exists already, is one of the inputs, or its folder cannot be written to.
    """
    check_replaceable(path)
    if not path.parent.is_dir():
        raise MediaError(f"the folder {path.parent} does not exist: create it first, or choose another")
    if any(path.exists() and each.exists() and path.samefile(each) for each in inputs):
        raise MediaError(f"{path} is one of the inputs: choose another name")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists already: pass -y to overwrite it, or choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {path.parent} cannot be written to: choose another")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that has its name only when it is complete.

    Raises:
        MediaError: It cannot be written.
    """
    part = path.with_name(hidden_name(path.name, ".vst-part"))
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise MediaError(f"{path} cannot be written: {error.strerror or error}") from error


def user_data_folder() -> Path:
    """The folder for the user's own styles and weights, as the system has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "vst"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vst"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vst"


def make_folder(folder: Path, *, parents: bool = True) -> None:
    """Make a folder that may be there, with its parents unless they have to be there.

    Raises:
        MediaError: It cannot be made; something else may have its name.
    """
    try:
        folder.mkdir(parents=parents, exist_ok=True)
    except OSError as error:
        raise MediaError(f"cannot create folder {folder}: {error.strerror or error}") from error


def make_anew(folder: Path) -> None:
    """Make an empty folder with its parents; what an earlier run left in it is removed.

    Raises:
        MediaError: Something else has that name; it is not touched.
        OSError: The folder cannot be made.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise MediaError(
            f"{folder} is in the way: expected nothing of that name, or a folder that an earlier run left; "
            "move it away, or choose another output with -o"
        ) from error


@contextlib.contextmanager
def utf8_path(path: Path) -> Iterator[Path]:
    """A path of the same regular file that is UTF-8, for a library that takes no other bytes.

    Raises:
        OSError: The file cannot be opened, or is a pipe, which would be waited for, or something else.
    """
    kind = kind_of_file(path)
    if kind is not None:
        raise OSError(errno.EINVAL, f"it is {kind}")
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield Path(f"/dev/fd/{file.fileno()}")
    else:
        yield path


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_tensors(path: Path, wanted: Mapping[str, tuple[int, ...]], remedy: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file that must hold exactly these.

    Args:
        path: The file.
        wanted: Name -> shape.
        remedy: What the user can do if it is not so, such as "fetch it again".

    Returns:
        Name -> tensor in fp32.

    Raises:
        WeightsError: where the file cannot be read, or names, shapes or numbers are not as they should be.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    state = {}
    try:
        with utf8_path(path) as readable, safe_open(readable, "pt") as file:
            names = set(file.keys())
            if names != set(wanted):
                odd = sorted(names ^ set(wanted))[0]
                raise WeightsError(f"{path} and its description disagree about {odd}; the file is damaged")
            for name, shape in wanted.items():
                # The shape is read from the header, before a byte of the tensor.
                found = tuple(file.get_slice(name).get_shape())
                if found != shape:
                    raise WeightsError(
                        f"{path}: {name} has shape {found}, expected {shape}; the file is damaged"
                    )
                state[name] = file.get_tensor(name).float()
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); {remedy}") from error
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise WeightsError(f"{path} holds numbers that are not finite; the file is damaged")
    return state
