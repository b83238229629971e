"""`probe` for any input: a video file, a picture or an image sequence."""

from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vst.errors import MediaError, UsageError
from vst.media.colour.spec import RGB
from vst.media.file_errors import check_readable
from vst.media.libav import open_input
from vst.media.limits import FRAMES, SECONDS
from vst.media.notes import Notes, assumed, repaired
from vst.media.probe.clip_info import ClipInfo, FieldInfo, StoredFrame
from vst.media.probe.container import probe_container
from vst.media.stills.animation import Animation, animation_of
from vst.media.stills.picture_kind import PictureKind
from vst.media.stills.samples import StillInfo, animation_provenance, is_still, picture_kind, probe_still
from vst.media.stills.sequence import DEFAULT_RATE, ImageSequence, find_sequence, is_pattern
from vst.stream_paths import is_stream

MAX_PROBED_PICTURES = 10
"""Pictures of a sequence that are tried until one can be read."""

STILL_RATE = Fraction(25)
"""Frames per second of a single picture, which has none of its own."""


def probe(
    path: str | Path, *, fps: Fraction | None = None, stop: threading.Event | None = None
) -> ClipInfo:
    """Open a video, a picture or an image sequence, decode its first frame, and describe the clip.

    Args:
        path: A file, or a pattern such as ``shot.%04d.exr``, ``shot.####.png`` or ``shot.*.tif``.
        fps: Frames per second of an image sequence. Default: the rate in its files, else 24.
        stop: Ends the waiting for a pipe (`vst.media.pipes`) once it is set.

    Returns:
        The properties of the clip.

    Raises:
        MediaError: If the file is missing, is not a media file, has no video, or exceeds a limit
            (`vst.media.limits`).
        Interrupted: If `stop` is set while a pipe is waited for.
        UsageError: If `fps` is given for something other than an image sequence.
    """
    path = Path(path)
    if is_pattern(path):
        info = _probe_sequence(find_sequence(path), fps)
    else:
        if not is_stream(path):
            check_readable(path)
        if fps is not None:
            raise UsageError(f"--fps is for image sequences, and {path.name} is not one: leave it out")
        if is_still(path):
            return _from_still(path, probe_still(path))
        animation = None if is_stream(path) else animation_of(path)
        if animation is not None and picture_kind(path) is PictureKind.WEBP:
            info = _from_still(path, probe_still(path))
        else:
            with open_input(path, stop=stop) as container:
                info = probe_container(path, container)
        if animation is not None:
            picture = replace(info.picture, provenance=animation_provenance(path))
            info = replace(_animated(info, animation), picture=picture)
    FRAMES.check(path, info.frames or 0)
    SECONDS.check(path, float(info.duration or 0))
    return info


def _from_still(path: Path, still: StillInfo) -> ClipInfo:
    return ClipInfo(
        path=path,
        container=still.format,
        is_still=True,
        width=still.width,
        height=still.height,
        stored=StoredFrame(still.width, still.height),
        sample_aspect=still.sample_aspect,
        time_base=1 / STILL_RATE,
        average_rate=STILL_RATE,
        frames=1,
        duration=1 / STILL_RATE,
        start=Fraction(0),
        codec=still.format,
        pix_fmt=still.pix_fmt,
        bit_depth=still.bit_depth,
        has_alpha=still.has_alpha,
        colour=RGB,
        fields=FieldInfo(interlaced=False),
        notes=still.notes,
        light="linear" if still.format == "exr" else None,
        picture=still.metadata,
    )


def _animated(info: ClipInfo, animation: Animation) -> ClipInfo:
    """An animated picture, with the timing that its blocks state."""
    frames = len(animation.delays)
    return replace(
        info,
        is_still=False,
        time_base=Fraction(1, 1000) if info.is_still else info.time_base,
        average_rate=frames / animation.duration,
        frames=info.frames if info.frames and not info.is_still else frames,
        duration=animation.duration,
        variable_rate=max(animation.delays) - min(animation.delays) > Fraction(2, 100),
        plays=animation.plays,
        has_alpha=info.has_alpha and not animation.opaque,
        pix_fmt="bgr0" if animation.opaque else info.pix_fmt,
    )


def _first_readable(sequence: ImageSequence) -> StillInfo:
    """The first picture of a sequence that can be read."""
    failure: MediaError | None = None
    for file in sequence.files[:MAX_PROBED_PICTURES]:
        try:
            check_readable(file)
            if is_still(file):
                return probe_still(file)
            failure = failure or MediaError(
                f"{file} is not a picture: expected EXR, DPX, PNG, TIFF or other pictures in a sequence"
            )
        except MediaError as error:
            failure = failure or error
    raise failure or MediaError(f"{sequence.pattern} has no picture that can be read")


def _probe_sequence(sequence: ImageSequence, fps: Fraction | None) -> ClipInfo:
    still = _first_readable(sequence)
    notes = Notes(still.notes)
    rate = fps or still.rate
    if rate is None:
        rate = DEFAULT_RATE
        notes.add(assumed(f"the sequence has no frame rate; assuming {DEFAULT_RATE} (--fps sets it)"))
    if sequence.missing is not None:
        notes.add(repaired(sequence.missing))
    # At least 1000 ticks a second, and every frame starts on a tick.
    ticks = rate.numerator * max(1, -(-1000 // rate.numerator))
    length = sequence.numbers[-1] - sequence.numbers[0] + 1
    return replace(
        _from_still(sequence.pattern, still),
        container=f"{still.format} sequence",
        is_still=False,
        time_base=Fraction(1, ticks),
        average_rate=rate,
        frames=len(sequence.files),
        duration=length / rate,
        notes=tuple(notes),
        sequence=sequence,
        picture=replace(still.metadata, exif=None),
    )
