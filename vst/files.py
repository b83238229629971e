"""Files that several packages use: the user data folder, checked tensors, temporary folders."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vst.errors import MediaError, WeightsError

if TYPE_CHECKING:
    from torch import Tensor


def user_data_folder() -> Path:
    """The folder for the user's own styles and weights, as the system has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "vst"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vst"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vst"


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
        with safe_open(path, "pt") as file:
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
