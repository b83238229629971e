"""An output is written on trial before the first frame is stylized, so that the real one will not fail."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av

from vst.errors import MediaError
from vst.media.encode.extras import Extras, Part, Sample, notes_of, parts_of, sample_packets
from vst.media.encode.join import join
from vst.media.encode.plan import EncodingPlan
from vst.media.encode.time_window import TimeWindow
from vst.media.file_errors import reason_of, writing_error
from vst.media.notes import Note
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.encoder import SegmentEncoder, header_of
from vst.media.segments.work_folder import Segment, WorkFolder

DISK_ERRORS = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENAMETOOLONG,
        errno.EMFILE,
        errno.ENOMEM,
    )
)
"""Errors that say nothing about whether the container takes something."""

REFUSALS = (av.FFmpegError, ValueError, ArithmeticError)
"""What PyAV raises when a container or an encoder does not take something."""


def is_refusal(error: BaseException) -> bool:
    """Whether an error of `join` may be due to what is in the output, not to the disk."""
    return isinstance(error, REFUSALS) and getattr(error, "errno", None) not in DISK_ERRORS


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial has shown.

    Attributes:
        extras: What the output will have beside the video.
        header: The codec header that every segment will have.
        notes: What will be converted or left out.
    """

    extras: Extras
    header: bytes | None
    notes: tuple[Note, ...]


@contextmanager
def open_trial(
    path: Path, target: Path, work: WorkFolder, plan: EncodingPlan, source: ClipInfo
) -> Iterator[TrialJoin]:
    """Encode one frame on trial, so that small outputs can be joined from it.

    Args:
        path: The final name of the output, for error texts.
        target: The temporary name of the output; small outputs are written there and removed.
        work: The work folder.
        plan: Codec, container, colour and timing.
        source: The clip.

    Raises:
        MediaError: If the codec cannot be opened for such frames, or nothing can be written.
    """
    try:
        with work.trial() as inner:
            yield TrialJoin(path, target, plan, source, inner, _encode_one(inner, plan))
    except OSError as error:
        raise writing_error(path, error) from error


@dataclass
class TrialJoin:
    """Small outputs of one frame, made by `join` like the real one.

    Attributes:
        path: The final name of the output.
        target: Where they are written.
        plan: Codec, container, colour and timing.
        source: The clip.
        work: The work folder with the segment.
        segment: A segment of one frame.
    """

    path: Path
    target: Path
    plan: EncodingPlan
    source: ClipInfo
    work: WorkFolder
    segment: Segment
    _sample: Sample | None = field(default=None, init=False)

    @property
    def header(self) -> bytes | None:
        """The codec header that every segment will have."""
        return header_of(self.work.video(0))

    def run(self) -> TrialResult:
        """Find out what of the source gets into the output, and how.

        Raises:
            MediaError: If the container does not even take the video, or the source cannot be read.
        """
        parts: list[Part] = []
        if self.source.may_hold_extras:
            self._sample = sample_packets(self.source)
            parts = parts_of(self.source, self.plan.container, self._sample)
        extras = self._largest(parts)
        return TrialResult(extras, self.header, tuple(notes_of(parts, extras)))

    def without_refused(self, extras: Extras) -> TrialResult:
        """Try all packets of what `run` found from few; what is refused is converted or left out.

        Args:
            extras: What the whole output was refused with.
        """
        sample = sample_packets(self.source)
        parts = parts_of(self.source, self.plan.container, sample)
        self._sample = None
        left = []
        for part in parts:
            if part.key in extras:
                ways = part.ways[part.ways.index(extras[part.key]) :]
                left.append(Part(part.key, ways, part.left_out, part.conversion))
        fitting = self._largest(left)
        return TrialResult(fitting, None, tuple(notes_of(left, fitting)))

    def _largest(self, parts: Sequence[Part]) -> Extras:
        """As many parts as the container takes together, each in the best way."""
        possible = [part for part in parts if part.ways]
        extras = {part.key: part.ways[0] for part in possible}
        if self._refusal(extras) is None:
            return extras
        refusal = self._refusal({})
        if refusal is not None:
            name, codec = self.plan.container.name, self.plan.codec.name
            raise MediaError(
                f"{self.path} cannot be written: .{name} does not take this video as {codec} "
                f"({reason_of(refusal)}); choose another container with -o, or another --codec"
            ) from refusal
        return self._added({}, possible)

    def _added(self, base: Extras, parts: Sequence[Part]) -> Extras:
        """`base`, which is not refused, with those of the parts that are not refused either."""
        if not parts:
            return base
        for way in range(len(parts[0].ways) if len(parts) == 1 else 1):
            attempt = {**base, **{part.key: part.ways[way] for part in parts}}
            if self._refusal(attempt) is None:
                return attempt
        if len(parts) == 1:
            return base
        half = len(parts) // 2
        return self._added(self._added(base, parts[:half]), parts[half:])

    def _refusal(self, extras: Extras) -> BaseException | None:
        """Why such an output cannot be written; None if it can."""
        # Times begin at 0, as AVI does not skip hours.
        window = TimeWindow() if self._sample is None else TimeWindow(self._sample.start)
        try:
            join(
                self.target, self.work, [self.segment], self.plan, self.source, window, extras, self._sample
            )
        except REFUSALS as error:
            if not is_refusal(error):
                raise writing_error(self.path, error) from error
            return error
        finally:
            self.target.unlink(missing_ok=True)
        return None


def _encode_one(work: WorkFolder, plan: EncodingPlan) -> Segment:
    """A segment of one frame.

    Raises:
        MediaError: If the codec cannot be opened for such frames.
    """
    try:
        encoder = SegmentEncoder(work.video(0), plan)
        try:
            frame = av.VideoFrame(plan.width, plan.height, plan.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            encoder.encode(frame)
        except BaseException:
            encoder.discard()
            raise
        encoder.close()
    except REFUSALS as error:
        if not is_refusal(error):
            raise
        raise MediaError(
            f"codec {plan.codec.name} cannot encode {plan.width}×{plan.height} as {plan.pix_fmt} "
            f"({reason_of(error)}): choose another --codec or --pix-fmt"
        ) from error
    step = max(1, round(1 / plan.rate / plan.time_base))
    return Segment(0, 1, [0], step, encoder.delay, last=True)
