"""One render, from file to file: plan, open, run, report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vst.device import precision_name
from vst.errors import CutShort, Interrupted, UsageError, VstError
from vst.media import DecodedFrame, Reader, Writer
from vst.media.segments.encoder import MAX_SEGMENT_FRAMES
from vst.media.segments.work_folder import Save
from vst.modes import backend_of
from vst.pipeline.frame_range import (
    FrameRange,
    RenderStart,
    end_of,
    find_start,
    frame_range_from,
)
from vst.pipeline.inside import borders_note
from vst.pipeline.luminance_mode import luminance_note
from vst.pipeline.memory_estimate import Prediction, explained_memory, tiles_note
from vst.pipeline.open_render import open_output, predict_session_memory, session_fingerprint, sizes_of
from vst.pipeline.open_session import open_session
from vst.pipeline.optimisation_run import Optimisation, begin_optimisation
from vst.pipeline.plan import RenderPlan, plan_render, stylized_frames
from vst.pipeline.regions.frame_masks import open_masks
from vst.pipeline.report import Report
from vst.pipeline.resume import EarlierRun, describe, find_earlier, recorded_backend, shots_before
from vst.pipeline.session import StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.pipeline.shot_files import shot_files
from vst.pipeline.stages import Counts, StageRunner
from vst.pipeline.threads import arithmetic_threads
from vst.pipeline.unused_options import unused_options_note
from vst.progress import Progress
from vst.stream_paths import is_output_stream

MAX_NAMED = 5
"""The most removed files that are named in a note; the others are counted."""


def render(
    source: Path | str,
    settings: RenderSettings,
    output: Path | str | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    begun: Callable[[tuple[str, ...]], None] | None = None,
) -> Report:
    """Stylize a clip, a picture or an image sequence.

    Args:
        source: Any file that `vst.media` reads, or the pattern of an image sequence.
        settings: Style, mode and everything else.
        output: The file to write; `output_path` says what None means.
        progress: Called after every frame.
        stop: Set it to stop after the frame in progress.
        begun: Called before the first frame with the notes that are known by then: among others what of the
            clip will be converted or left out.

    Returns:
        What was done.

    Raises:
        UsageError: An unknown style, mode, codec, device or container, or a value out of range.
        MediaError: A file cannot be read or written, or another render is writing the output.
        CutShort: The clip ends early; what came before is finished, and the message says where.
        WeightsError: A weight file is damaged.
        Interrupted: `stop` was set. Finished segments are kept in a work folder beside the output, and the
            next call goes on after them; so it is after other errors. What came of a stream is finished.
        VstError: The device is not available, or has too little memory.
    """
    began = time.monotonic()
    plan = plan_render(source, settings, output)
    with (
        arithmetic_threads(settings.threads),
        explained_memory(plan.device),
        plan.open_reader(stop) as reader,
        open_job(plan, reader, stop) as job,
    ):
        if begun is not None:
            begun(tuple(job.notes()))
        stopped: Interrupted | None = None
        try:
            counts = job.run(progress)
        except Interrupted as error:
            if not job.writer.frames or (plan.resumes and not job.keeps_unfinished):
                raise
            stopped = error  # what came of a stream does not come again
        written = job.writer.finish(cut_short=bool(job.cut_short or stopped))
    if stopped is not None and job.keeps_unfinished:
        raise Interrupted(f"stopped after some of the steps; the picture so far is in {written}")
    if stopped is not None:
        raise Interrupted(f"{stopped}; the {job.writer.frames} frames before that are in {written}")
    if job.cut_short:
        raise CutShort(
            f"{job.cut_short[0]}; the {job.writer.frames} frames before that are in {written}", kept=written
        )
    shots = {*counts.shots, *job.shots_begun}
    return Report(
        plan.source,
        written,
        job.writer.frames,
        len(shots),
        time.monotonic() - began,
        tuple(job.notes()),
        settings,
        0 if job.earlier is None else job.earlier.frames,
    )


@dataclass
class RenderJob:
    """A render whose input and output are open.

    Attributes:
        plan: What to render.
        reader: The clip.
        writer: The output; holds its lock.
        session: Stylizes.
        prediction: Of memory.
        earlier: What an earlier run finished, if anything.
        start: The first frame of the output.
        frame_range: What is left to do.
        removed: Names of files that an earlier run left behind and this one removed.
        cut_short: Why the clip ended early, once it did.
        stop: Set by the caller to stop.
        optimisation: Of the frames' pixels, in a mode that does that.
    """

    plan: RenderPlan
    reader: Reader
    writer: Writer
    session: StylizerSession
    prediction: Prediction
    earlier: EarlierRun | None
    start: RenderStart
    frame_range: FrameRange
    removed: Sequence[str]
    cut_short: list[CutShort]
    stop: threading.Event | None
    optimisation: Optimisation | None = None

    @property
    def keeps_unfinished(self) -> bool:
        """Whether a picture that was stopped while it was optimised is written as it is."""
        return self.session.is_unfinished and self.total == 1

    @property
    def total(self) -> int | None:
        """Number of frames of the output, if known."""
        return self.plan.clip_range.count(self.start.first, self.start.time, self.reader.info)

    @property
    def shots_begun(self) -> set[int]:
        """The first frames of the shots that were begun before the run."""
        return {self.frame_range.shot} if self.earlier is None else {s.shot for s in self.earlier.segments}

    def run(self, progress: Callable[[Progress], None] | None) -> Counts:
        """Stylize and write what is left.

        Raises:
            CutShort: The clip ended before its first frame.
            Interrupted: `stop` was set.
        """
        if self.earlier is not None and self.earlier.is_complete:
            return Counts(0, ())
        self.reader.begin_at(self.frame_range.decode_from)
        self.reader.is_last_pass()
        if self.optimisation is not None:
            progress = self.optimisation.watch(self.stop, progress, self.total)
        runner = StageRunner(
            self.session,
            self.writer.write,
            self._cut,
            self.frame_range,
            MAX_SEGMENT_FRAMES,
            total=self.total,
            done=self.writer.frames,
            progress=progress,
            stop=self.stop,
        )
        counts = runner.run(self._until_cut_short())
        if self.cut_short and not self.writer.frames:
            raise self.cut_short[0]
        return counts

    def _cut(self, shot: int, save: Save | None) -> None:
        self.writer.cut(save)
        self.writer.shot = shot

    def _until_cut_short(self) -> Iterator[DecodedFrame]:
        """The frames of the clip; an error after which the earlier frames are good ends them."""
        try:
            yield from self.reader.decoded()
        except CutShort as error:
            self.cut_short.append(error)
            if self.session.motion is not None:
                self.session.motion.end_early()

    def notes(self) -> Iterator[str]:
        """Everything that the user should know."""
        yield from self.reader.notes
        yield from self.writer.notes
        if self.start.shot < self.start.first and self.session.temporal:
            yield f"stylized from frame {self.start.shot}f on, where the shot of the first frame begins"
        if self.earlier is not None:
            yield f"{self.earlier.frames} frames were finished by an earlier run"
        if self.removed:
            more = len(self.removed) - MAX_NAMED
            names = ", ".join(self.removed[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
            yield f"removed, left over from an earlier run: {names}"
        yield from () if self.session.motion is None else self.session.motion.notes
        working = self.session.working
        if working is not None and working != (self.writer.width, self.writer.height):
            yield f"stylized at {working[0]}×{working[1]}; --style-scale changes the size of the strokes"
        if self.optimisation is not None:
            yield from self.optimisation.notes(stylized_frames(self.plan, self.reader.info))
        yield from () if self.session.masks is None else self.session.masks.notes
        yield from luminance_note(self.plan)
        yield from unused_options_note(self.plan, self.session)
        yield from borders_note(self.session.kept_borders)
        tiles = tiles_note(self.prediction.network)
        if tiles is not None:
            yield tiles
        if self.plan.stylizes and self.plan.settings.precision == "auto":
            yield f"stylized on {self.plan.device} in {precision_name(self.plan.precision)}"
        backend = backend_of(self.session.stylizer)
        if backend.note is not None:
            yield backend.note


@contextmanager
def open_job(plan: RenderPlan, reader: Reader, stop: threading.Event | None) -> Iterator[RenderJob]:
    """Open the output, load networks, and find what an earlier run finished.

    Args:
        plan: What to render.
        reader: From `plan.open_reader`.
        stop: Set by the caller to stop.

    Raises:
        UsageError: The clip range or size does not fit the clip, or the unfinished output has other
            settings.
        MediaError: The output cannot be written.
        VstError: There is not enough memory.
    """
    info, settings = reader.info, plan.settings
    if info.is_still and not plan.clip_range.is_whole:
        raise UsageError(f"{plan.source.name} is one picture: --start, --end and --frames are for clips")
    sizes = sizes_of(plan, info)
    with (
        open_masks(plan.layers, info, stop) as masks,
        _kept(open_output(plan, info, sizes[0], stop)) as writer,
        shot_files(plan.target, plan.resumes) as shots,
    ):
        recorded = recorded_backend(writer) if settings.resume and plan.resumes else None
        session = open_session(plan, reader, *sizes, recorded=recorded, shots=shots, masks=masks)
        prediction = predict_session_memory(plan, info, session)
        known = writer.work.description() if settings.resume and plan.resumes else None
        optimisation = begin_optimisation(plan, session.stylizer, sizes[0], known)
        fingerprint = session_fingerprint(plan, info, session, writer)
        if session.works_on_shots:
            shots.describe(fingerprint, settings.resume and plan.resumes)
        earlier = find_earlier(writer, fingerprint) if settings.resume and plan.resumes else None
        start = earlier.start if earlier is not None else find_start(plan, reader, session, stop)
        is_past_end = end_of(plan.clip_range, start.first, info)
        writer.set_time_range(start.time if start.first else None, until_last_frame=plan.clip_range.has_end)
        if earlier is None:
            removed = writer.start(describe(fingerprint, start))
            frame_range = frame_range_from(session, start.first, start.shot, False, is_past_end)
        else:
            removed = writer.resume(earlier.segments)
            shot, restored = earlier.shot(session.has_state), earlier.state is not None
            first = start.first + earlier.frames
            if session.has_state and earlier.state is not None:
                session.restore(earlier.state)
            frame_range = frame_range_from(session, first, shot, restored, is_past_end)
        writer.shot = frame_range.shot
        if session.control is not None:
            session.control.begin(frame_range.shot, shots_before(start, earlier, frame_range.shot))
        opened = (plan, reader, writer, session, prediction, earlier)
        yield RenderJob(*opened, start, frame_range, removed, [], stop, optimisation)


@contextmanager
def _kept(writer: Writer) -> Iterator[Writer]:
    """The writer, entered; an error says what is kept for the next run."""
    try:
        with writer:
            yield writer
    except VstError as error:
        if writer.kept_frames:
            error.args = (
                f"{error}; {writer.kept_frames} frames are kept, and the same command goes on after them",
            )
        elif isinstance(error, Interrupted) and not is_output_stream(writer.path):
            error.args = (f"{error}; no output was written",)
        raise
