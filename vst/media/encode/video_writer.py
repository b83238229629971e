"""Writing a video file: frames are encoded in segments, which are joined at the end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av

from vst.frame import Frame
from vst.media.encode.join import join
from vst.media.encode.plan import Encoding, EncodingPlan, plan_encoding
from vst.media.encode.time_window import TimeWindow
from vst.media.encode.timestamps import OutputTimestamps
from vst.media.encode.trial_join import REFUSALS, TrialJoin, TrialResult, is_refusal, open_trial
from vst.media.encode.video_signal import picture_of
from vst.media.encode.writer import Writer
from vst.media.file_errors import reason_of, writing_error
from vst.media.notes import Note, dropped
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.encoder import SegmentEncoder, header_of, other_settings
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Save, Segment


@dataclass
class _OpenSegment:
    """The segment that is being encoded: its file, encoder, timestamps, and the end of its last frame."""

    path: Path
    encoder: SegmentEncoder
    pts: list[int] = field(default_factory=list)
    end: int = 0


class VideoWriter(Writer):
    """Writes a video file with the audio, subtitles, chapters, tags, colour and timestamps of its source.

    Args:
        output: The transaction of the output.
        source: The clip that the frames come from.
        encoding: Codec, quality and pixel format.
        width: Columns of the output.
        height: Rows of the output.
        threads: Encoder threads; None for what suits the frames' size.
        segment_frames: The most frames in a segment.
    """

    def __init__(
        self,
        output: OutputTransaction,
        source: ClipInfo,
        encoding: Encoding,
        width: int,
        height: int,
        *,
        threads: int | None,
        segment_frames: int,
    ) -> None:
        super().__init__(output, source, width, height)
        self.loses_light = source.light != "hdr"
        self._plan = self._make_plan(encoding, threads)
        self._notes.extend(self._plan.notes)
        self._times = OutputTimestamps(source, self._plan.time_base, self._plan.container)
        self._segment_frames = segment_frames
        self._segment: _OpenSegment | None = None
        output.acquire()
        try:
            self._tried = TrialResult({}, None, ())
            if output.joins:
                with self._trial() as trial:
                    self._tried = self._try(trial)
        except BaseException:
            output.abort()
            raise
        self._notes.extend(self._tried.notes)

    def _make_plan(self, encoding: Encoding, threads: int | None) -> EncodingPlan:
        """How the segments are encoded."""
        return plan_encoding(self.path, self._source, encoding, self.width, self.height, threads)

    def _try(self, trial: TrialJoin) -> TrialResult:
        """Write a small output before the first frame."""
        return trial.run()

    def set_time_range(self, begin: Fraction | None, *, until_last_frame: bool) -> None:
        self._times.set_range(begin, until_last_frame)

    def stamp(self, frame: Frame) -> int | None:
        return self._times.stamp(frame, self._notes)[0]

    def continue_after(self, stamp: int | None) -> None:
        if stamp is not None:
            self._times.resume_after(stamp)

    def resume(self, segments: Sequence[Segment]) -> list[str]:
        first = self.work.video(segments[0].index)
        if header_of(first) != self._tried.header:
            raise other_settings(first)
        self._times.resume_after(segments[-1].pts[-1])
        return super().resume(segments)

    def _write(self, frame: Frame) -> None:
        picture = picture_of(frame, self._source, self._plan)
        segment = self._segment
        if segment is None:
            path = self.work.video(self._output.next_index)
            segment = self._segment = _OpenSegment(path, SegmentEncoder(path, self._plan))
        segment.encoder.encode(picture)
        pts, segment.end = self._times.stamp(frame, self._notes)
        segment.pts.append(pts)
        self.frames += 1
        if len(segment.pts) >= self._segment_frames:
            self.cut()

    def cut(self, save: Save | None = None, *, last: bool = False) -> None:
        self._close_segment(save, last=last)

    def _close_segment(
        self, save: Save | None = None, *, last: bool = False, truncated: bool = False
    ) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        try:
            segment.encoder.close()
        except (av.FFmpegError, OSError) as error:
            raise writing_error(self.path, error) from error
        self._output.finish_segment(
            segment.pts,
            segment.end,
            segment.encoder.delay,
            files=[segment.path],
            shot=self.shot,
            last=last,
            save=save,
            notes=self.notes,
            truncated=truncated,
        )

    def _finish(self, cut_short: bool) -> Path:
        if cut_short:
            self._times.end_with_last_frame()
        self._close_segment(last=True, truncated=cut_short)
        segments = self._output.segments
        if not segments:
            raise self._no_frames()
        self._output.disk.wait(self._finished_size, immediately=True)
        window = self._times.window(segments[-1].end, self._notes)
        temporary = self._output.temporary
        self._notes.extend(self._join(temporary, window))
        return self._output.commit_file(incomplete=cut_short)

    def _join(self, temporary: Path, window: TimeWindow) -> tuple[Note, ...]:
        """Write the file from the finished segments; returns what was damaged, converted or dropped."""
        write = partial(join, temporary, self.work, self._output.segments, self._plan, self._source, window)
        try:
            return write(self._tried.extras)
        except REFUSALS as error:
            if not is_refusal(error) or not self._tried.extras:
                raise
        # The frames are not lost to a damaged sound track.
        with self._trial() as trial:
            less = trial.without_refused(self._tried.extras)
        try:
            return (*write(less.extras), *less.notes)
        except REFUSALS as error:
            if not is_refusal(error):
                raise
            reason = reason_of(error)
        note = dropped(f"everything beside the video is dropped: it cannot be written ({reason})")
        return (*write({}), note)

    def _trial(self) -> AbstractContextManager[TrialJoin]:
        return open_trial(self.path, self._output.temporary, self.work, self._plan, self._source)

    def abort(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.encoder.discard()
        super().abort()

    def _finished_size(self) -> int:
        finished = sum(size for segment in self._output.segments for _, size, _ in segment.files)
        if self._segment is not None and self._segment.path.exists():
            return finished + self._segment.path.stat().st_size
        return finished
