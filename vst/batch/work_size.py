"""How much work the files of a batch are, so that the largest begin first."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from vst.batch.batch_file import BatchFile
from vst.errors import VstError
from vst.media.probe import probe

_BYTES_A_FRAME = 20_000
"""Of compressed video, about; for clips that do not say how many frames they have."""


def largest_first(files: Sequence[BatchFile], stop: threading.Event | None = None) -> list[BatchFile]:
    """The files in the order in which several workers finish them soonest: clips of many pixels first.

    A long clip that begins last would keep one worker busy while the others wait. Files of one size stay in
    order.

    Args:
        files: The files.
        stop: Ends the look into the files once it is set.
    """
    return [file for file, _ in sized_largest_first(files, stop)]


def sized_largest_first(
    files: Sequence[BatchFile], stop: threading.Event | None = None
) -> list[tuple[BatchFile, int]]:
    """The same, with the number of pixels of each file."""
    sizes = [0 if stop is not None and stop.is_set() else pixels_of(file) for file in files]
    return sorted(zip(files, sizes, strict=True), key=lambda each: -each[1])


def pixels_of(file: BatchFile) -> int:
    """Number of pixels of all frames of a file, about; 0 if it cannot be read, as its render will say."""
    try:
        info = probe(file.source)
        frames = info.frames or file.source.stat().st_size // _BYTES_A_FRAME
    except (VstError, OSError):
        return 0
    return info.width * info.height * (1 if info.is_still else max(frames, 1))
