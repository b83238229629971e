"""One pass over a clip: where its shots begin, when its frames are shown, and what they decode to."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch

from vst.errors import VstError
from vst.frame import Frame
from vst.media import Reader
from vst.media.decode.decoder import SeekPoint
from vst.pipeline.frame_range import IsSet, unless_stopped
from vst.pipeline.plan import RenderPlan
from vst.pipeline.session import StylizerSession
from vst.pipeline.working_frame import WorkingFrame
from vst.progress import Progress, progress_now

SCANNING = "shots"
"""The stage of a progress while a clip is scanned."""

SEEK_DISTANCE = 10
"""Frames between two seek points that are kept, at least: to decode so few takes no longer than to seek."""

_NO_IMAGE = torch.empty(3, 0, 0)


class OtherFrames(VstError):
    """A frame is decoded to something else than when the job was planned."""


@dataclass
class Scan:
    """Consecutive frames of a clip.

    Attributes:
        first: Index of the first one.
        frames: The frames in order, without images.
        begins: Whether a shot begins at each of them.
        checksums: Of what each of them is decoded to.
        seek_points: Keyframes; none if decoding cannot begin at them.
    """

    first: int
    frames: list[Frame] = field(default_factory=list)
    begins: list[bool] = field(default_factory=list)
    checksums: list[int] = field(default_factory=list)
    seek_points: tuple[SeekPoint, ...] = ()


def checksum(frame: WorkingFrame) -> int:
    """A checksum of a decoded frame: its image at working resolution, alpha, and time.

    Any change of the decoded frame of more than rounding changes it: each pixel is part of the average that
    makes a smaller one.
    """
    found = zlib.crc32(str(frame.time).encode())
    for plane in (frame.image, frame.alpha):
        if plane is not None:
            found = zlib.crc32(plane.contiguous().numpy().data, found)
    return found


def scan(
    plan: RenderPlan,
    like: Reader,
    session: StylizerSession,
    first: int,
    is_past_end: Callable[[Frame], bool],
    *,
    total: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Scan:
    """Scan a clip in one pass.

    Args:
        plan: The render.
        like: A reader of the clip.
        session: Finds the shots.
        first: Index of the first frame.
        is_past_end: Whether a frame comes after the last one that is wanted.
        total: Number of frames, if it is known, for the progress.
        progress: Called after every frame.
        stop: Set it to stop.

    Raises:
        CutShort: The clip is damaged before its end.
        Interrupted: `stop` was set.
    """
    found = Scan(first)
    with plan.open_reader(stop, like=like) as reader:
        reader.begin_at(first)
        watched = Watched(total, progress)
        for frame, begins in scanned(reader, session, stop, found.checksums):
            if is_past_end(frame):
                break
            found.frames.append(without_image(frame))
            found.begins.append(begins)
            watched.count()
        del found.checksums[len(found.frames) :]
        found.seek_points = () if was_damaged(reader) else tuple(reader.seek_points)
    return found


def scanned(
    reader: Reader, session: StylizerSession, stop: IsSet | None, checksums: list[int]
) -> Iterator[tuple[Frame, bool]]:
    """The frames of a reader, each with whether a shot begins at it; the checksums are appended."""

    def reduced() -> Iterator[WorkingFrame]:
        for given in unless_stopped(reader.decoded(), stop):
            frame = session.reduce(given)
            checksums.append(checksum(frame))
            yield frame

    return session.shots(reduced())


def without_image(frame: Frame) -> Frame:
    """Index, time and duration of a frame."""
    return Frame(frame.index, frame.time, frame.duration, _NO_IMAGE)


def was_damaged(reader: Reader) -> bool:
    """Whether anything in a clip that was read was damaged and repaired.

    Which frames are replaced, and by what, is known only to a decoder that has seen the damage.
    """
    return bool(reader.errors or reader.concealed or reader.repaired)


def spread(points: Iterable[SeekPoint]) -> tuple[SeekPoint, ...]:
    """Some of the seek points, `SEEK_DISTANCE` apart; the first frame of a clip is always one."""
    found: list[SeekPoint] = []
    for point in points:
        if point.frame - (found[-1].frame if found else 0) >= SEEK_DISTANCE:
            found.append(point)
    return tuple(found)


class FrameCheck:
    """Compares decoded frames with checksums.

    Args:
        first: Index of the frame of the first checksum.
        checksums: From `Scan`.
        name: Of the clip, for the error text.
    """

    def __init__(self, first: int, checksums: tuple[int, ...], name: str) -> None:
        self._first, self._checksums, self._name = first, checksums, name

    def __call__(self, frame: WorkingFrame) -> None:
        """Check a frame; one without a checksum passes.

        Raises:
            OtherFrames: It is not what it was when the job was planned.
        """
        place = frame.index - self._first
        if 0 <= place < len(self._checksums) and self._checksums[place] != checksum(frame):
            raise OtherFrames(
                f"frame {frame.index} of {self._name} is decoded to other values here than where the job "
                "was planned: use the same version of PyAV and the same --hwaccel on every machine"
            )


class Watched:
    """Reports the progress of a scan.

    Args:
        total: Number of frames, if it is known.
        progress: Called after every frame.
    """

    def __init__(self, total: int | None, progress: Callable[[Progress], None] | None) -> None:
        self._total, self._progress, self._count, self._began = total, progress, 0, time.monotonic()

    def count(self, frames: int = 1) -> None:
        """Frames were scanned."""
        self._count += frames
        if self._progress is not None:
            self._progress(progress_now(self._count, self._total, self._began, SCANNING, 0))
