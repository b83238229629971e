"""The images of a video file, with damaged frames replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from functools import partial

import av

from vst.media.decode.combing import CombDetector
from vst.media.decode.decoder import Decoder, SeekPoint, too_damaged
from vst.media.decode.deinterlace import Deinterlacer
from vst.media.decode.frame_order import FrameTimes
from vst.media.decode.image_converter import ImageConverter
from vst.media.decode.image_source import TimedImage, note_repaired
from vst.media.notes import Note, NoteKind, Notes, repaired
from vst.media.probe.clip_info import ClipInfo
from vst.media.stills.read import DecodedImage


class VideoSource:
    """Decodes a video file.

    Many attributes: beside its arguments, what was counted and found while decoding.

    Args:
        stored: The clip as stored.
        info: The clip as read.
        decoder: Decodes it; opened by `read`.
        deinterlace: The option ``--deinterlace``.
        max_damaged: Damaged frames in a row that are replaced; one more ends the clip with an error.
        notes: Gets the notes of decoding.
    """

    def __init__(
        self,
        stored: ClipInfo,
        info: ClipInfo,
        decoder: Decoder,
        deinterlace: str,
        max_damaged: int,
        notes: Notes,
    ) -> None:
        self.repaired = 0
        self.seek_points: list[SeekPoint] = []
        self._begin: SeekPoint | None = None
        self._stored, self._info = stored, info
        self._decoder = decoder
        self._max_damaged = max_damaged
        self._notes = notes
        self._converter = ImageConverter(stored, info, notes)
        self._stack = ExitStack()
        self._deinterlacer: Deinterlacer | None = None
        self._combs: CombDetector | None = None
        if deinterlace != "no":
            self._deinterlacer = Deinterlacer(stored, fields=deinterlace == "fields")
        elif not stored.fields.interlaced:
            self._combs = CombDetector()

    @property
    def errors(self) -> int:
        return self._decoder.errors

    @property
    def concealed(self) -> int:
        return self._decoder.concealed

    def close(self) -> None:
        self._stack.close()

    def begin_at(self, point: SeekPoint) -> bool:
        if self._deinterlacer is not None:
            return False  # a picture depends on the frames before it
        self._begin = point
        self._decoder.begin_at(point.pts)
        return True

    def read(self, first: int) -> Iterator[TimedImage]:
        unit = self._info.time_base
        last: Fraction | None = None
        previous: Callable[[], DecodedImage] | None = None
        count = 0 if self._begin is None else self._begin.frame
        for frame, lost in self._progressive():
            image = previous
            if frame is not None:
                # Some images before the first are kept, because they may replace a damaged frame.
                needed = count + len(lost) >= first - self._max_damaged
                image = partial(self._converter.convert, frame) if needed else None
            elif last is None:
                return
            if len(lost) > self._max_damaged:
                raise too_damaged(self._info.path, len(lost), self._max_damaged)
            for missing in lost:
                if last is None or missing * unit > last:
                    self.repaired += 1
                    last = missing * unit
                    count += 1
                    yield TimedImage(last, Fraction(0), previous or image)
            if frame is None:
                return
            assert frame.pts is not None
            time = frame.pts * unit
            if frame.key_frame and self._deinterlacer is None:
                self.seek_points.append(SeekPoint(count, frame.pts))
            count += 1
            yield TimedImage(time, Fraction(frame.duration or 0) * unit, image)
            last, previous = time, image

    def add_final_notes(self) -> None:
        self._notes.extend(self._decoder.clock_notes)
        if self._combs is not None and self._combs.found:
            self._notes.add(
                Note(
                    "the frames look interlaced, although the clip is not flagged as interlaced; "
                    "they are kept as they are (--deinterlace frames or fields gives progressive frames)",
                    NoteKind.INTERLACED,
                )
            )
        if self.errors:
            packets = "packet" if self.errors == 1 else "packets"
            self._notes.add(repaired(f"{self.errors} damaged {packets} could not be decoded"))
        if self.concealed:
            frames = "1 frame was" if self.concealed == 1 else f"{self.concealed} frames were"
            self._notes.add(repaired(f"{frames} decoded only in part; the decoder concealed the rest"))
        note_repaired(self.repaired, self._notes)

    def _progressive(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        """As `_decoded`, deinterlaced if that was asked for."""
        if self._deinterlacer is None:
            yield from self._decoded()
            return
        # The last field of a clip may have no time of its own.
        unit = self._info.time_base
        times = FrameTimes(self._info.start / unit, self._info.frame_duration / unit, self._notes)
        for picture, lost in self._deinterlaced(self._deinterlacer):
            if picture is not None:
                times.settle(picture, None)
            yield picture, lost

    def _deinterlaced(self, deinterlacer: Deinterlacer) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        for frame, lost in self._decoded():
            if frame is None:
                yield from deinterlacer.drain()
                yield None, [2 * pts for pts in lost]
                return
            yield from deinterlacer.feed(frame, lost)
        yield from deinterlacer.drain()

    def _decoded(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        """Decoded frames, each with the timestamps of the frames lost before it."""
        for frame, lost in self._stack.enter_context(self._decoder):
            if frame is not None and self._combs is not None:
                self._combs.add(frame)
            yield frame, lost
