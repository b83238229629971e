"""Decoding a video stream into libav's frames, with the timestamps of the frames lost to damage."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from vst.errors import CutShort, MediaError
from vst.media.clock.video_clock import ClockedPacket, VideoClock, may_restart
from vst.media.decode.frame_order import MAX_WAITING, FrameOrder, FrameTimes
from vst.media.decode.hardware import device_of
from vst.media.file_errors import reason_of
from vst.media.libav import decoding_options, open_input, packets_of
from vst.media.notes import Note, Notes, repaired
from vst.media.probe.clip_info import ClipInfo
from vst.media.probe.first_frame import make_decoder

DECODER_THREADS = 2


_SEEK_EARLIER = (0, 1, 4, 16)
"""Seconds by which a place in a file is looked for earlier, until the packet comes after it."""

_MAX_SEARCHED = 2000
"""Packets that are read to find one."""


class SeekError(MediaError):
    """Decoding cannot begin at a frame: the file was searched, and another frame was found."""


@dataclass(frozen=True, slots=True)
class SeekPoint:
    """A frame at which decoding can begin.

    Attributes:
        frame: Its index in the clip.
        pts: Its timestamp, in the time base of the stream.
    """

    frame: int
    pts: int


def too_damaged(path: Path, run: int, allowed: int) -> CutShort:
    """The error for a clip with `run` damaged frames in a row, where `allowed` are allowed."""
    frames = "1 frame" if run == 1 else f"{run} frames in a row"
    return CutShort(f"{path} is damaged: {frames} cannot be decoded (more than {allowed}, --max-damaged)")


class Decoder:
    """The frames of a clip in presentation order, each with the timestamps of the frames lost before it.

    The order is the decoder's. Timestamps strictly increase: those that cannot be right are computed from
    their neighbours, and a clock that restarts is continued.

    Iterate once, within the `with` block. The last item is None with the timestamps lost after the last
    frame, if they are known.

    With `begin_at`, the first frame is that of a seek point. Frames that come before it, in the decoder's
    order or by their timestamps, are dropped. Whether it and the later ones are those of a decoder that
    began at the start of the file is not known here: in some files frames refer to others before a
    keyframe.

    Many attributes: its arguments, what is open, and what was counted.

    Args:
        info: The clip, from `probe`.
        max_damaged: Damaged packets in a row that are skipped.
        threads: Decoder threads.
        notes: Gets a note if the file ends early.
        device: The kind of device that decodes; None for software.

    Raises:
        MediaError: On entering, if the file cannot be opened.
        CutShort: While iterating, if too many packets in a row are damaged.
        SeekError: While iterating, if the file has no such frame where it was searched.
    """

    def __init__(
        self,
        info: ClipInfo,
        *,
        max_damaged: int,
        threads: int,
        notes: Notes,
        device: str | None = None,
    ) -> None:
        self.errors = 0
        """Packets that could not be decoded, so far."""
        self.concealed = 0
        """Frames that the decoder returned with errors concealed, so far."""
        self._info = info
        self._max_damaged = max_damaged
        self._threads = threads
        self._notes = notes
        self._hwaccel = None if device is None else device_of(device)
        self._stack = ExitStack()
        self._first: int | None = None
        self._clock: VideoClock | None = None

    def begin_at(self, pts: int) -> None:
        """Begin at the frame with this timestamp instead of the first; to be called before `__enter__`."""
        self._first = pts

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _open(self) -> None:
        self._container = self._stack.enter_context(open_input(self._info.path, self._hwaccel))
        stream = self._container.streams[self._info.stream_index]
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._context = make_decoder(stream)
        self._context.options = decoding_options()
        if self._hwaccel is None:
            self._context.thread_type = "AUTO"
            self._context.thread_count = self._threads
        self._clock = VideoClock(stream, discontinuous=may_restart(self._container))
        if self._first is not None:
            try:
                self._seek(self._first)
            except (av.FFmpegError, OverflowError) as error:
                raise self._missed() from error

    def _seek(self, first: int) -> None:
        """Go to a place in the file from which the packet with a timestamp is read.

        Containers without an index are searched by libav, which may find a later packet (MPEG-TS, MPEG-PS).
        """
        start = math.floor(self._info.start / self._info.time_base)
        for seconds in _SEEK_EARLIER:
            target = max(first - round(seconds / self._info.time_base), min(start, first))
            self._container.seek(target, stream=self._stream, backward=True)
            if self._is_ahead(first):
                self._container.seek(target, stream=self._stream, backward=True)
                return
        raise self._missed()

    def _is_ahead(self, first: int) -> bool:
        """Whether the keyframe with a timestamp is among the next packets."""
        for number, packet in enumerate(packets_of(self._container, self._stream)):
            stamp = packet.dts if self._has_decoding_times_only else packet.pts
            if packet.is_keyframe and stamp is not None and stamp >= first:
                return stamp == first
            if number > _MAX_SEARCHED:
                break
        return False

    @property
    def _has_decoding_times_only(self) -> bool:
        """Whether frames get the decoding times of the packets, in order."""
        return self._info.in_decoding_order and self._info.container == "avi"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        order = FrameOrder(self._context, self._info.in_decoding_order, self._notes)
        unit = self._info.time_base
        times = FrameTimes(self._info.start / unit, self._info.frame_duration / unit, self._notes)
        seen = run = 0
        any_frame, first = False, self._first
        for item in self._packets():
            packet = None if item is None else item.packet
            seen += packet is not None
            if packet is not None and not packet.is_discard:
                order.feed(packet)
            frames, failed = self._decode(packet)
            # Where recordings are joined, libav takes the continuity counters of MPEG-TS for damage.
            failed |= item is not None and item.packet.is_corrupt and not item.at_joint
            # Before the frame that was searched, frames may lack those that they refer to.
            failed &= first is None
            if failed:
                self.errors += 1
                order.fail()
            run = run + 1 if failed else 0
            if run > self._max_damaged:
                raise too_damaged(self._info.path, run, self._max_damaged)
            for frame in frames:
                lost = order.take(frame)
                if lost is None:
                    continue
                if first is not None:
                    if not self._is_found(frame, first):
                        continue
                    first, lost = None, []
                self.concealed += frame.is_corrupt
                lost = lost if self._counts_as_lost(frame, any_frame) else []
                order.replace(lost)
                for missing in lost if any_frame else []:
                    times.passed(missing)
                times.settle(frame, order.next)
                yield frame, lost
                any_frame = True
        if first is not None:
            raise self._missed()
        if self._first is None and seen < self._stated_frames():
            self._notes.add(
                repaired(
                    f"the file states {self._stream.frames} frames but has {seen}: it may be cut short"
                )
            )
        if any_frame and self._info.codec != "vp8" and not self._info.fields.interlaced:
            yield None, order.rest

    def _is_found(self, frame: av.VideoFrame, first: int) -> bool:
        """Whether a frame is the one that was searched.

        Raises:
            SeekError: It comes after that.
        """
        if frame.pts is not None and frame.pts > first:
            raise self._missed()
        return frame.pts == first

    def _missed(self) -> SeekError:
        return SeekError(
            f"{self._info.path} cannot be read from the frame with the timestamp {self._first} on: "
            "read it from its beginning"
        )

    def _counts_as_lost(self, frame: av.VideoFrame, any_frame: bool) -> bool:
        """Whether packets before this frame that gave no frame count as lost frames.

        VP8 stores hidden frames in packets of their own, interlaced clips may have a packet per field, and
        a clip cut from a longer one may begin with frames whose reference frames are missing.
        """
        if self.errors:
            return True
        return any_frame and self._info.codec != "vp8" and not frame.interlaced_frame

    def _stated_frames(self) -> int:
        """Number of frames by the header; an edit list may leave out some of those that it counts."""
        stated = self._stream.frames
        if self._info.duration is None or self._info.average_rate is None:
            return stated
        return min(stated, math.floor(self._info.duration * self._info.average_rate))

    @property
    def clock_notes(self) -> list[Note]:
        """What the clock of the file is like, as far as it was read."""
        return [] if self._clock is None else self._clock.notes

    def _packets(self) -> Iterator[ClockedPacket | None]:
        """The stream's packets with continued timestamps, then None to flush."""
        assert self._clock is not None  # within the `with` block
        for item in self._clock.packets(self._stored_packets()):
            if self._has_decoding_times_only:
                item.packet.pts = item.packet.dts
            yield item
        yield None

    def _stored_packets(self) -> Iterator[av.Packet]:
        """The stream's packets; a reading error ends them with a note."""
        try:
            for packet in packets_of(self._container, self._stream):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self._notes.add(repaired(f"reading stopped before the end of the file ({reason_of(error)})"))

    def _decode(self, packet: av.Packet | None) -> tuple[list[av.VideoFrame], bool]:
        """The frames that the decoder returns for a packet (None to flush), and whether it failed."""
        try:
            return self._context.decode(packet), False
        except av.EOFError:
            return [], False
        except av.FFmpegError:
            return ([] if packet is not None else self._drain()), True

    def _drain(self) -> list[av.VideoFrame]:
        """The frames that the decoder still holds after an error while flushing."""
        frames: deque[av.VideoFrame] = deque()
        for _ in range(MAX_WAITING):
            try:
                got = self._context.decode(None)
            except av.EOFError:
                break
            except av.FFmpegError:
                continue
            if not got:
                break
            frames.extend(got)
        return list(frames)
