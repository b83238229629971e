"""Compares clips of one scene in one video: side by side, split, or their difference."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vst.errors import Interrupted, MediaError, UsageError, suggestion
from vst.frame import Frame
from vst.media import ClipInfo, Encoding, Reader, open_writer
from vst.pipeline.comparison_layout import ComparisonLayout, Difference, SideBySide, Split, fit
from vst.pipeline.option_values import MAX_SIDE
from vst.pipeline.stages import DEPTH
from vst.pipeline.threads import Background, Clock
from vst.progress import Progress, progress_now
from vst.stream_paths import is_output_stream

COMPARISON_LAYOUTS = ("side", "split", "difference")

MAX_CLIPS = 4

MAX_WIDTH = 3840
"""In pixels: wider comparisons are scaled down, unless the user gives a size."""


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """The settings of a comparison.

    Raises:
        UsageError: A value is out of range.
    """

    layout: str = "side"
    """side, split or difference."""
    split: float | None = 0.5
    """Position of the divider of a split, as a part of the width; None moves it."""
    gain: float = 4.0
    """The factor that a difference is multiplied by."""
    labels: tuple[str, ...] | None = None
    """One a clip; None takes the file names, an empty tuple draws none."""
    size: int | None = None
    """Short side of each picture in pixels; None takes that of the first clip."""
    codec: str | None = None
    """Video codec, as in `RenderSettings`."""
    crf: int | None = None
    """Quality of the encoder, as in `RenderSettings`."""
    overwrite: bool = False
    """Whether to replace an existing output."""

    def __post_init__(self) -> None:
        if self.layout not in COMPARISON_LAYOUTS:
            raise UsageError(f"layout is {self.layout!r}: {suggestion(self.layout, COMPARISON_LAYOUTS)}")
        if self.split is not None and not 0 < self.split < 1:
            raise UsageError(f"split is {self.split:g}; expected a part of the width between 0 and 1")
        if not 0 < self.gain < math.inf:
            raise UsageError(f"gain is {self.gain:g}; expected more than 0")
        if self.size is not None and not 16 <= self.size <= MAX_SIDE:
            raise UsageError(f"size is {self.size}; expected a short side of 16 to {MAX_SIDE} pixels")


@dataclass(frozen=True)
class CompareReport:
    """What a comparison did.

    Attributes:
        clips: The inputs.
        output: The file written.
        frames: Number of frames written.
        width: Of the output, in pixels.
        height: Of the output, in pixels.
        seconds: Wall time.
        notes: What was scaled, left out or converted; one line each.
    """

    clips: tuple[Path, ...]
    output: Path
    frames: int
    width: int
    height: int
    seconds: float
    notes: tuple[str, ...]


def compare(
    clips: Sequence[Path | str],
    output: Path | str,
    settings: CompareSettings | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> CompareReport:
    """Combine two to four clips into one video, with the sound and the timestamps of the first.

    Every frame of the first clip is combined with the frames that the others show at that time. The output
    ends with the shortest clip; a still among the inputs is repeated.

    Args:
        clips: Any files that `vst.media` reads.
        output: The file to write.
        settings: Layout, labels and everything else.
        progress: Called after every frame.
        stop: Set it to stop after the frame in progress.

    Returns:
        What was done.

    Raises:
        UsageError: An option, codec or container is invalid.
        MediaError: A file cannot be read or written.
        Interrupted: `stop` was set; no output is left.
    """
    began = time.monotonic()
    settings = settings or CompareSettings()
    paths, target = tuple(map(Path, clips)), Path(output)
    layout = _layout(paths, settings)
    _check_target(target, paths)
    clock = Clock()
    count = 0
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(path, stop=stop)) for path in paths]
        first = readers[0].info
        width, height, notes = _cell(first, layout, settings)
        whole = layout.size(width, height)
        encoding = Encoding(settings.codec, settings.crf)
        writer = stack.enter_context(
            open_writer(
                target,
                first,
                encoding,
                width=whole[0],
                height=whole[1],
                overwrite=settings.overwrite,
                stop=stop,
            )
        )
        notes += _fitted(readers)
        lengths: list[str] = []
        drawn = stack.enter_context(
            Background(_draw(readers, layout, width, height, lengths), DEPTH, "draw", clock)
        )
        for frame in drawn:
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; no output was written")
            started = time.monotonic()
            writer.write(frame)
            clock.add("encode", time.monotonic() - started)
            count += 1
            if progress is not None:
                progress(progress_now(count, first.frames, began, clock.limiting()))
        writer.finish()
        for reader in readers:
            notes += [f"{reader.info.path.name}: {note}" for note in reader.notes]
        notes += [*lengths, *writer.notes]
    return CompareReport(
        paths, target, count, *whole, time.monotonic() - began, tuple(dict.fromkeys(notes))
    )


def _check_target(target: Path, paths: Sequence[Path]) -> None:
    for path in paths[1:]:
        # The writer compares it with the first.
        if _is_same(target, path):
            raise MediaError(f"{target} is one of the inputs: choose another output with -o")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return not is_output_stream(one) and os.path.samefile(one, other)
    except OSError:
        return False


def _layout(paths: Sequence[Path], settings: CompareSettings) -> ComparisonLayout:
    """The layout; checks the settings before anything is opened."""
    if not 2 <= len(paths) <= MAX_CLIPS:
        raise UsageError(f"number of clips given: {len(paths)}; expected 2 to {MAX_CLIPS}")
    if settings.layout != "side" and len(paths) != 2:
        raise UsageError(
            f"layout {settings.layout} takes 2 clips, {len(paths)} were given: leave some out, or place "
            "them side by side"
        )
    names = settings.labels if settings.labels is not None else [path.name for path in paths]
    labels = list(names) or [""] * len(paths)
    if len(labels) != len(paths):
        raise UsageError(
            f"number of labels: {len(labels)}, of clips: {len(paths)}; expected one for each clip, or none"
        )
    if settings.layout == "split":
        return Split(labels, settings.split)
    if settings.layout == "difference":
        return Difference(f"{labels[0]} - {labels[1]}, ×{settings.gain:g}" if names else "", settings.gain)
    return SideBySide(labels)


def _cell(
    first: ClipInfo, layout: ComparisonLayout, settings: CompareSettings
) -> tuple[int, int, list[str]]:
    """Width and height of each picture, even, and notes on them."""
    wide, high = layout.size(first.width, first.height)
    if settings.size is not None:
        factor = settings.size / min(first.width, first.height)
    else:
        factor = min(1.0, MAX_WIDTH / wide) if wide > first.width else 1.0
    width, height = (max(2, 2 * round(side * factor / 2)) for side in (first.width, first.height))
    if factor == 1 and (wide, high) == (first.width, first.height):
        # The clip's own size, odd or not: the codec decides what it can take.
        width, height = first.width, first.height
    whole = layout.size(width, height)
    if max(whole) > MAX_SIDE:
        raise UsageError(
            f"the comparison would be {whole[0]}×{whole[1]}; no side may be longer than {MAX_SIDE}: give a "
            "smaller --size"
        )
    if settings.size is None and factor < 1:
        return width, height, [f"each picture is scaled to {width}×{height}; --size changes that"]
    return width, height, []


def _fitted(readers: Sequence[Reader]) -> list[str]:
    """Notes on clips whose size is not that of the first."""
    first = readers[0].info
    size = (first.width, first.height, first.sample_aspect)
    return [
        f"{info.path.name} is {info.width}×{info.height} and is scaled to fit the "
        f"{first.width}×{first.height} of {first.path.name}"
        for info in (reader.info for reader in readers[1:])
        if (info.width, info.height, info.sample_aspect) != size
    ]


def _draw(
    readers: Sequence[Reader], layout: ComparisonLayout, width: int, height: int, lengths: list[str]
) -> Iterator[Frame]:
    """The frames of the output; at the end a note goes into `lengths` if some clip was longer."""
    first = readers[0]
    aspect = first.info.sample_aspect
    # The output has the sample aspect of the first clip.
    stretches = [float(reader.info.sample_aspect / aspect) for reader in readers]
    others = [_FrameAtTime(reader) for reader in readers[1:]]
    start: Fraction | None = None
    count = 0
    for frame in first:
        start = frame.time if start is None else start
        moment = frame.time - start
        # Halfway through the frame: timestamps of the others may be rounded differently.
        shown = [other.at(moment + frame.duration / 2) for other in others]
        ended = next((reader for reader, at in zip(readers[1:], shown, strict=True) if at is None), None)
        if ended is not None:
            lengths.append(_ends(ended, count))
            return
        images = [frame.image, *(each.image for each in shown if each is not None)]
        pictures = [fit(image, width, height, by) for image, by in zip(images, stretches, strict=True)]
        yield replace(frame, image=layout.draw(pictures, moment), alpha=None, gain=None)
        count += 1
    if any(other.has_more() for other in others):
        lengths.append(_ends(first, count))


def _ends(reader: Reader, count: int) -> str:
    frames = f"{count} frame{'' if count == 1 else 's'}"
    return f"the clips differ in length: the comparison ends with {reader.info.path.name}, after {frames}"


class _FrameAtTime:
    """The frame that a clip shows at a time; times only increase."""

    def __init__(self, reader: Reader) -> None:
        self._frames = iter(reader)
        self._still = reader.info.is_still
        # A reader without any frame raises here.
        self._now = next(self._frames)
        self._start = self._now.time
        self._next = next(self._frames, None)

    def at(self, moment: Fraction) -> Frame | None:
        """The frame at a time in seconds from the first frame; None after the last. A still never ends."""
        while self._next is not None and self._next.time - self._start <= moment:
            self._now, self._next = self._next, next(self._frames, None)
        over = self._next is None and moment >= self._now.time - self._start + self._now.duration
        return None if over and not self._still else self._now

    def has_more(self) -> bool:
        """Whether there is a frame after the last one returned."""
        return self._next is not None
