"""The motion of a clip without stylizing it: written to a folder, drawn as a video, or both in one pass."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from vst.device import choose_device, choose_precision
from vst.errors import Interrupted, MediaError, UsageError, suggestion
from vst.media import ClipInfo, Reader, Writer, open_writer
from vst.media.file_errors import writing_error
from vst.media.segments.output_lock import OutputLock
from vst.media.stills.animate import ANIMATION_SUFFIXES
from vst.media.stills.write import STILL_SUFFIXES
from vst.motion import MotionSource, check_estimator, open_motion
from vst.motion.analysis import Analysed
from vst.motion.files.flow_folder import FLOW_FORMATS, FlowWriter, check_flow_folder, file_fingerprint
from vst.motion.files.recorded import is_recorded
from vst.motion.view import FLOW_VIEWS, FlowView
from vst.pipeline.frame_size import resize_frame, working_size
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.option_values import MAX_SIDE
from vst.pipeline.stages import DEPTH
from vst.pipeline.threads import Background, Clock
from vst.progress import Progress, progress_now
from vst.stream_paths import is_stream

MAX_DISTANCE = 64
"""In frames, all of which are kept in memory."""


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """The settings of `vst flow`.

    Raises:
        UsageError: A value is out of range.
    """

    flow: str = "auto"
    """The estimator, or `file:FOLDER` to draw flow that was written before."""
    form: str = "png"
    """File format: `png` in steps of 1/64 pixel, or `flo`, exact."""
    distances: tuple[int, ...] = (1,)
    """Distances in frames to estimate motion over; must contain 1. Renders need no others; by others
    `vst evaluate` measures what reappears."""
    size: int | None = None
    """Short side in pixels at which motion is estimated; None is the working resolution of a render."""
    show: str = "all"
    """What the video shows: color, arrows, mask or all."""
    radius: float | None = None
    """Length in pixels of flow that is drawn in full colour; None chooses one."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:n or mps."""
    precision: str = "auto"
    """auto, fp32, bf16 or fp16."""
    overwrite: bool = False
    """Whether to replace existing outputs."""

    def __post_init__(self) -> None:
        if self.form not in FLOW_FORMATS:
            raise UsageError(f"format is {self.form!r}: {suggestion(self.form, FLOW_FORMATS)}")
        if self.show not in FLOW_VIEWS:
            raise UsageError(f"cannot show {self.show!r}: {suggestion(self.show, FLOW_VIEWS)}")
        if 1 not in self.distances or not all(1 <= each <= MAX_DISTANCE for each in self.distances):
            given = ",".join(map(str, self.distances)) or "none"
            raise UsageError(f"distances are {given}; expected 1 and others up to {MAX_DISTANCE}")
        if self.size is not None and not 16 <= self.size <= MAX_SIDE:
            raise UsageError(f"size is {self.size}; expected a short side of 16 to {MAX_SIDE} pixels")
        if self.radius is not None and not 0 < self.radius < math.inf:
            raise UsageError(f"radius is {self.radius:g}; expected more than 0 pixels")


@dataclass(frozen=True)
class FlowReport:
    """What `vst flow` did.

    Attributes:
        source: The clip.
        folder: The folder with flow, if one was written.
        view: The video, if one was written.
        frames: Number of frames.
        shots: Number of shots.
        width: At which motion was estimated, in pixels.
        height: At which motion was estimated, in pixels.
        estimator: Name of the estimator.
        seconds: Wall time.
        notes: What was converted, repaired or left out; one line each.
    """

    source: Path
    folder: Path | None
    view: Path | None
    frames: int
    shots: int
    width: int
    height: int
    estimator: str
    seconds: float
    notes: tuple[str, ...]


def follow_motion(
    source: Path | str,
    settings: FlowSettings | None = None,
    *,
    folder: Path | str | None = None,
    view: Path | str | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> FlowReport:
    """Estimate the motion of a clip, to use it in many renders or to look at it.

    Args:
        source: A video that `vst.media` reads.
        settings: Estimator, size and everything else.
        folder: Where to write flow and masks, for `--flow file:FOLDER`; None writes none.
        view: The video to draw the motion into; None draws none.
        progress: Called after every frame.
        stop: Set it to stop after the frame in progress.

    Returns:
        What was done.

    Raises:
        UsageError: An option is invalid.
        MediaError: A file cannot be read or written.
        Interrupted: `stop` was set; no output is left.
        VstError: The estimator is not ready.
    """
    began = time.monotonic()
    settings = settings or FlowSettings()
    source = Path(source)
    folder, view = (None if each is None else Path(each) for each in (folder, view))
    _check(settings, folder, view)
    if is_stream(source) and folder is not None:
        raise UsageError(
            f"{source} is a pipe, and recorded flow belongs to a file: give the file, or --view"
        )
    clock = Clock()
    count = shot_count = 0
    with ExitStack() as stack:
        stack.enter_context(explained_memory(choose_device(settings.device)))
        reader = stack.enter_context(Reader(source, stop=stop))
        info = reader.info
        if info.is_still:
            raise MediaError(f"{source} is a picture; expected a clip of several frames")
        width, height = _size(info, settings)
        motion = _motion_of(info, settings, (width, height))
        distances = sorted(settings.distances) if folder is not None else [1]
        outputs = _Outputs(stack, settings, folder, view, info, (width, height), stop)
        frames = (resize_frame(frame, width, height) for frame in reader)
        decoded = stack.enter_context(Background(frames, DEPTH, "decode", clock))
        analysed = stack.enter_context(
            Background(motion.analyse(decoded, distances), 1, "motion", clock).after(decoded)
        )
        for each in analysed:
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; nothing was written")
            started = time.monotonic()
            outputs.add(each)
            clock.add("write", time.monotonic() - started)
            count += 1
            shot_count += each.tracked.new_shot
            if progress is not None:
                progress(progress_now(count, info.frames, began, clock.limiting()))
        outputs.finish(motion.name, distances, info)
        notes: tuple[str, ...] = (*reader.notes, *outputs.notes, *motion.notes)
    return FlowReport(
        source, folder, view, count, shot_count, width, height, motion.name, time.monotonic() - began, notes
    )


class _Outputs:
    """The folder with flow and the video that draws it, each if asked for."""

    def __init__(
        self,
        stack: ExitStack,
        settings: FlowSettings,
        folder: Path | None,
        view: Path | None,
        info: ClipInfo,
        size: tuple[int, int],
        stop: threading.Event | None,
    ) -> None:
        self._folder: FlowWriter | None = None
        self._video: Writer | None = None
        self._drawing = FlowView(settings.show, settings.radius)
        if folder is not None:
            stack.enter_context(_lock(folder))
            writer = FlowWriter(folder, settings.form, overwrite=settings.overwrite)
            self._folder = stack.enter_context(writer)
        if view is not None:
            width, height = self._drawing.size(*size)
            opaque = replace(info, has_alpha=False)
            video = open_writer(
                view, opaque, width=width, height=height, overwrite=settings.overwrite, stop=stop
            )
            self._video = stack.enter_context(video)

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self._video is None else tuple(self._video.notes)

    def add(self, analysed: Analysed) -> None:
        """Write the motion of the next frame."""
        if self._folder is not None:
            self._folder.add(analysed)
        if self._video is not None:
            if analysed.tracked.new_shot:
                self._video.cut()
            image = self._drawing.draw(analysed.tracked)
            self._video.write(replace(analysed.tracked.frame, image=image, alpha=None, gain=None))

    def finish(self, estimator: str, distances: Sequence[int], info: ClipInfo) -> None:
        """Give the outputs their final names."""
        if self._video is not None:
            self._video.finish()
        if self._folder is not None:
            self._folder.finish(estimator, distances, file_fingerprint(info.first_file))


def _lock(folder: Path) -> OutputLock:
    """The lock of a folder; its parents are created."""
    whole = folder.resolve()
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise writing_error(folder, error) from error
    return OutputLock(whole, "analysis")


def _check(settings: FlowSettings, folder: Path | None, view: Path | None) -> None:
    """Check the options before anything is opened."""
    check_estimator(settings.flow)
    if folder is None and view is None:
        raise UsageError("nothing to do: give -o FOLDER to write the motion, or --view FILE to draw it")
    if folder is not None:
        if is_recorded(settings.flow):
            raise UsageError(f"'{settings.flow}' is written already: give --view FILE to draw it")
        check_flow_folder(folder, settings.overwrite)
    if view is not None and view.suffix.lower() in STILL_SUFFIXES.keys() - ANIMATION_SUFFIXES:
        raise UsageError(
            f"{view.name} is a picture; --view takes a video such as {view.stem}.mp4, or {view.stem}.gif"
        )


def _size(info: ClipInfo, settings: FlowSettings) -> tuple[int, int]:
    """Width and height at which motion is estimated."""
    if settings.size is None:
        return working_size(info.width, info.height)
    factor = settings.size / min(info.width, info.height)
    width, height = max(1, round(info.width * factor)), max(1, round(info.height * factor))
    if max(width, height) > MAX_SIDE:
        raise UsageError(
            f"size {settings.size} makes {width}×{height}; no side may be longer than {MAX_SIDE}"
        )
    return width, height


def _motion_of(info: ClipInfo, settings: FlowSettings, size: tuple[int, int]) -> MotionSource:
    device = choose_device(settings.device)
    return open_motion(
        settings.flow,
        clip=info.first_file,
        size=size,
        frames=info.frames,
        device=device,
        precision=choose_precision(settings.precision, device),
    )
