"""Scanning a clip in parts, by several processes or machines, with the result of one pass.

Each part begins at a keyframe that the container finds. Part k decides about cuts from two frames after its
beginning to two frames after the beginning of part k+1, so that each decision sees all five frames that it
depends on. Four frames are decoded by both parts and compared: if a file cannot be read exactly from a
keyframe on, or anything in it is damaged, the parts are given up for one pass.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import av

from vst.batch.farm.scan import Scan, Watched, scanned, was_damaged, without_image
from vst.batch.workers import signals_blocked
from vst.errors import Interrupted, MediaError
from vst.media import ClipInfo, Reader
from vst.media.decode.decoder import SeekError, SeekPoint
from vst.media.libav import open_input, packets_of
from vst.motion.shot_detection import CUT_CONTEXT
from vst.nn.backends import TORCH
from vst.openmp import children_wait_asleep
from vst.pipeline.frame_range import IsSet
from vst.pipeline.open_render import sizes_of
from vst.pipeline.open_session import open_session
from vst.pipeline.plan import RenderPlan, plan_render
from vst.pipeline.settings import RenderSettings
from vst.pipeline.threads import arithmetic_threads
from vst.progress import Progress

SHORTEST_PART = 1000
"""Frames of a part, at least: a process takes longer to start than to scan fewer."""

_POLL = 0.2
"""Longest time in seconds until a set stop event is noticed."""

_ended: Event | None = None
"""Of a process that scans a part: set when its result is no longer needed."""

_OVERLAP = 2 * CUT_CONTEXT
"""Frames at the beginning of a part that the part before decodes too."""


@dataclass(frozen=True)
class Part:
    """A part of a clip, by the timestamps of keyframes.

    Attributes:
        begin: Of its first frame; None for the clip's.
        end: Of the first frame of the next part; None for the last part.
    """

    begin: int | None
    end: int | None


class Divided(Exception):
    """A clip is to be scanned in parts by others.

    Args:
        parts: Its parts, in order.
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        super().__init__(parts)
        self.parts = parts


def parts_of(plan: RenderPlan, like: Reader, count: int, total: int | None) -> tuple[Part, ...]:
    """The parts in which a whole clip can be scanned; none if it has to be read in one pass.

    Args:
        plan: The render.
        like: A reader of the clip.
        count: Number of parts, at most.
        total: Number of frames, if it is known.
    """
    info = like.stored
    if info.sequence is not None or info.is_animated_webp or plan.settings.deinterlace != "no":
        return ()
    begins = _beginnings(info, count, total)
    if len(begins) < 2:
        return ()
    return tuple(Part(*each) for each in itertools.pairwise((None, *begins[1:], None)))


def scan_in_parts(
    plan: RenderPlan,
    parts: Sequence[Part],
    *,
    total: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Scan | None:
    """Scan the parts of a clip, each in a process; None if it has to be read in one pass.

    Args:
        plan: The render.
        parts: From `parts_of`.
        total: Number of frames, if it is known.
        progress: Called after every part.
        stop: Set it to stop.

    Raises:
        Interrupted: `stop` was set.
    """
    watched = Watched(total, progress)
    scans: list[Scan | None] = []
    context = get_context("spawn")
    ended = context.Event()
    task = (plan.source, plan.settings, plan.target)
    with ProcessPoolExecutor(len(parts), context, initializer=_begin_process, initargs=(ended,)) as pool:
        try:
            with signals_blocked(), children_wait_asleep():
                futures = [pool.submit(_scan_here, *task, part) for part in parts]
            for found in _results(futures, stop):
                if found is None:
                    return None
                scans.append(found)
                watched.count(len(found.frames))
        finally:
            ended.set()
    return join_parts(scans)


def _results(futures: list[Future[Scan | None]], stop: threading.Event | None) -> Iterator[Scan | None]:
    for future in futures:
        while not future.done():
            wait([future], _POLL)
            if stop is not None and stop.is_set():
                raise Interrupted("stopped before the first frame")
        try:
            yield future.result()
        except BrokenProcessPool:
            yield None


def _beginnings(info: ClipInfo, jobs: int, total: int | None) -> list[int]:
    """Timestamps of the keyframes at which parts of about the same length begin, the clip's included."""
    if info.duration is None or not info.duration or (total is not None and total < 2 * SHORTEST_PART):
        return []
    count = jobs if total is None else min(jobs, total // SHORTEST_PART)
    found: list[int] = []
    try:
        with open_input(info.path) as container:
            stream = container.streams[info.stream_index]
            for place in range(count):
                target = info.start + info.duration * place / count
                container.seek(round(target / info.time_base), stream=stream, backward=True)
                for packet in packets_of(container, stream):
                    if packet.is_keyframe and packet.pts is not None and not packet.is_discard:
                        if not found or packet.pts > found[-1]:
                            found.append(packet.pts)
                        break
    except (av.FFmpegError, OverflowError):
        return []
    return found


def _begin_process(ended: Event) -> None:
    """Make a new process ready: it stops when the event is set, not by Ctrl-C."""
    global _ended
    _ended = ended
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _scan_here(source: Path, settings: RenderSettings, target: Path, part: Part) -> Scan | None:
    """`scan_part` in a process of its own."""
    return scan_part(source, settings, target, part, _ended)


def scan_part(
    source: Path,
    settings: RenderSettings,
    target: Path,
    part: Part,
    stop: IsSet | None,
    scanned_frames: Callable[[int], None] = lambda frames: None,
) -> Scan | None:
    """Scan one part; None if the clip has to be read in one pass.

    Frames are numbered from the part's first. Those that the next part begins with are included.

    Args:
        source: The clip.
        settings: Of the render.
        target: The output.
        part: Which.
        stop: Set it to stop.
        scanned_frames: Called with the number of frames so far.

    Raises:
        Interrupted: `stop` was set.
    """
    with contextlib.suppress(MediaError, SeekError):
        return _scan_part(source, settings, target, part, stop, scanned_frames)
    return None


def _scan_part(
    source: Path,
    settings: RenderSettings,
    target: Path,
    part: Part,
    stop: IsSet | None,
    scanned_frames: Callable[[int], None],
) -> Scan | None:
    # Nothing is stylized: no backend is timed, and no loop is closed.
    plan = plan_render(source, dataclasses.replace(settings, backend=TORCH, loop=False), target)
    found = Scan(0)
    with arithmetic_threads(settings.threads), plan.open_reader() as reader:
        session = open_session(plan, reader, *sizes_of(plan, reader.info))
        unit = reader.info.time_base
        reader.begin_at(0, () if part.begin is None else [SeekPoint(0, part.begin)])
        after = 0
        for frame, begins in scanned(reader, session, stop, found.checksums):
            found.frames.append(without_image(frame))
            found.begins.append(begins)
            scanned_frames(len(found.frames))
            after += part.end is not None and frame.time >= part.end * unit
            if after == _OVERLAP:
                break
        if was_damaged(reader):
            return None
        del found.checksums[len(found.frames) :]
        found.seek_points = tuple(reader.seek_points)
    return found


def join_parts(scans: Sequence[Scan | None]) -> Scan | None:
    """The scan of the whole clip from those of its parts, in order.

    None if one of them is None, or two parts do not have the same frames where they overlap.
    """
    whole = Scan(0)
    points: list[SeekPoint] = []
    for each in scans:
        if each is None:
            return None
        base = max(len(whole.frames) - _OVERLAP, 0)
        if not _agree(whole, each, base):
            return None
        kept = min(CUT_CONTEXT, len(each.frames)) if base else 0
        del whole.frames[base + kept :], whole.begins[base + kept :], whole.checksums[base + kept :]
        moved = [dataclasses.replace(frame, index=base + place) for place, frame in enumerate(each.frames)]
        whole.frames += moved[kept:]
        whole.begins += each.begins[kept:]
        whole.checksums += each.checksums[kept:]
        known = points[-1].frame if points else -1
        points += [
            SeekPoint(base + point.frame, point.pts)
            for point in each.seek_points
            if base + point.frame > known
        ]
    whole.seek_points = tuple(points)
    return whole


def _agree(whole: Scan, part: Scan, base: int) -> bool:
    """Whether the frames after `base`, which were decoded twice, are equal."""
    if not base:
        return True
    overlap = len(whole.frames) - base
    if len(part.frames) <= overlap or whole.checksums[base:] != part.checksums[:overlap]:
        return False
    times = [frame.time for frame in part.frames[:overlap]]
    return [frame.time for frame in whole.frames[base:]] == times
