"""How much memory a render will take, said before it begins, and what is said where there is not so much.

What is predicted here decides nothing about how frames are painted: `vst.modes.memory` does, by their size
alone, so that what else runs on a machine cannot change a frame.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from vst.errors import VstError
from vst.modes import Mode
from vst.modes.base import PredictableMode
from vst.modes.memory import SMALLEST_TILE, Need, is_out_of_memory
from vst.sizes import size_in_words

_log = logging.getLogger(__name__)

_PLANE = 4
"""Bytes a pixel of a plane in fp32."""

_IN_FLIGHT = 17
"""Frames of full size: four decoded, six among shots and motion, four to encode, three in the finishing."""
_REDUCED = 8
"""Frames at the size at which they are painted."""
_MOTION = 200
"""Bytes a pixel for flow in both directions, masks, and pictures of earlier frames."""
_ENCODER = 200
"""Bytes a pixel: pictures that an encoder looks ahead at or refers to, and conversions."""
_ENCODED = 60
"""How many pictures that is."""
_BASE = 600 * 2**20
"""PyTorch, OpenCV and the codecs themselves."""

_TIGHT = 0.8
"""Of what is free: more than that is worth a line."""
_SURE = 0.75
"""Of what was predicted, so much is needed at any rate: encoders differ, and so do libraries."""


@dataclass(frozen=True)
class Prediction:
    """What a render takes at its peak, in bytes.

    Attributes:
        main: Of the computer's memory.
        device: Of the device's own; 0 on the CPU.
        least: Of the same memory as the painting is in, in the smallest tiles.
        need: What painting takes of it.
    """

    main: int
    device: int
    least: int
    need: Need


def predict(
    mode: Mode | None,
    device: torch.device,
    size: tuple[int, int],
    working: tuple[int, int] | None,
    *,
    planes: int = 3,
    frames: int | None = None,
) -> Prediction | None:
    """What a render will take; None where the mode cannot say.

    Args:
        mode: That paints; None: nothing is painted.
        device: Where.
        size: Width and height of what is written.
        working: Of what is painted.
        planes: Of a frame, its alpha and gain counted.
        frames: How many there are, if known.
    """
    pixels = size[0] * size[1]
    # Of a short clip there are never so many at once; three are in the finishing.
    flying = _IN_FLIGHT if frames is None else min(_IN_FLIGHT, frames + 3)
    encoded = 1.0 if frames is None else min(1.0, frames / _ENCODED)
    main = _BASE + round(pixels * (_PLANE * planes * flying + _ENCODER * encoded))
    if mode is None or working is None:
        return Prediction(main, 0, main, Need(0, 0, 0, None))
    if not isinstance(mode, PredictableMode):
        return None
    painted = working[0] * working[1]
    need = mode.need(*working)
    main += need.remembered
    if working != size:
        main += painted * _PLANE * planes * _REDUCED
    if mode.distances and frames != 1:
        main += painted * _MOTION
    if device.type == "cpu":
        return Prediction(main + need.painting, 0, main + need.least, need)
    return Prediction(main, need.painting, need.least, need)


def check(
    prediction: Prediction | None,
    device: torch.device,
    size: tuple[int, int],
    working: tuple[int, int] | None,
) -> None:
    """Say what a render will take where that matters.

    Args:
        prediction: From `predict`.
        device: That paints.
        size: Width and height of what is written.
        working: Of what is painted.

    Raises:
        VstError: where even the smallest tiles take far more than there is.
    """
    if prediction is None:
        return
    what = f"rendering {size[0]}×{size[1]}"
    if working is not None and working != size:
        what += f", painted at {working[0]}×{working[1]},"
    main, own = (prediction.main, prediction.device) if prediction.device else (0, prediction.main)
    if main:
        _hold(what, main, main, torch.device("cpu"))
    _hold(what, own, prediction.least, device)


def note(need: Need) -> str | None:
    """What to say of tiles after a render; None where frames were painted whole."""
    if need.tile is None:
        return None
    return (
        f"frames are painted in tiles of {need.tile} pixels, in about {size_in_words(need.painting)} "
        f"instead of {size_in_words(need.whole)}; --tile changes that"
    )


@contextmanager
def explained_memory(device: torch.device) -> Iterator[None]:
    """Say what to do when a device's memory does not suffice.

    Raises:
        VstError: in place of the error of torch, or of whoever asked for memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError, cv2.error) as error:
        if not is_out_of_memory(error):
            raise
        raise VstError(
            f"the memory of {device} does not suffice: make the output smaller with --size or --scale, "
            "the strokes larger with --style-scale, or the tiles smaller with --tile"
            + ("" if device.type == "cpu" else "; or use --device cpu")
        ) from error


def free_memory(device: torch.device) -> int | None:
    """Bytes that could be had now, swap and caches included; None where that cannot be found out."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    found = [each for each in (_free_on_linux(), _free_in_container()) if each is not None]
    return min(found, default=None)


def total_memory() -> int | None:
    """Bytes of main memory; None where that cannot be found out."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _hold(what: str, wanted: int, least: int, device: torch.device) -> None:
    free = free_memory(device)
    if free is None:
        return
    where = "main memory" if device.type == "cpu" else f"the memory of {device}"
    if _SURE * least > free:
        raise VstError(
            f"{what} takes about {size_in_words(least)} of {where} at least, and {size_in_words(free)} are "
            "free: make the output smaller with --size, broaden the strokes with --style-scale, or end "
            "other programs"
        )
    line = f"{what} takes about {size_in_words(wanted)} of {where}, and {size_in_words(free)} are free"
    if wanted <= _TIGHT * free:
        _log.debug(line)
    elif least < _TIGHT * wanted:
        _log.warning("%s; with --tile %d it takes about %s", line, SMALLEST_TILE, size_in_words(least))
    else:
        _log.warning(line)


def _free_on_linux() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        values = {key: int(rest.split()[0]) for key, _, rest in (line.partition(":") for line in lines)}
        return (values["MemAvailable"] + values.get("SwapFree", 0)) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _free_in_container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a control group (version 2) leaves to its processes."""
    try:
        most = int((folder / "memory.max").read_text())
        used = int((folder / "memory.current").read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
        files = {name: int(value) for name, _, value in (line.partition(" ") for line in lines)}
        return max(most - used + files.get("inactive_file", 0), 0)
    except (OSError, ValueError):
        return None  # none, or without a limit
