"""`Reader`: a clip as a stream of frames, read once, with bounded memory and exact times."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from vst.errors import CutShort, MediaError
from vst.frame import Frame
from vst.media.decode.animation_source import AnimationSource, RetimedSource
from vst.media.decode.decoded_frame import DecodedFrame
from vst.media.decode.decoder import DECODER_THREADS, Decoder, SeekPoint
from vst.media.decode.hardware import NONE, choose_device
from vst.media.decode.image_source import ImageSource, StillSource
from vst.media.decode.options import (
    AUTO_COLOR,
    apply_options,
    check_deinterlace,
    check_hdr,
    check_input_color,
)
from vst.media.decode.sequence_source import SequenceSource
from vst.media.decode.video_source import VideoSource
from vst.media.limits import FRAMES, SECONDS
from vst.media.notes import Note, Notes, repaired
from vst.media.pipes.input_stream import held_stream
from vst.media.probe.clip_info import ClipInfo
from vst.media.probe.open import probe
from vst.media.stills.animation import animation_of
from vst.stream_paths import is_stream

MAX_DAMAGED = 10
"""Damaged frames in a row that are replaced by default."""

CUT_SHORT_BELOW = Fraction(4, 5)
"""A clip that ends before this part of its stated duration may be cut short."""


class Reader:
    """The frames of a clip, in presentation order.

    Iterate once; another pass needs another reader. Times are those of the container, exact. Missing times,
    and times out of order, are computed from the neighbours, with a note in `notes`. A frame that cannot be
    decoded is replaced by its nearest good neighbour if its time is known.

    Args:
        path: A video, a picture, or the pattern of an image sequence.
        max_damaged: Damaged frames in a row that are replaced; one more ends the clip with an error.
        threads: Decoder threads.
        fps: Frames per second of an image sequence.
        hdr: One of `HDR`: what to do with PQ and HLG.
        deinterlace: One of `DEINTERLACE`.
        hwaccel: The kind of device that decodes, by libav's name (``cuda``, ``vaapi``, ``videotoolbox``);
            ``auto`` for the first one that works, or else software; ``none``.
        input_color: How the samples of pictures store light: a key of `vst.media.colour.curves.CURVES`;
            ``auto`` for linear light in OpenEXR and sRGB in other pictures.
        for_exr: Whether the frames are written as OpenEXR. Then those of OpenEXR files have their overscan,
            and light where alpha is 0.
        stop: Ends the waiting for a pipe once it is set.
        like: Another reader of the clip with the same options; the clip is not described again.

    Raises:
        MediaError: If the file cannot be read (see `probe`), or not by the device; while iterating, if no
            frame can be decoded.
        CutShort: While iterating, if too many frames in a row are damaged, or a limit is exceeded
            (`vst.media.limits`). The frames before are good.
        Interrupted: If `stop` is set while a pipe is waited for; while iterating too.
        UsageError: For an unknown `hdr`, `deinterlace`, `hwaccel` or `input_color`, or if `fps` or
            `input_color` is given for a clip that it does not apply to.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_damaged: int = MAX_DAMAGED,
        threads: int = DECODER_THREADS,
        fps: Fraction | None = None,
        hdr: str = "tonemap",
        deinterlace: str = "no",
        hwaccel: str = NONE,
        input_color: str = AUTO_COLOR,
        for_exr: bool = False,
        stop: threading.Event | None = None,
        like: Reader | None = None,
    ) -> None:
        check_hdr(hdr)
        check_deinterlace(deinterlace)
        check_input_color(input_color)
        with ExitStack() as opening:
            if is_stream(Path(path)):
                opening.enter_context(held_stream(Path(path), stop))
            stored: ClipInfo = probe(path, fps=fps) if like is None else like.stored
            self.stored: ClipInfo = stored
            """The properties of the file, from `probe`."""
            self.info: ClipInfo = (
                apply_options(stored, hdr, deinterlace, input_color, for_exr) if like is None else like.info
            )
            """The properties of the frames; for HDR and interlaced clips they may differ from `stored`."""
            device, note = choose_device(hwaccel, stored)
            # A stream can be opened again until the end of the `with` block, for its audio.
            self._held = opening.pop_all()
        self._notes = Notes(self.info.notes)
        if note is not None:
            self._notes.add(note)
        self._source: ImageSource
        if stored.is_still:
            self._source = StillSource(self.info, self._notes)
        elif stored.is_animated_webp:
            self._source = AnimationSource(self.info, max_damaged, self._notes)
        elif stored.sequence is not None:
            self._source = SequenceSource(self.info, max_damaged, self._notes)
        else:
            decoder = Decoder(
                stored, max_damaged=max_damaged, threads=threads, notes=self._notes, device=device
            )
            self._source = VideoSource(stored, self.info, decoder, deinterlace, max_damaged, self._notes)
            animation = None if stored.plays is None else animation_of(stored.path)
            if animation is not None and animation.corrected:
                self._source = RetimedSource(self._source, animation)
        self._first = self._begin = 0
        self._started = False
        self._limits = {limit: limit.value for limit in (FRAMES, SECONDS)}

    @property
    def errors(self) -> int:
        """Packets, or files of a sequence, that could not be decoded, so far."""
        return self._source.errors

    @property
    def concealed(self) -> int:
        """Frames that were decoded only in part, so far; the decoder concealed the rest."""
        return self._source.concealed

    @property
    def repaired(self) -> int:
        """Frames that were replaced by a neighbour, so far."""
        return self._source.repaired

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a user should know, so far."""
        return tuple(self._notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._held.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.decoded():
            yield frame.convert()

    def decoded(self) -> Iterator[DecodedFrame]:
        """The frames before their conversion to R'G'B', for those who keep several of them.

        Raises:
            MediaError: As the iteration over frames.
        """
        if self._started:
            raise MediaError(f"{self.info.path} is read in one pass: open a new reader for another")
        self._started = True
        with self._closing() as stack:
            # The notes are also added if the clip is not read to its end.
            stack.callback(self._source.add_final_notes)
            yield from self._frames()

    @property
    def seek_points(self) -> Sequence[SeekPoint]:
        """Frames at which decoding can begin, for `begin_at`, among those that were read so far."""
        return self._source.seek_points

    def begin_at(self, first: int, points: Sequence[SeekPoint] = ()) -> None:
        """Skip the frames before an index; to be called before the iteration.

        They are decoded, because later frames depend on them, but not converted. A frame is the same
        wherever reading begins.

        Args:
            first: Index of the first frame to return.
            points: Where decoding may begin instead of at the first frame, in order: at the last one that
                is not after `first`. The iteration raises `SeekError` if that frame is not found. Whether
                the frames are the same is not checked: in some files they refer to others before a
                keyframe.
        """
        self._first = first
        before = [point for point in points if point.frame <= first]
        if before and self._source.begin_at(before[-1]):
            self._begin = before[-1].frame

    def is_last_pass(self) -> None:
        """Say that no other reader will begin at the start of the clip: of a stream that holds nothing but
        frames, what has been read is deleted from now on."""
        if is_stream(self.info.path) and not self.info.may_hold_extras:
            with held_stream(self.info.path) as stream:
                stream.keep_no_more()

    def times(self) -> Iterator[Fraction]:
        """The times of all frames, which is faster than reading the frames.

        Raises:
            MediaError: As the iteration over frames.
        """
        with self._closing():
            for image in self._source.read(sys.maxsize):
                yield image.time

    def _closing(self) -> ExitStack:
        stack = ExitStack()
        stack.callback(self.close)
        return stack

    def _frames(self) -> Iterator[DecodedFrame]:
        """Frames with durations: each is held until the time of the next one is known."""
        held: DecodedFrame | None = None
        last: Fraction | None = None
        gap = self.info.frame_duration
        stated = gap
        count = self._begin
        failure: MediaError | None = None
        images = self._source.read(self._first)
        while True:
            try:
                time, duration, image = next(images)
                self._check_limits(count + 1, time)
            except StopIteration:
                break
            except MediaError as error:
                failure = error
                break
            if last is not None:
                gap = time - last
            if held is not None:
                yield replace(held, duration=gap)
            if count >= self._first:
                assert image is not None
                held = DecodedFrame(count, time, gap, image)
            last, stated = time, duration
            count += 1
        length = stated if stated > 0 else gap
        if held is not None:
            yield replace(held, duration=length)
        if failure is not None:
            raise failure
        if last is None:
            raise MediaError(
                f"{self.info.path} has no frame that can be decoded: the file is damaged or cut short"
            )
        self._note_early_end(last + length)

    def _note_early_end(self, end: Fraction) -> None:
        length, stated = end - self.info.start, self.info.duration
        if stated is not None and length < stated * CUT_SHORT_BELOW:
            self._notes.add(
                repaired(
                    f"the video lasts {float(length):.3f} s, but the file states a duration of "
                    f"{float(stated):.3f} s: it may be cut short"
                )
            )

    def _check_limits(self, count: int, time: Fraction) -> None:
        """End a clip that is longer than its header states and than a limit allows."""
        for limit, found in ((FRAMES, count), (SECONDS, time - self.info.start)):
            if found > self._limits[limit]:
                raise CutShort(limit.error_text(self.info.path, float(found)))
