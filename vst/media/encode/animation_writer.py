"""Writing animated pictures: frames are encoded in lossless segments, and converted when all are there."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from vst.errors import UsageError
from vst.frame import Frame
from vst.media.colour.layout import layout_of
from vst.media.colour.planes import to_rgb
from vst.media.colour.spec import RGB
from vst.media.encode.codecs import CODECS
from vst.media.encode.containers import CONTAINERS
from vst.media.encode.extras import not_stored
from vst.media.encode.plan import MIN_THREADS, Encoding, EncodingPlan, nominal_rate, output_time_base
from vst.media.encode.time_window import TimeWindow
from vst.media.encode.trial_join import TrialJoin, TrialResult
from vst.media.encode.video_writer import VideoWriter
from vst.media.file_errors import reason_of
from vst.media.libav import url_of
from vst.media.notes import Note, dropped
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.transaction import OutputTransaction
from vst.media.stills.animate import (
    ANIMATIONS,
    WORST_CRF,
    AnimationFormat,
    plan_timing,
    write_animation,
)
from vst.media.stills.comment import write_provenance
from vst.media.stills.write import plan_picture, write_picture

SLICED_SIDE = 8
"""Pixels. FFV1 does not divide smaller pictures into slices."""


def animation_format(path: Path, source: ClipInfo, codec: str | None) -> AnimationFormat | None:
    """The format of an output, if it is an animated picture.

    Args:
        path: The output.
        source: The clip. A picture stays one; a clip becomes an animated PNG only if it is one itself, if
            `codec` says so, or if the output is called ``.apng``.
        codec: The value of ``--codec``.
    """
    suffix = path.suffix.lower()
    if source.is_still:
        return None
    for each in ANIMATIONS.values():
        if suffix in each.suffixes:
            is_plain = suffix == ".png" and codec != each.name and source.plays is None
            return None if is_plain else each
    return None


class AnimationWriter(VideoWriter):
    """Writes an animated GIF, PNG or WebP.

    The segments of a video file are joined without encoding again. Here they are lossless (FFV1), and
    encoded into the output when all are finished: a stopped render repeats at most one segment and this
    last step, and the output is the same, byte for byte.

    Args:
        output: The transaction of the output.
        source: The clip that the frames come from.
        encoding: Quality and pixel format.
        width: Columns of the output.
        height: Rows of the output.
        format_: The format.
        segment_frames: The most frames in a segment.
    """

    def __init__(
        self,
        output: OutputTransaction,
        source: ClipInfo,
        encoding: Encoding,
        width: int,
        height: int,
        format_: AnimationFormat,
        *,
        threads: int | None,
        segment_frames: int,
    ) -> None:
        self._format = format_
        if encoding.codec not in (None, format_.name):
            raise UsageError(
                f"codec {encoding.codec} is not supported in {output.path.suffix}: use {format_.name}, or "
                "leave it out"
            )
        if encoding.crf is not None and format_.default_crf is None:
            raise UsageError(f"codec {format_.name} has no quality setting: leave --crf out")
        if encoding.crf is not None and not 0 <= encoding.crf <= WORST_CRF:
            raise UsageError(
                f"--crf {encoding.crf} is out of range for {format_.name}: use 0 (lossless) to {WORST_CRF}"
            )
        self._crf = format_.default_crf if encoding.crf is None else encoding.crf
        self._picture = plan_picture(output.path, source, encoding.pix_fmt, encoding.provenance)
        super().__init__(
            output, source, encoding, width, height, threads=threads, segment_frames=segment_frames
        )
        self.loses_light = True

    def _make_plan(self, encoding: Encoding, threads: int | None) -> EncodingPlan:
        picture, source = self._picture, self._source
        alpha = source.has_alpha and picture.alpha
        pix_fmt = "bgra" if alpha else "bgr0"
        if picture.bits > 8:
            pix_fmt = "gbrap16le" if alpha else "gbrp16le"
        codec, container = CODECS["ffv1"], CONTAINERS["mov"]
        threads = MIN_THREADS if threads is None else threads
        options = codec.options(None, threads, layout_of(pix_fmt))
        if min(self.width, self.height) < SLICED_SIDE:
            options["slices"] = "1"
        return EncodingPlan(
            codec,
            container,
            pix_fmt,
            RGB,
            options,
            self.width,
            self.height,
            nominal_rate(source),
            output_time_base(source, container),
            source.sample_aspect,
            threads,
            (*picture.notes, *self._format_notes()),
        )

    def _try(self, trial: TrialJoin) -> TrialResult:
        return TrialResult({}, trial.header, ())  # The segments are not joined.

    def _format_notes(self) -> Iterator[Note]:
        source, name = self._source, self._format.kind
        yield from not_stored("animated pictures", source)
        if source.sample_aspect != 1:
            yield dropped(f"the sample aspect {source.sample_aspect} is dropped: {name} has none")

    def _join(self, temporary: Path, window: TimeWindow) -> tuple[Note, ...]:
        segments = self._output.segments
        if self.frames == 1 and self._source.plays is None:
            # A clip of one frame is written as a picture, as `--frames 1 -o picture.webp` always was.
            image, alpha = to_rgb(next(self._pictures()), RGB)
            frame = Frame(0, Fraction(0), Fraction(1), image, alpha)
            write_picture(temporary, self._picture, frame, self._source.picture)
            return ()
        unit = self._plan.time_base
        times = [pts * unit for segment in segments for pts in segment.pts]
        plays = 0 if self._source.plays is None else self._source.plays
        timing = plan_timing(self._format, times, segments[-1].end * unit, plays)
        size = (self.width, self.height)
        try:
            write_animation(
                temporary, self._format, self._pictures, timing, size, self._plan.pix_fmt, self._crf
            )
        except (ValueError, MemoryError) as error:
            raise OSError(reason_of(error)) from error
        if self._picture.provenance is not None:
            write_provenance(temporary, self._format.kind, self._picture.provenance)
        if not timing.left_out:
            return ()
        return (
            dropped(
                f"{timing.left_out} of {len(times)} frames are left out: {self._format.kind} shows at most "
                f"{float(1 / self._format.shortest):.0f} frames/s; the speed is kept"
            ),
        )

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """The frames of all segments."""
        for segment in self._output.segments:
            with av.open(url_of(self.work.video(segment.index)), "r") as container:
                yield from container.decode(container.streams.video[0])
