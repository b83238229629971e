"""A clip as a stream of frames: one pass, bounded memory, exact times, upright pictures."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import torch

from vst.errors import MediaError
from vst.frame import Frame
from vst.media.colour import ColourSpec, spec_from_tags, to_rgb
from vst.media.containers import open_input, reason_of
from vst.media.layout import layout_of
from vst.media.probe import ClipInfo, make_decoder, probe
from vst.media.stills import read_still

DECODER_THREADS = 2

MAX_WAITING = 256
"""So many packets may wait for their frame; no decoder holds more, so older ones are lost for good."""


class Reader:
    """The frames of a clip, in order of presentation.

    Iterate once; a new pass needs a new reader. Times are those of the container, exact; where it gives
    none, or gives them out of order, they are made up from the neighbours and `notes` says so. A frame that
    cannot be decoded is replaced by its nearest good neighbour where its place in time is known.

    Args:
        path: A video or a picture.
        max_errors: So many damaged packets in a row are repaired; one more ends the clip with an error.
        threads: Decoder threads.

    Raises:
        MediaError: If the file cannot be read (see `probe`); while iterating, if no frame or too few of
            them can be decoded.
    """

    def __init__(self, path: str | Path, *, max_errors: int = 10, threads: int = DECODER_THREADS) -> None:
        self.info: ClipInfo = probe(path)
        self.repaired = 0
        """Frames that were replaced by a neighbour, so far."""
        self.errors = 0
        """Packets that could not be decoded, so far."""
        self._max_errors = max_errors
        self._threads = threads
        self._notes: list[str] = list(self.info.notes)
        self._stack = ExitStack()
        self._started = False
        self._specs: dict[tuple[str, int, int], ColourSpec] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know, as far as the clip has been read."""
        return tuple(self._notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._started:
            raise MediaError(f"{self.info.path} is read in one pass: open a new reader for another")
        self._started = True
        if self.info.is_still:
            image, alpha = read_still(self.info.path)
            yield Frame(0, Fraction(0), Fraction(1, 25), image, alpha)
            return
        with self._stack:
            yield from self._frames()

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _frames(self) -> Iterator[Frame]:
        """Frames with durations: each waits for the next one's time."""
        held: Frame | None = None
        gap = 1 / self.info.average_rate if self.info.average_rate else Fraction(1, 25)
        count = 0
        failure: MediaError | None = None
        decoded = self._timed(gap)
        own = gap
        while True:
            try:
                time, length, image, alpha = next(decoded)
            except StopIteration:
                break
            except MediaError as error:
                failure = error
                break
            if held is not None:
                gap = time - held.time
                yield replace(held, duration=gap)
            held = Frame(count, time, gap, image, alpha)
            own = length
            count += 1
        if held is not None:
            yield replace(held, duration=own if own > 0 else gap)
        if failure is not None:
            raise failure
        end = held.time + held.duration if held is not None else Fraction(0)
        if self.info.duration is not None and end - self.info.start < self.info.duration * 4 / 5:
            self._note(
                f"the picture ends at {float(end):.3f} s, but the file announces "
                f"{float(self.info.duration):.3f} s: it may be cut short"
            )
        if not count:
            raise MediaError(
                f"{self.info.path} has no frame that can be decoded: the file is damaged or cut short"
            )
        self._report()

    def _report(self) -> None:
        if self.errors:
            self._note(f"{self.errors} damaged packets could not be decoded")
        if self.repaired:
            self._note(f"{self.repaired} damaged frames were replaced by their nearest good neighbour")

    def _timed(
        self, gap: Fraction
    ) -> Iterator[tuple[Fraction, Fraction, torch.Tensor, torch.Tensor | None]]:
        """Time, own duration, image and alpha of every frame, times strictly increasing."""
        unit = self.info.time_base
        last: Fraction | None = None
        previous: tuple[torch.Tensor, torch.Tensor | None] | None = None
        filled: set[int] = set()
        for frame, lost in self._decoded():
            if frame is not None and frame.pts is not None and frame.pts in filled:
                # It came after all, but late: its place is taken.
                continue
            picture = self._picture(frame) if frame is not None else previous
            if picture is None:
                return
            if len(lost) > self._max_errors:
                raise self._too_damaged(len(lost))
            for missing in lost:
                if last is None or missing * unit > last:
                    self.repaired += 1
                    filled.add(missing)
                    last = missing * unit
                    yield last, Fraction(0), *(previous or picture)
            if frame is None:
                return
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None:
                time = last + gap if last is not None else self.info.start
                self._note("some frames carry no time; it is reckoned from the frame rate")
            else:
                time = stamp * unit
            if last is not None and time <= last:
                time = last + min(gap, unit)
                self._note("some frames are timed out of order; they are set right after the one before")
            elif last is not None:
                gap = time - last
            yield time, Fraction(frame.duration or 0) * unit, *picture
            last, previous = time, picture
            filled = {place for place in filled if place * unit > last - MAX_WAITING * gap}

    def _too_damaged(self, run: int) -> MediaError:
        self._report()
        return MediaError(
            f"{self.info.path} is damaged: {run} frames in a row cannot be decoded "
            f"(more than {self._max_errors}); what came before them was read"
        )

    def _decoded(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        """Every decoded frame, with the timestamps of those that were lost to damage just before it.

        At the end comes None with those that were lost after the last frame.
        """
        container = self._stack.enter_context(open_input(self.info.path))
        stream = container.streams[self.info.stream_index]
        assert isinstance(stream, av.VideoStream)
        decoder = make_decoder(stream)
        decoder.thread_type = "AUTO"
        decoder.thread_count = self._threads
        waiting: list[int] = []
        seen = run = 0
        any_frame = False
        for packet in self._packets(container, stream):
            seen += packet is not None
            if packet is not None and packet.pts is not None and not packet.is_discard:
                insort(waiting, packet.pts)
                del waiting[:-MAX_WAITING]
            failed = packet is not None and packet.is_corrupt
            frames: list[av.VideoFrame] = []
            try:
                frames = decoder.decode(packet)
            except av.EOFError:
                frames = []
            except av.FFmpegError:
                failed = True
                if packet is None:
                    frames = self._drain(decoder)
            self.errors += failed
            run = run + 1 if failed else 0
            if run > self._max_errors:
                raise self._too_damaged(run)
            for frame in frames:
                lost: list[int] = []
                if frame.pts is not None:
                    place = bisect_left(waiting, frame.pts)
                    lost = waiting[:place]
                    del waiting[: bisect_right(waiting, frame.pts)]
                yield frame, lost if self._counts_as_lost(frame, any_frame) else []
                any_frame = True
        if seen < stream.frames:
            self._note(f"the file announces {stream.frames} frames but holds {seen}: it may be cut short")
        if any_frame and self.info.codec != "vp8" and not self.info.interlaced:
            yield None, waiting

    def _counts_as_lost(self, frame: av.VideoFrame, any_frame: bool) -> bool:
        """Whether a packet before this frame that gave none was a frame, and not a part or a hidden one.

        VP8 keeps hidden frames in packets of their own, interlaced clips may have a packet a field, and a
        clip cut out of a longer one may begin with frames that lean on what is not there.
        """
        if self.errors:
            return True
        return any_frame and self.info.codec != "vp8" and not frame.interlaced_frame

    def _packets(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.Packet | None]:
        """The stream's packets, then None to flush; reading errors end it with a note."""
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self._note(f"reading stopped before the end of the file ({reason_of(error)})")
        yield None

    @staticmethod
    def _drain(decoder: av.VideoCodecContext) -> list[av.VideoFrame]:
        """What a decoder still holds after an error at the flush."""
        frames: deque[av.VideoFrame] = deque()
        for _ in range(MAX_WAITING):
            try:
                got = decoder.decode(None)
            except av.EOFError:
                break
            except av.FFmpegError:
                continue
            if not got:
                break
            frames.extend(got)
        return list(frames)

    def _picture(self, frame: av.VideoFrame) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Upright R'G'B' and alpha, in the clip's size."""
        image, alpha = to_rgb(frame, self._spec(frame))
        turn = self.info.orientation
        image = turn.apply(image)
        alpha = turn.apply(alpha) if alpha is not None else None
        size = (self.info.height, self.info.width)
        if tuple(image.shape[1:]) != size:
            self._note(f"the picture changes its size within the clip; it is scaled to {size[1]}×{size[0]}")
            image = torch.nn.functional.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
            if alpha is not None:
                alpha = torch.nn.functional.interpolate(alpha[None], size, mode="bilinear", antialias=True)[
                    0
                ]
        return image, alpha

    def _spec(self, frame: av.VideoFrame) -> ColourSpec:
        """What this frame's samples mean: the clip's colour, unless the frame says otherwise."""
        key = (frame.format.name, int(frame.colorspace), int(frame.color_range))
        spec = self._specs.get(key)
        if spec is None:
            layout = layout_of(frame.format.name)
            clip = self.info.colour
            if layout.is_rgb == (clip.matrix == "rgb") and not layout.implied_full:
                spec = clip
            else:
                spec = spec_from_tags(
                    layout,
                    self.info.coded_height,
                    matrix=int(frame.colorspace),
                    range_=int(frame.color_range),
                    primaries=clip.primaries,
                    transfer=clip.transfer,
                )
            self._specs[key] = spec
        return spec
