"""Frame rate, duration and number of frames of a video stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av

from vst.media.clock.video_clock import DEFAULT_UNIT, MAX_REORDERING, VideoClock, may_restart
from vst.media.libav import packets_of
from vst.media.notes import Notes

RATE_PACKETS = 100
"""Packets from which the spacing of the frames is measured."""

COUNTED_BYTES = 1 << 30
"""The largest file whose packets are all read, if its clock may restart, to tell how long it is. In larger
ones that takes too long."""

MIN_ORDERED = 4
"""Packets that are needed to tell in which order timestamps are."""

MAX_PLAUSIBLE_RATE = 240
"""Frames per second. A higher rate in a header is checked against the timestamps."""

_DURATION_TAG = re.compile(r"(\d{1,6}):(\d\d):(\d\d)\.(\d{9})")


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """The timing of a video stream.

    Attributes:
        time_base: The unit of its timestamps, in seconds.
        rate: Average frames per second, or None.
        variable: Whether the durations of the first frames differ.
        duration: Length in seconds, or None.
        frames: Number of frames, or None.
        in_decoding_order: Whether only the decoder tells the order of the frames.
        first: The smallest timestamp, in ticks, or None.
    """

    time_base: Fraction
    rate: Fraction | None
    variable: bool
    duration: Fraction | None
    frames: int | None
    in_decoding_order: bool
    first: int | None


@dataclass(frozen=True, slots=True)
class _Spacing:
    """What the first timestamps of a stream tell: the fields of `StreamTiming`, and frames per tick."""

    variable: bool = False
    rate: Fraction | None = None
    in_decoding_order: bool = False
    first: int | None = None
    stuck: bool = False
    """Whether all timestamps are the same."""


def stream_timing(
    container: av.container.InputContainer, stream: av.VideoStream, notes: Notes
) -> StreamTiming:
    """The timing of a stream, from its header and its timestamps; the reading position moves.

    Args:
        container: The file.
        stream: Its video stream.
        notes: Gets a note if the clock restarts.
    """
    time_base = stream.time_base or DEFAULT_UNIT
    rate = positive(stream.average_rate) or positive(stream.guessed_rate)
    if rate is not None and rate > MAX_PLAUSIBLE_RATE:
        # Matroska and FLV count milliseconds, which libav reports as the rate where it knows no other.
        rate = positive(stream.guessed_rate) or rate
    spacing = _spacing(container, stream)
    if spacing.stuck and rate is not None and rate > MAX_PLAUSIBLE_RATE:
        rate = None
    if spacing.rate is not None and (rate is None or rate > MAX_PLAUSIBLE_RATE):
        rate = spacing.rate / time_base
    duration = _tagged_duration(stream)
    if stream.duration is not None and stream.duration > 0:
        duration = stream.duration * time_base
    elif duration is None and container.duration is not None and container.duration > 0:
        duration = Fraction(container.duration, av.time_base)
    if duration is not None and "matroska" in container.format.name and stream.start_time is not None:
        # Matroska states the time of the end.
        duration = positive(duration - stream.start_time * time_base) or duration
    if may_restart(container) and 0 < container.size <= COUNTED_BYTES:
        duration = _continued_duration(container, stream, notes) or duration
    if spacing.stuck:
        duration = None
    frames = stream.frames or None
    if frames is None and duration is not None and rate is not None:
        frames = max(1, round(duration * rate))
    return StreamTiming(
        time_base, rate, spacing.variable, duration, frames, spacing.in_decoding_order, spacing.first
    )


def positive(value: Fraction | None) -> Fraction | None:
    """The value, or None if it is not positive."""
    return value if value is not None and value > 0 else None


def _spacing(container: av.container.InputContainer, stream: av.VideoStream) -> _Spacing:
    """Whether the first frames are spaced unevenly, by more than rounding, and in which order they are."""
    found: list[tuple[int | None, int | None]] = []
    try:
        _rewind(container)
        clock = VideoClock(stream, discontinuous=may_restart(container))
        for count, item in enumerate(
            clock.packets(each for each in packets_of(container, stream) if each.size)
        ):
            found.append((item.packet.pts, item.packet.dts))
            if count >= RATE_PACKETS:
                break
    except av.FFmpegError:
        return _Spacing()
    at_end = len(found) <= RATE_PACKETS
    in_decoding_order = _in_decoding_order(container, stream, found)
    column = 1 if container.format.name == "avi" else 0
    stamps = {each[column] for each in found}
    # Neighbours of the last frames may come later in the file.
    ordered = sorted(stamp for stamp in stamps if stamp is not None)[: None if at_end else -MAX_REORDERING]
    steps = [after - before for before, after in pairwise(ordered)]
    first = ordered[0] if ordered else None
    if not steps:
        return _Spacing(first=first, in_decoding_order=in_decoding_order, stuck=len(found) > len(stamps))
    variable = max(steps) - min(steps) > max(2, max(steps) // 10)
    return _Spacing(variable, Fraction(len(steps), sum(steps)), in_decoding_order, first)


def _rewind(container: av.container.InputContainer) -> None:
    """Read from the start again, which is before 0 where a clock wraps around."""
    container.seek(min(0, container.start_time or 0))


def _in_decoding_order(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    found: list[tuple[int | None, int | None]],
) -> bool:
    """Whether the timestamps, pts and dts, do not tell the order of the frames although it changes."""
    if container.format.name == "avi":
        # AVI stores decoding times only. libav guesses presentation times, often a frame or two late.
        return any(pts != dts for pts, dts in found)
    shown = [pts for pts, _ in found if pts is not None]
    if len(shown) < max(len(found), MIN_ORDERED):
        return False
    in_file_order = all(after > before for before, after in pairwise(shown))
    contradictory = len(set(shown)) < len(shown) or any(
        dts is not None and pts is not None and pts < dts for pts, dts in found
    )
    return stream.codec_context.reorder_depth > 0 and (in_file_order or contradictory)


def _continued_duration(
    container: av.container.InputContainer, stream: av.VideoStream, notes: Notes
) -> Fraction | None:
    """The length of a stream whose clock restarts, in seconds; None if it does not restart."""
    clock = VideoClock(stream, discontinuous=True)
    first = last = None
    try:
        _rewind(container)
        for item in clock.packets(each for each in packets_of(container, stream) if each.size):
            pts = item.packet.pts
            if pts is not None:
                first = pts if first is None else min(first, pts)
                last = max(pts + item.length, first if last is None else last)
    except av.FFmpegError:
        return None
    if not clock.restarts or first is None or last is None:
        return None
    notes.extend(clock.notes)
    return (last - first) * (stream.time_base or DEFAULT_UNIT)


def _tagged_duration(stream: av.VideoStream) -> Fraction | None:
    """The duration in a tag of a Matroska stream, such as 00:00:05.120000000."""
    match = _DURATION_TAG.fullmatch(stream.metadata.get("DURATION", ""))
    if match is None:
        return None
    hours, minutes, seconds, nano = (int(part) for part in match.groups())
    return positive(hours * 3600 + minutes * 60 + seconds + Fraction(nano, 10**9))
