"""One render, from file to file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from vst.look import Look
from vst.media import Encoding, Reader, Writer
from vst.modes import check_mode, create_mode
from vst.motion import Estimator, check_estimator, create_estimator
from vst.motion.recorded import RecordedMotion, is_recorded
from vst.render.device import choose_device, choose_precision, explained_memory, precision_name
from vst.render.paths import output_path
from vst.render.pipeline import Progress, paint
from vst.render.scale import output_size, resize_frame, working_size
from vst.render.settings import RenderSettings
from vst.styles import load_catalogue, parse_blend


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
    return Reader(source, fps=settings.fps, hdr=settings.hdr, deinterlace=settings.deinterlace)


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
    """

    source: Path
    output: Path
    frames: int
    shots: int
    seconds: float
    notes: tuple[str, ...]
    settings: RenderSettings


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
        MediaError: for files that cannot be read or written.
        WeightsError: for damaged weights.
        Interrupted: when `stop` was set; nothing is left behind.
        VstError: for a device that is not there, or has too little memory.
    """
    began = time.monotonic()
    source = Path(source)
    target = output_path(source, settings, None if output is None else Path(output))
    # All that can be refused is refused before anything is loaded or written.
    check_mode(settings.mode)
    blend = parse_blend(settings.style)
    load_catalogue(settings.weights_dir).choose(blend, settings.mode)
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device)
    check_estimator(settings.flow)

    with _threads(settings.threads), explained_memory(device), _opened(source, settings) as reader:
        info = reader.info
        width, height = output_size(info.width, info.height, settings)
        painting = settings.strength > 0
        working = working_size(width, height, settings.style_scale) if painting else None
        encoding = Encoding(settings.codec, settings.crf, settings.pix_fmt)
        with Writer(
            target, info, encoding, width=width, height=height, overwrite=settings.overwrite
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
                )
                if mode.distances and not is_recorded(settings.flow):
                    estimator = create_estimator(settings.flow, device=device, precision=precision)
                elif mode.distances and not info.is_still:
                    estimator = RecordedMotion(
                        settings.flow, info.first_file, info.width, info.height, info.frames
                    )
            counts = paint(
                (resize_frame(frame, width, height) for frame in reader),
                mode,
                estimator,
                Look(settings.strength, settings.keep_color),
                working=working,
                write=writer.write,
                cut=writer.cut,
                total=info.frames,
                progress=progress,
                stop=stop,
            )
            written = writer.finish()
            notes = (*reader.notes, *writer.notes)
    if isinstance(estimator, RecordedMotion):
        notes = (*notes, *estimator.notes)
    if working is not None and working != (width, height):
        notes = (
            *notes,
            f"painted at {working[0]}×{working[1]}; --style-scale changes the size of the strokes",
        )
    if painting and settings.precision == "auto":
        notes = (*notes, f"painted on {device} in {precision_name(precision)}")
    return Report(source, written, counts.frames, counts.shots, time.monotonic() - began, notes, settings)
