"""A clip's motion without a painting: kept in a folder, shown as a video, or both in one pass."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from vst.device import choose_device, choose_precision
from vst.errors import Interrupted, MediaError, UsageError, suggestion
from vst.media import ClipInfo, Reader, Writer
from vst.media.probe.containers import writing_error
from vst.media.segments.output_lock import OutputLock
from vst.media.stills.write import STILL_SUFFIXES
from vst.motion import DISTANCES, MotionSource, check_estimator, open_motion
from vst.motion.files.flow_folder import FORMS, FlowWriter, check_flow_folder, identity_of
from vst.motion.files.recorded import is_recorded
from vst.motion.view import SHOWS, FlowView
from vst.pipeline.frame_size import resize_frame, working_size
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.settings import MAX_SIDE
from vst.pipeline.stages import DEPTH
from vst.pipeline.threads import Background, Clock
from vst.progress import Progress, progress_now

LARGEST_DISTANCE = 64
"""Frames; so many are kept in memory."""


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """All that a user decides about an analysis.

    Raises:
        UsageError: for values out of range.
    """

    flow: str = "auto"
    """Which estimator; `file:FOLDER` for flow that was kept before, which can be shown."""
    form: str = "png"
    """How flow is kept: `png` in steps of 1/64 pixel, or `flo`, exact."""
    distances: tuple[int, ...] = DISTANCES
    """How far back motion is looked for; 1 is always among them."""
    size: int | None = None
    """Short side in pixels at which motion is estimated; None is that at which a render does it."""
    show: str = "all"
    """What the view shows: color, arrows, mask or all."""
    radius: float | None = None
    """Length in pixels of flow that gets a full colour; None finds one."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:n."""
    precision: str = "auto"
    """auto, fp32, bf16 or fp16."""
    overwrite: bool = False
    """Whether outputs that exist are replaced."""

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UsageError(f"format is {self.form!r}: {suggestion(self.form, FORMS)}")
        if self.show not in SHOWS:
            raise UsageError(f"cannot show {self.show!r}: {suggestion(self.show, SHOWS)}")
        if 1 not in self.distances or not all(1 <= each <= LARGEST_DISTANCE for each in self.distances):
            given = ",".join(map(str, self.distances)) or "none"
            raise UsageError(f"distances are {given}; expected 1 and others up to {LARGEST_DISTANCE}")
        if self.size is not None and not 16 <= self.size <= MAX_SIDE:
            raise UsageError(f"size is {self.size}; expected a short side of 16 to {MAX_SIDE} pixels")
        if self.radius is not None and not 0 < self.radius < math.inf:
            raise UsageError(f"radius is {self.radius:g}; expected more than 0 pixels")


@dataclass(frozen=True)
class FlowReport:
    """What an analysis did.

    Attributes:
        source: The clip.
        folder: The folder with flow, if one was written.
        view: The video, if one was written.
        frames: Number of frames.
        shots: Number of shots.
        width: At which motion was estimated.
        height: At which motion was estimated.
        estimator: Whose flow it is.
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
    """Estimate a clip's motion once, to be used by many renders or looked at.

    Args:
        source: A video that `vst.media` reads.
        settings: Estimator, size and all else.
        folder: Where flow and masks go, for `--flow file:FOLDER`; None keeps none.
        view: The video that shows the motion; None makes none.
        progress: Told after every frame.
        stop: Set it to stop after the frame under way.

    Returns:
        What was done.

    Raises:
        UsageError: for options that cannot be meant.
        MediaError: for files that cannot be read or written.
        Interrupted: when `stop` was set; nothing is left behind.
        VstError: for an estimator that is not ready.
    """
    began = time.monotonic()
    settings = settings or FlowSettings()
    source = Path(source)
    folder, view = (None if each is None else Path(each) for each in (folder, view))
    _check(settings, folder, view)
    clock = Clock()
    count = shot_count = 0
    with ExitStack() as stack:
        stack.enter_context(explained_memory(choose_device(settings.device)))
        reader = stack.enter_context(Reader(source))
        info = reader.info
        if info.is_still:
            raise MediaError(f"{source} is a picture: motion needs a clip of several frames")
        width, height = _size(info, settings)
        motion = _motion_of(info, settings, (width, height))
        distances = sorted(settings.distances) if folder is not None else [1]
        drawing = FlowView(settings.show, settings.radius)
        keeper = film = None
        if folder is not None:
            stack.enter_context(_alone_at(folder))
            keeper = stack.enter_context(FlowWriter(folder, settings.form, overwrite=settings.overwrite))
        if view is not None:
            shown = drawing.size(width, height)
            # Opaque, whatever the clip is.
            shown_as = replace(info, has_alpha=False)
            film = stack.enter_context(
                Writer(
                    view,
                    shown_as,
                    width=shown[0],
                    height=shown[1],
                    overwrite=settings.overwrite,
                    stop=stop,
                )
            )
        frames = (resize_frame(frame, width, height) for frame in reader)
        decoded = stack.enter_context(Background(frames, DEPTH, "decode", clock))
        followed = stack.enter_context(
            Background(motion.analyse(decoded, distances), 1, "motion", clock).after(decoded)
        )
        for analysed in followed:
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; nothing was written")
            started = time.monotonic()
            if keeper is not None:
                keeper.add(analysed)
            if film is not None:
                if analysed.tracked.new_shot:
                    film.cut()
                image = drawing.draw(analysed.tracked)
                film.write(replace(analysed.tracked.frame, image=image, alpha=None, gain=None))
            clock.add("write", time.monotonic() - started)
            count += 1
            shot_count += analysed.tracked.new_shot
            if progress is not None:
                progress(progress_now(count, info.frames, began, clock.limiting()))
        if film is not None:
            film.finish()
        if keeper is not None:
            keeper.finish(motion.name, distances, identity_of(info.first_file))
        notes = (*reader.notes, *(film.notes if film is not None else ()))
        notes += motion.notes
    return FlowReport(
        source, folder, view, count, shot_count, width, height, motion.name, time.monotonic() - began, notes
    )


def _alone_at(folder: Path) -> OutputLock:
    """The lock of a folder that may have to be made."""
    whole = folder.resolve()
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise writing_error(folder, error) from error
    return OutputLock(whole, "analysis")


def _check(settings: FlowSettings, folder: Path | None, view: Path | None) -> None:
    """Refuse what cannot be meant before anything is opened."""
    check_estimator(settings.flow)
    if folder is None and view is None:
        raise UsageError("nothing to do: give -o FOLDER to keep the motion, or --view FILE to look at it")
    if folder is not None:
        if is_recorded(settings.flow):
            raise UsageError(f"'{settings.flow}' is kept already: give --view FILE to look at it")
        check_flow_folder(folder, settings.overwrite)
    if view is not None and view.suffix.lower() in STILL_SUFFIXES:
        raise UsageError(f"{view.name} is a picture: --view wants a video such as {view.stem}.mp4")


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
