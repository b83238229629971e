"""Predicts the memory of a render before it begins, and explains when there is not enough.

The prediction does not decide how frames are stylized: `vst.modes.tiling` does, by the frame size alone, so
that other programs on the machine cannot change a frame.
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
from vst.keyframe_interval import MAX_INTERVAL
from vst.keyframes import Schedule, engine_memory, stylizers_of
from vst.modes import Stylizer, device_for
from vst.modes.tiling import SMALLEST_TILE, MemoryEstimate, is_out_of_memory
from vst.sizes import size_in_words

_log = logging.getLogger(__name__)

_PLANE = 4
"""Bytes a pixel of a plane in fp32."""

_IN_FLIGHT = 17
"""Frames in the pipeline: ten decoded, in shot detection and in motion, four to encode, three in
postprocessing."""
_WAITING = 10
"""Those of them that wait as decoded planes and at working resolution, if that is not the output size."""
_DECODED = 6
"""Bytes a pixel of decoded planes: 10 bits, 4:4:4."""
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
    """The peak memory of a render, in bytes.

    Attributes:
        main: Main memory.
        device: The device's own memory; 0 on the CPU.
        least: Of the memory that the network is in, with the smallest tiles.
        network: Of that, what the network takes.
    """

    main: int
    device: int
    least: int
    network: MemoryEstimate


def predict_memory(
    stylizer: Stylizer | None,
    device: torch.device,
    size: tuple[int, int],
    working: tuple[int, int] | None,
    *,
    planes: int = 3,
    frames: int | None = None,
    keyframes: Schedule | None = None,
) -> Prediction:
    """Predict the memory of a render.

    Args:
        stylizer: None: nothing is stylized.
        device: Where its network runs.
        size: Width and height of the output.
        working: Width and height at which frames are stylized.
        planes: Of a frame, alpha and gain included.
        frames: Number of frames, if known.
        keyframes: Which frames are stylized, as of `StylizerSession`.
    """
    pixels = size[0] * size[1]
    # A short clip never has so many at once; three are in postprocessing.
    flying = _IN_FLIGHT if frames is None else min(_IN_FLIGHT, frames + 3)
    waiting = 0 if working in (None, size) else min(_WAITING, flying)
    encoded = 1.0 if frames is None else min(1.0, frames / _ENCODED)
    full = _PLANE * planes * (flying - waiting) + _DECODED * waiting
    main = _BASE + round(pixels * (full + _ENCODER * encoded))
    if stylizer is None or working is None:
        return Prediction(main, 0, main, MemoryEstimate(0, 0, 0, None))
    stylized = working[0] * working[1]
    network = stylizer.memory(*working)
    main += stylized * _PLANE * planes * waiting
    engine = 0
    if stylizer.whole_shot:  # its frames are on disk
        main += stylized * _MOTION
    if keyframes is not None and frames != 1:
        held = MAX_INTERVAL if frames is None else min(MAX_INTERVAL, frames)
        engine = engine_memory(keyframes, *working, held, len(stylizers_of(stylizer))) + stylized * _MOTION
    if device.type == "cpu":
        main += engine
        return Prediction(main + network.peak, 0, main + network.smallest_tiles, network)
    if device_for(stylizer, *working).type == "cpu":
        return Prediction(main + engine, network.peak, network.smallest_tiles, network)
    return Prediction(main, engine + network.peak, engine + network.smallest_tiles, network)


def predict_picture_memory(estimate: MemoryEstimate, device: torch.device) -> Prediction:
    """Predict the memory of making one picture.

    Args:
        estimate: Of its optimisation.
        device: Where that happens.
    """
    if device.type == "cpu":
        return Prediction(_BASE + estimate.peak, 0, _BASE + estimate.smallest_tiles, estimate)
    return Prediction(_BASE, estimate.peak, estimate.smallest_tiles, estimate)


def check_memory(
    prediction: Prediction,
    device: torch.device,
    size: tuple[int, int],
    working: tuple[int, int] | None,
    advice: str = "make the output smaller with --size, broaden the strokes with --style-scale",
) -> None:
    """Warn if the memory will be tight.

    Args:
        prediction: From `predict_memory`.
        device: Where the network runs.
        size: Width and height of the output.
        working: Width and height at which frames are stylized.
        advice: What to do if there is too little.

    Raises:
        VstError: Even the smallest tiles take far more memory than is free.
    """
    what = f"rendering {size[0]}×{size[1]}"
    if working is not None and working != size:
        what += f", stylized at {working[0]}×{working[1]},"
    main, own = (prediction.main, prediction.device) if prediction.device else (0, prediction.main)
    if main:
        _hold(what, main, main, torch.device("cpu"), advice)
    _hold(what, own, prediction.least, device, advice)


def tiles_note(estimate: MemoryEstimate) -> str | None:
    """The note on tiles for the report of a render; None if there were none."""
    if estimate.tile is None:
        return None
    return (
        f"frames are stylized in tiles of {estimate.tile} pixels, in about {size_in_words(estimate.peak)} "
        f"instead of {size_in_words(estimate.without_tiles)}; --tile changes that"
    )


LESS_MEMORY = (
    "make the output smaller with --size or --scale, the strokes larger with --style-scale, or the tiles "
    "smaller with --tile"
)
"""What to do when a render runs out of memory."""


@contextmanager
def explained_memory(device: torch.device, advice: str = LESS_MEMORY) -> Iterator[None]:
    """Say what to do when a device runs out of memory.

    Args:
        device: The device.
        advice: What to do; on a GPU, `--device cpu` is added.

    Raises:
        VstError: In place of the error of torch, OpenCV or the allocator.
    """
    try:
        yield
    except (RuntimeError, MemoryError, cv2.error) as error:
        if not is_out_of_memory(error):
            raise
        raise VstError(
            f"out of memory on {device}: {advice}"
            + ("" if device.type == "cpu" else "; or use --device cpu")
        ) from error


def free_memory(device: torch.device) -> int | None:
    """Bytes that are available now, swap and caches included; None if the system does not tell."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    found = [each for each in (_free_on_linux(), _free_in_container()) if each is not None]
    return min(found, default=None)


def total_memory() -> int | None:
    """Bytes of main memory; None if the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _hold(what: str, wanted: int, least: int, device: torch.device, advice: str) -> None:
    free = free_memory(device)
    if free is None:
        return
    where = "main memory" if device.type == "cpu" else f"the memory of {device}"
    if _SURE * least > free:
        raise VstError(
            f"{what} takes about {size_in_words(least)} of {where} at least, and {size_in_words(free)} are "
            f"free: {advice}, or end other programs"
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
