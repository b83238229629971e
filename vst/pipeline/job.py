"""One render, from file to file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from vst.device import choose_device, choose_precision, precision_name
from vst.errors import CutShort, Interrupted, UsageError, VstError
from vst.frame import Frame
from vst.media import Encoding, Reader, Writer
from vst.media.segments.encoder import MAX_FRAMES
from vst.media.segments.work_folder import Save
from vst.modes import check_mode, create_mode
from vst.motion import Estimator, check_estimator, create_estimator
from vst.motion.files.recorded import RecordedMotion, is_recorded
from vst.pipeline.fingerprint import identity_of
from vst.pipeline.frame_range import (
    Place,
    ending,
    find_first,
    first_of_shot,
    passage_from,
    remembers,
    unless_stopped,
)
from vst.pipeline.frame_size import output_size, resize_frame, working_size
from vst.pipeline.memory_estimate import check as check_memory
from vst.pipeline.memory_estimate import explained_memory, predict
from vst.pipeline.memory_estimate import note as tiles_note
from vst.pipeline.output_path import output_path
from vst.pipeline.resume import Earlier, describe, find_earlier
from vst.pipeline.settings import MIB, RenderSettings
from vst.pipeline.stages import paint
from vst.postprocess import Look
from vst.progress import Progress
from vst.styles import load_catalogue, parse_blend

NAMED = 5
"""So many files are named; the rest is counted."""


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads for torch's arithmetic, and afterwards as many as before."""
    if count is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _opened(source: Path, settings: RenderSettings) -> Reader:
    return Reader(
        source,
        max_damaged=settings.max_damaged,
        fps=settings.fps,
        hdr=settings.hdr,
        deinterlace=settings.deinterlace,
        hwaccel=settings.hwaccel,
    )


def _until_cut_short(reader: Reader, width: int, height: int, why: list[CutShort]) -> Iterator[Frame]:
    """The frames at a size; an error after which those before are good ends them, and is put into `why`."""
    try:
        for frame in reader:
            yield resize_frame(frame, width, height)
    except CutShort as error:
        why.append(error)


@dataclass(frozen=True)
class Report:
    """What a render did.

    Attributes:
        source: The clip.
        output: The file written.
        frames: Number of frames, in and out.
        shots: Number of shots.
        seconds: Wall time.
        notes: What was converted, repaired or left out; one line each.
        settings: What was asked for.
        resumed: How many of the frames an earlier run had finished.
    """

    source: Path
    output: Path
    frames: int
    shots: int
    seconds: float
    notes: tuple[str, ...]
    settings: RenderSettings
    resumed: int = 0


def render(
    source: Path | str,
    settings: RenderSettings,
    output: Path | str | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Turn a clip, or a still, into a painting that holds still.

    Args:
        source: Any file that `vst.media` reads, or the pattern of an image sequence.
        settings: Style, mode and all else.
        output: Where to; `output_path` says what None means.
        progress: Told after every frame.
        stop: Set it to stop after the frame under way.

    Returns:
        What was done.

    Raises:
        UsageError: for a style, mode, codec, device or container that cannot be meant.
        MediaError: for files that cannot be read or written, and for an output that another render is at.
        CutShort: for a clip that breaks off; what came before is finished, and the message says where.
        WeightsError: for damaged weights.
        Interrupted: when `stop` was set; segments that are finished are kept in a work folder beside the
            output, for the next call to go on from. So they are after other errors.
        VstError: for a device that is not there, or has too little memory.
    """
    began = time.monotonic()
    source = Path(source)
    target = output_path(source, settings, None if output is None else Path(output))
    excerpt = settings.excerpt
    # All that can be refused is refused before anything is loaded or written.
    check_mode(settings.mode)
    blend = parse_blend(settings.style)
    selection = load_catalogue(settings.weights_dir).choose(blend, settings.mode, settings.quality)
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device)
    check_estimator(settings.flow)

    with _threads(settings.threads), explained_memory(device), _opened(source, settings) as reader:
        info = reader.info
        if info.is_still and not excerpt.is_whole:
            raise UsageError(f"{source.name} is one picture: --start, --end and --frames are for clips")
        width, height = output_size(info.width, info.height, settings)
        painting = settings.strength > 0
        working = working_size(width, height, settings.style_scale) if painting else None
        encoding = Encoding(settings.codec, settings.crf, settings.pix_fmt)
        with _kept(
            Writer(
                target,
                info,
                encoding,
                width=width,
                height=height,
                overwrite=settings.overwrite,
                segment_frames=None,
                resumable=True,
                min_free=int(settings.min_free * MIB),
                stop=stop,
            )
        ) as writer:
            mode = None
            estimator: Estimator | RecordedMotion | None = None
            if painting:
                mode = create_mode(
                    settings.mode,
                    settings.style,
                    device=device,
                    precision=precision,
                    weights_dir=settings.weights_dir,
                    quality=settings.quality,
                    tile=settings.tile,
                )
                if mode.distances and not is_recorded(settings.flow):
                    estimator = create_estimator(settings.flow, device=device, precision=precision)
                elif mode.distances and not info.is_still:
                    estimator = RecordedMotion(
                        settings.flow, info.first_file, info.width, info.height, info.frames
                    )
            planes = 4 if info.has_alpha else 3
            count = 1 if info.is_still else info.frames
            predicted = predict(mode, device, (width, height), working, planes=planes, frames=count)
            check_memory(predicted, device, (width, height), working)
            weights = [each.path for each in selection.files] if painting else []
            identity = identity_of(settings, info, device, precision, weights, estimator)
            earlier = find_earlier(writer, identity) if settings.resume else None

            @contextmanager
            def as_seen(first: int) -> Iterator[Iterable[Frame]]:
                """Frames from an index on, as cuts are looked for."""
                with _opened(source, settings) as again:
                    again.begin_at(first)
                    size = working or (width, height)
                    frames = unless_stopped(again, stop)
                    yield (resize_frame(resize_frame(each, width, height), *size) for each in frames)

            if earlier is not None:
                place = earlier.place
            else:
                first, at = find_first(lambda: _opened(source, settings), excerpt, info, stop)
                shot = first
                if first and remembers(mode):
                    found = (
                        estimator.first_of_shot(first) if isinstance(estimator, RecordedMotion) else None
                    )
                    shot = first_of_shot(as_seen, first) if found is None else found
                place = Place(first, at, shot)
            ends = ending(excerpt, place.first, info)
            writer.keep_times(place.time if place.first else None, ends=excerpt.has_end)
            if earlier is None:
                gone = writer.start(describe(identity, place))
                passage = passage_from(mode, place.first, place.shot, False, ends)
            else:
                gone = writer.take_up(earlier.segments)
                shot = earlier.shot(remembers(mode))
                restored = earlier.state is not None
                passage = passage_from(mode, place.first + earlier.frames, shot, restored, ends)
                if mode is not None and earlier.state is not None:
                    mode.restore(earlier.state)
            writer.shot = passage.shot
            begun = {passage.shot} if earlier is None else {each.shot for each in earlier.segments}

            def cut(shot: int, save: Save | None) -> None:
                writer.cut(save)
                writer.shot = shot

            cut_short: list[CutShort] = []
            if earlier is None or not earlier.is_all:
                reader.begin_at(passage.read)
                counts = paint(
                    _until_cut_short(reader, width, height, cut_short),
                    mode,
                    estimator,
                    Look(settings.strength, settings.keep_color),
                    working=working,
                    write=writer.write,
                    cut=cut,
                    passage=passage,
                    segment_frames=MAX_FRAMES,
                    total=excerpt.count(place.first, place.time, info),
                    done=writer.frames,
                    progress=progress,
                    stop=stop,
                )
                begun.update(counts.shots)
            if cut_short and not writer.frames:
                raise cut_short[0]
            written = writer.finish(cut_short=bool(cut_short))
            notes = (*reader.notes, *writer.notes, *_notes_on(place, earlier, gone))
    if cut_short:
        raise CutShort(
            f"{cut_short[0]}; the {writer.frames} frames before that are in {written}", kept=written
        )
    if isinstance(estimator, RecordedMotion):
        notes = (*notes, *estimator.notes)
    if working is not None and working != (width, height):
        notes = (
            *notes,
            f"painted at {working[0]}×{working[1]}; --style-scale changes the size of the strokes",
        )
    if predicted is not None and (said := tiles_note(predicted.need)) is not None:
        notes = (*notes, said)
    if painting and settings.precision == "auto":
        notes = (*notes, f"painted on {device} in {precision_name(precision)}")
    resumed = 0 if earlier is None else earlier.frames
    return Report(
        source, written, writer.frames, len(begun), time.monotonic() - began, notes, settings, resumed
    )


def _notes_on(place: Place, earlier: Earlier | None, gone: Sequence[str]) -> Iterator[str]:
    """What a user should know of where the render began."""
    if place.shot < place.first:
        yield f"painted from frame {place.shot}f on, where the shot of the first frame begins"
    if earlier is not None:
        yield f"{earlier.frames} frames were finished by an earlier run"
    if gone:
        names = ", ".join(gone[:NAMED]) + (f" and {len(gone) - NAMED} more" if len(gone) > NAMED else "")
        yield f"removed, left over from an earlier run: {names}"


@contextmanager
def _kept(writer: Writer) -> Iterator[Writer]:
    """The writer, entered; an error says what is kept for the next run."""
    try:
        with writer:
            yield writer
    except VstError as error:
        if writer.kept:
            error.args = (
                f"{error}; {writer.kept} frames are kept, and the same command goes on after them",
            )
        elif isinstance(error, Interrupted):
            error.args = (f"{error}; no output was written",)
        raise
