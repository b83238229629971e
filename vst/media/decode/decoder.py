"""A container's video stream as libav's frames, and the times of those that were lost to damage."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from vst.errors import CutShort
from vst.media.decode.hardware import device_of
from vst.media.probe.clip import ClipInfo, make_decoder
from vst.media.probe.containers import decoding_options, open_input, packets_of, reason_of

DECODER_THREADS = 2

MAX_WAITING = 256
"""So many packets may wait for their frame; no decoder holds more, so older ones are lost for good."""


def too_damaged(path: Path, run: int, allowed: int) -> CutShort:
    """The error that ends a clip in which `run` frames in a row are damaged."""
    frames = "1 frame" if run == 1 else f"{run} frames in a row"
    return CutShort(f"{path} is damaged: {frames} cannot be decoded (more than {allowed}, --max-damaged)")


class Decoder:
    """The frames of a clip in order of presentation, each with the timestamps of those lost before it.

    Iterate once, within the `with` block. At the end comes None with those that were lost after the last
    frame, where that is known.

    Args:
        info: What `probe` says of the clip.
        max_damaged: So many damaged packets in a row are passed over.
        threads: Decoder threads.
        note: Told what a user should know.
        device: The kind of device that decodes, None for software.

    Raises:
        MediaError: On entering, if the file cannot be opened.
        CutShort: While iterating, if too many packets in a row are damaged.
    """

    def __init__(
        self,
        info: ClipInfo,
        *,
        max_damaged: int,
        threads: int,
        note: Callable[[str], None],
        device: str | None = None,
    ) -> None:
        self.errors = 0
        """Packets that could not be decoded, so far."""
        self.patched = 0
        """Frames that the decoder gave with parts made up, so far."""
        self._info = info
        self._max_damaged = max_damaged
        self._threads = threads
        self._note = note
        self._hwaccel = None if device is None else device_of(device)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._container = self._stack.enter_context(open_input(self._info.path, self._hwaccel))
        stream = self._container.streams[self._info.stream_index]
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._context = make_decoder(stream)
        self._context.options = decoding_options()
        if self._hwaccel is None:
            self._context.thread_type = "AUTO"
            self._context.thread_count = self._threads
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        waiting: list[int] = []
        seen = run = 0
        any_frame = False
        for packet in self._packets():
            seen += packet is not None
            if packet is not None and packet.pts is not None and not packet.is_discard:
                insort(waiting, packet.pts)
                del waiting[:-MAX_WAITING]
            frames, failed = self._decode(packet)
            self.errors += failed
            run = run + 1 if failed else 0
            if run > self._max_damaged:
                raise too_damaged(self._info.path, run, self._max_damaged)
            for frame in frames:
                lost: list[int] = []
                if frame.pts is not None:
                    place = bisect_left(waiting, frame.pts)
                    lost = waiting[:place]
                    del waiting[: bisect_right(waiting, frame.pts)]
                self.patched += frame.is_corrupt
                yield frame, lost if self._counts_as_lost(frame, any_frame) else []
                any_frame = True
        if seen < self._stream.frames:
            self._note(
                f"the file announces {self._stream.frames} frames but holds {seen}: it may be cut short"
            )
        if any_frame and self._info.codec != "vp8" and not self._info.interlaced:
            yield None, waiting

    def _counts_as_lost(self, frame: av.VideoFrame, any_frame: bool) -> bool:
        """Whether a packet before this frame that gave none was a frame, and not a part or a hidden one.

        VP8 keeps hidden frames in packets of their own, interlaced clips may have a packet a field, and a
        clip cut out of a longer one may begin with frames that lean on what is not there.
        """
        if self.errors:
            return True
        return any_frame and self._info.codec != "vp8" and not frame.interlaced_frame

    def _packets(self) -> Iterator[av.Packet | None]:
        """The stream's packets, then None to flush; reading errors end it with a note."""
        try:
            for packet in packets_of(self._container, self._stream):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self._note(f"reading stopped before the end of the file ({reason_of(error)})")
        yield None

    def _decode(self, packet: av.Packet | None) -> tuple[list[av.VideoFrame], bool]:
        """The frames that a packet, or None for the end, brings out; and whether it is damaged."""
        damaged = packet is not None and packet.is_corrupt
        try:
            return self._context.decode(packet), damaged
        except av.EOFError:
            return [], damaged
        except av.FFmpegError:
            return ([] if packet is not None else self._drain()), True

    def _drain(self) -> list[av.VideoFrame]:
        """What the decoder still holds after an error at the flush."""
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
