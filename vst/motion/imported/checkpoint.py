"""Published checkpoints, read without trusting them."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vst.errors import WeightsError


class _Unread:
    """Stands for a numpy scalar or its type: takes what it is given and keeps nothing.

    Checkpoints of old hold their best score as a numpy scalar beside the tensors. Nobody needs it, so not
    even numpy's own code is run for it.
    """

    def __new__(cls, *arguments: object) -> _Unread:
        return super().__new__(cls)

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


_ALLOWED = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
"""All that a checkpoint may name beyond torch's own tensors and containers: numpy's scalars, as releases
up to 1 and from 2 write them, and their type."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint: a ``.pth.tar`` or ``.pth`` as torch writes it, or safetensors.

    A dictionary under ``state_dict`` is taken before the outermost one, and ``module.`` before every name,
    as parallel training leaves it, is dropped.

    Args:
        path: The file.

    Returns:
        Name -> tensor on the CPU.

    Raises:
        WeightsError: The file is not there, damaged, no checkpoint, or holds more than tensors.
    """
    try:
        with open(path, "rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); give a checkpoint's file") from error
    if start.lstrip()[:1] == b"<":
        raise WeightsError(f"{path} is a web page, not a checkpoint; download the file itself")
    content = _safetensors(path) if start[8:9] == b"{" else _pickled(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds no parameters; expected a checkpoint with names and tensors")
    for name, value in content.items():
        if not isinstance(name, str) or not _is_plain(value):
            raise WeightsError(
                f"{path} holds {type(value).__name__} under {str(name)[:60]!r}; "
                "expected a checkpoint of tensors"
            )
    prefix = "module." if all(name.startswith("module.") for name in content) else ""
    return {name.removeprefix(prefix): value.detach() for name, value in content.items()}


def _is_plain(value: object) -> bool:
    """Whether it is a tensor of ordinary numbers, here and dense."""
    return (
        isinstance(value, Tensor)
        and type(value) in (Tensor, torch.nn.Parameter)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.is_floating_point()
    )


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is damaged ({_line(error)}); download it again") from error


def _pickled(path: Path) -> Any:
    _refuse_bombs(path)
    allowed: list[Any] = [(_Unread, name) for name in _ALLOWED]
    try:
        # A pickle of Python 2 has its names, and the bytes of numpy's scalars, as strings without encoding.
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL (\S+)|function <?([^>\n]+)", str(error))
        if refused is None:
            raise WeightsError(
                f"{path} is no checkpoint, or damaged ({_line(error)}); download it again"
            ) from error
        what = (refused[1] or refused[2])[:80]
        raise WeightsError(
            f"{path} asks to run {what}, which no checkpoint of these networks does; it was not run: "
            "get the file from its publisher"
        ) from error
    except Exception as error:  # a damaged or hostile file makes torch raise nearly anything
        raise WeightsError(
            f"{path} is no checkpoint, or damaged ({_line(error)}); download it again"
        ) from error


def _refuse_bombs(path: Path) -> None:
    """Refuse an archive that unpacks to more than it is: torch packs nothing, and reads all into memory."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        packed = path.stat().st_size
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return  # no archive for torch either, which says so
    if unpacked > packed:
        raise WeightsError(
            f"{path} would unpack to {unpacked:,} bytes, but has {packed:,}, which no checkpoint of torch "
            "does: get the file from its publisher"
        )


def _line(error: Exception) -> str:
    """The first sentence of what a library says, or the kind of error where it says nothing."""
    said = str(error).replace("Weights only load failed. ", "")
    said = re.split(r"This file can still be loaded|Please use|\.\s|\n", said.strip(), maxsplit=1)[0]
    return " ".join(said.split())[:120].rstrip(" .") or type(error).__name__
