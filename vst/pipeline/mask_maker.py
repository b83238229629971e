"""Makes a mask for a clip, for `--mask` and `--region`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import Tensor

from vst.device import choose_device, choose_precision
from vst.errors import Interrupted, UsageError
from vst.frame import Frame
from vst.media import ClipInfo, Encoding, Reader, open_writer
from vst.media.encode.codec_choice import default_codec
from vst.media.encode.codecs import CODECS
from vst.motion import MotionSource, check_estimator, open_motion
from vst.pipeline.frame_size import resize_frame, working_size
from vst.pipeline.mask_settings import MaskSettings
from vst.pipeline.mask_sources import check_rectangle, enlarged, mask_of, moving_masks, tracked_masks
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.regions.mask_track import MaskTrack, Timing
from vst.pipeline.regions.region import Mask
from vst.progress import Progress, progress_now


@dataclass(frozen=True)
class MaskReport:
    """What `vst mask` did.

    Attributes:
        source: The clip.
        output: The mask.
        frames: Number of frames.
        inside: Mean share of the picture that is inside, 0..1.
        seconds: Wall time.
        notes: What the user should know, one line each.
    """

    source: Path
    output: Path
    frames: int
    inside: float
    seconds: float
    notes: tuple[str, ...]


def make_mask(
    source: Path | str,
    output: Path | str,
    settings: MaskSettings,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> MaskReport:
    """Make a mask for a clip: white is inside, black is outside.

    Args:
        source: Any file that `vst.media` reads.
        output: The file to write: as many frames as the clip, of its size. Videos are compressed without
            loss where the container allows it.
        settings: What is inside.
        progress: Called after every frame.
        stop: Set it to stop after the frame in progress.

    Raises:
        UsageError: The settings do not fit the clip.
        MediaError: A file cannot be read or written.
        Interrupted: `stop` was set; no output is left.
        VstError: The flow estimator is not ready.
    """
    began = time.monotonic()
    source, output = Path(source), Path(output)
    check_estimator(settings.flow)
    notes: list[str] = []
    count, inside = 0, 0.0
    limiting = "motion" if settings.needs_motion else "decode"
    with ExitStack() as stack:
        stack.enter_context(explained_memory(choose_device(settings.device)))
        reader = stack.enter_context(Reader(source, stop=stop))
        info = reader.info
        check_rectangle(settings, info.width, info.height)
        if info.is_still and settings.needs_motion:
            raise UsageError(f"{source.name} is one picture; --motion and --from are for clips")
        masks = _masks(settings, reader, notes, stop)
        # A mask has neither sound nor text.
        bare = replace(info, has_alpha=False, audio=(), subtitles=(), chapters=(), metadata={})
        writer = stack.enter_context(
            open_writer(
                output,
                bare,
                _encoding(output, bare),
                width=info.width,
                height=info.height,
                overwrite=settings.overwrite,
                stop=stop,
            )
        )
        for frame, mask in masks:
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; nothing was written")
            mask = enlarged(mask, info.height, info.width)
            writer.write(replace(frame, image=mask.expand(3, -1, -1), alpha=None, gain=None, crop=None))
            inside += float(mask.mean())
            count += 1
            if progress is not None:
                progress(progress_now(count, info.frames, began, limiting))
        written = writer.finish()
        notes += [str(each) for each in reader.notes]
    share = inside / max(count, 1)
    if share == 0:
        notes.append("nothing is inside of the mask")
    return MaskReport(source, written, count, share, time.monotonic() - began, tuple(notes))


def _masks(
    settings: MaskSettings, reader: Reader, notes: list[str], stop: threading.Event | None
) -> Iterator[tuple[Frame, Tensor]]:
    """Each frame of the clip with its mask, at any size."""
    if not settings.needs_motion:
        make = mask_of(settings)
        return ((frame, make(frame)) for frame in reader)
    info = reader.info
    width, height = working_size(info.width, info.height)
    motion = _motion(settings, info)
    frames: Iterable[Frame] = map(partial(resize_frame, width=width, height=height), reader)
    if settings.motion:
        return moving_masks(frames, motion)
    assert settings.first is not None
    first = MaskTrack(Mask(settings.first), info, stop)
    try:
        if first.timing is not Timing.STILL:
            raise UsageError(
                f"--from {settings.first} is a clip; expected a picture, white where the mask is"
            )
        given = enlarged(first.at(0, info.start).float(), height, width)
    finally:
        first.close()
    if not bool((given > 0).any()):
        raise UsageError(f"--from {settings.first} is black; expected white where the mask is")
    return tracked_masks(frames, motion, given, notes)


def _motion(settings: MaskSettings, info: ClipInfo) -> MotionSource:
    device = choose_device(settings.device)
    return open_motion(
        settings.flow,
        clip=info.first_file,
        size=(info.width, info.height),
        frames=info.frames,
        device=device,
        precision=choose_precision(settings.precision, device),
    )


def _encoding(output: Path, info: ClipInfo) -> Encoding:
    """The best that a container has for a mask."""
    extension = output.suffix.lower().removeprefix(".")
    if extension in CODECS["ffv1"].containers:
        return Encoding("ffv1")
    name = default_codec(output, info, info.width, info.height)
    return Encoding(crf=0) if extension in CODECS[name].containers and CODECS[name].quality else Encoding()
