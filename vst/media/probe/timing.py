"""Frame rate, duration and number of frames of a video stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av

from vst.media.libav import packets_of

RATE_PACKETS = 100
"""Packets from which the spacing of the frames is measured."""

MAX_REORDERING = 16
"""Frames by which decoding order and presentation order may differ."""

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
    """

    time_base: Fraction
    rate: Fraction | None
    variable: bool
    duration: Fraction | None
    frames: int | None


def stream_timing(container: av.container.InputContainer, stream: av.VideoStream) -> StreamTiming:
    """The timing of a stream, from its header and its first timestamps; the reading position moves."""
    time_base = stream.time_base or Fraction(1, 90000)
    rate = positive(stream.average_rate) or positive(stream.guessed_rate)
    if rate is not None and rate > MAX_PLAUSIBLE_RATE:
        # Matroska and FLV count milliseconds, which libav reports as the rate where it knows no other.
        rate = positive(stream.guessed_rate) or rate
    variable, measured = _spacing(container, stream)
    if measured is not None and (rate is None or rate > MAX_PLAUSIBLE_RATE):
        rate = measured / time_base
    duration = _tagged_duration(stream)
    if stream.duration is not None and stream.duration > 0:
        duration = stream.duration * time_base
    elif duration is None and container.duration is not None and container.duration > 0:
        duration = Fraction(container.duration, av.time_base)
    frames = stream.frames or None
    if frames is None and duration is not None and rate is not None:
        frames = max(1, round(duration * rate))
    return StreamTiming(time_base, rate, variable, duration, frames)


def positive(value: Fraction | None) -> Fraction | None:
    """The value, or None if it is not positive."""
    return value if value is not None and value > 0 else None


def _spacing(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[bool, Fraction | None]:
    """Whether the first frames are spaced unevenly, by more than rounding; and average frames per tick."""
    stamps: set[int] = set()
    at_end = True
    try:
        container.seek(0)
        for count, packet in enumerate(packets_of(container, stream)):
            if packet.pts is not None:
                stamps.add(packet.pts)
            if count >= RATE_PACKETS:
                at_end = False
                break
    except av.FFmpegError:
        return False, None
    # Neighbours of the last frames may come later in the file.
    ordered = sorted(stamps)[: None if at_end else -MAX_REORDERING]
    steps = [after - before for before, after in pairwise(ordered)]
    if not steps:
        return False, None
    return max(steps) - min(steps) > max(2, max(steps) // 10), Fraction(len(steps), sum(steps))


def _tagged_duration(stream: av.VideoStream) -> Fraction | None:
    """The duration in a tag of a Matroska stream, such as 00:00:05.120000000."""
    match = _DURATION_TAG.fullmatch(stream.metadata.get("DURATION", ""))
    if match is None:
        return None
    hours, minutes, seconds, nano = (int(part) for part in match.groups())
    return positive(hours * 3600 + minutes * 60 + seconds + Fraction(nano, 10**9))
