"""Reading of published checkpoints without executing anything in them."""

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
from vst.files import utf8_path


class _Ignored:
    """Replaces a numpy scalar or its type while unpickling; accepts any arguments and keeps nothing.

    Older checkpoints contain their best score as a numpy scalar beside the tensors. It is not needed, so
    not even numpy's own code is run for it.
    """

    def __new__(cls, *arguments: object) -> _Ignored:
        return super().__new__(cls)

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


_ALLOWED = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
"""What a checkpoint may contain besides torch's tensors and containers: numpy's scalars, as numpy 1 and
numpy 2 write them, and their type."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint: a ``.pth.tar`` or ``.pth`` file of torch, or safetensors.

    A dictionary under ``state_dict`` is preferred to the outermost one. The prefix ``module.`` of parallel
    training is removed if every name has it.

    Args:
        path: The file.

    Returns:
        Name -> tensor on the CPU.

    Raises:
        WeightsError: The file does not exist, is damaged or not a checkpoint, or contains other objects
            than tensors.
    """
    try:
        with utf8_path(path) as readable, open(readable, "rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}); expected a checkpoint file"
        ) from error
    if start.lstrip()[:1] == b"<":
        raise WeightsError(f"{path} is a web page, not a checkpoint; download the file itself")
    content = _safetensors(path) if start[8:9] == b"{" else _pickled(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} contains no parameters; expected a checkpoint with names and tensors")
    for name, value in content.items():
        if not isinstance(name, str) or not _is_plain(value):
            raise WeightsError(
                f"{path} contains {type(value).__name__} under {str(name)[:60]!r}; "
                "expected a checkpoint of tensors"
            )
    prefix = "module." if all(name.startswith("module.") for name in content) else ""
    return {name.removeprefix(prefix): value.detach() for name, value in content.items()}


def _is_plain(value: object) -> bool:
    """Whether it is a dense tensor of floating-point numbers on the CPU."""
    return (
        isinstance(value, Tensor)
        and type(value) in (Tensor, torch.nn.Parameter)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.is_floating_point()
    )


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with utf8_path(path) as readable:
            return load_file(readable)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is damaged ({_first_sentence(error)}); download it again") from error


def _pickled(path: Path) -> Any:
    _refuse_bombs(path)
    allowed: list[Any] = [(_Ignored, name) for name in _ALLOWED]
    try:
        # In a pickle of Python 2 names, and the bytes of numpy's scalars, are strings without an encoding.
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL (\S+)|function <?([^>\n]+)", str(error))
        if refused is None:  # torch's own text is about its option weights_only
            raise WeightsError(f"{path} is not a checkpoint, or damaged; download it again") from error
        call = (refused[1] or refused[2])[:80]
        raise WeightsError(
            f"{path} calls {call}, which no checkpoint of these networks does; it was not executed: "
            "download the file from its publisher"
        ) from error
    except Exception as error:  # for a damaged or malicious file torch raises nearly any type
        raise WeightsError(
            f"{path} is not a checkpoint, or damaged ({_first_sentence(error)}); download it again"
        ) from error


def _refuse_bombs(path: Path) -> None:
    """Refuse a compressed archive: torch does not compress, and reads all of it into memory."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        packed = path.stat().st_size
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return  # torch reports it
    if unpacked > packed:
        raise WeightsError(
            f"{path} would unpack to {unpacked:,} bytes, but has {packed:,}; a checkpoint of torch is not "
            "compressed: download the file from its publisher"
        )


def _first_sentence(error: Exception) -> str:
    """The first sentence of a library's message, or the type of the error if it has none."""
    message = str(error).replace("Weights only load failed. ", "")
    message = re.split(r"This file can still be loaded|Please use|\.\s|\n", message.strip(), maxsplit=1)[0]
    return " ".join(message.split())[:120].rstrip(" .") or type(error).__name__
