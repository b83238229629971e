"""The options of reading, and what a clip is once they are applied."""

from __future__ import annotations

from dataclasses import replace

from vst.errors import UsageError, suggestion
from vst.media.colour.curves import CURVES
from vst.media.colour.spec import TRANSFER_PQ, ColourSpec
from vst.media.decode.deinterlace import DEINTERLACE
from vst.media.notes import Note, NoteKind, Notes, assumed, converted
from vst.media.probe.clip_info import ClipInfo, FieldInfo, StoredFrame
from vst.media.stills.coded_picture import is_logarithm_note
from vst.media.stills.exr import canvas_of

HDR = ("tonemap", "keep")
"""Values of ``--hdr``: tone-map PQ and HLG to SDR, or keep them. Kept HDR is tone-mapped for the stylizer,
and each frame carries the gain that restores it."""

AUTO_COLOR = "auto"
"""Default of ``--input-colour``: linear light in OpenEXR, sRGB in other pictures."""

SDR = ColourSpec("bt709", False, 1, 1, 1, True, True)
"""The colour of a clip after tone mapping."""


def check_hdr(name: str) -> None:
    """Check the value of ``--hdr``.

    Raises:
        UsageError: For a name that is not in `HDR`.
    """
    if name not in HDR:
        raise UsageError(f"hdr is {name!r}: {suggestion(name, HDR)}")


def check_deinterlace(name: str) -> None:
    """Check the value of ``--deinterlace``.

    Raises:
        UsageError: For a name that is not in `DEINTERLACE`.
    """
    if name not in DEINTERLACE:
        raise UsageError(f"deinterlace is {name!r}: {suggestion(name, DEINTERLACE)}")


def check_input_color(name: str) -> None:
    """Check the value of ``--input-colour``.

    Raises:
        UsageError: For a name that is neither ``auto`` nor in `CURVES`.
    """
    if name != AUTO_COLOR and name not in CURVES:
        raise UsageError(f"input colour is {name!r}: {suggestion(name, (AUTO_COLOR, *CURVES))}")


def apply_options(
    stored: ClipInfo, hdr: str, deinterlace: str, input_color: str = AUTO_COLOR, for_exr: bool = False
) -> ClipInfo:
    """The properties of a clip's frames, read with these options.

    Args:
        stored: The clip as stored.
        hdr: One of `HDR`.
        deinterlace: One of `DEINTERLACE`.
        input_color: `AUTO_COLOR` or a key of `CURVES`.
        for_exr: Whether the frames are written as OpenEXR, which keeps overscan.

    Raises:
        UsageError: If `input_color` is given for a video.
        MediaError: If the frame with its overscan is too large.
    """
    info = _apply_input_color(_apply_hdr(stored, hdr), input_color)
    if for_exr and info.picture.windows is not None:
        info = _apply_overscan(info)
    if deinterlace == "no":
        return info
    if not stored.in_container:
        note = Note("pictures have no fields: there is nothing to deinterlace")
        return replace(info, notes=(*info.notes, note))
    return _apply_deinterlace(info, stored, deinterlace)


def _apply_input_color(info: ClipInfo, name: str) -> ClipInfo:
    if name == AUTO_COLOR:
        return info
    if info.in_container or info.is_animated_webp:
        raise UsageError(
            f"--input-colour is for pictures and image sequences, and {info.path.name} is a video: "
            "leave it out"
        )
    notes = [note for note in info.notes if not is_logarithm_note(note)]
    if name == ("linear" if info.codec == "exr" else "srgb"):
        return replace(info, notes=tuple(notes))
    if name not in ("linear", "srgb"):
        notes.append(
            converted(f"{CURVES[name].title} is decoded; colours are treated as having BT.709 primaries")
        )
    return replace(info, light="linear", curve=name, notes=tuple(notes))


def _apply_overscan(info: ClipInfo) -> ClipInfo:
    canvas = canvas_of(info.sequence.files if info.sequence else (info.path,))
    if canvas is None:
        return info
    notes = info.notes
    if (canvas.width, canvas.height) != (info.width, info.height):
        note = Note(
            f"frames are stylized with their overscan, {canvas.width}×{canvas.height} around the display "
            f"window of {info.width}×{info.height}"
        )
        notes = (*notes, note)
    return replace(
        info,
        width=canvas.width,
        height=canvas.height,
        stored=StoredFrame(canvas.width, canvas.height),
        picture=replace(info.picture, canvas=canvas),
        notes=notes,
    )


def _apply_hdr(stored: ClipInfo, hdr: str) -> ClipInfo:
    if not stored.colour.is_hdr:
        return stored
    curve = "PQ" if stored.colour.transfer == TRANSFER_PQ else "HLG"
    if hdr == "keep":
        note = converted(f"HDR ({curve}) is kept: frames are stylized tone-mapped, then restored to HDR")
        return replace(stored, light="hdr", notes=(*stored.notes, note))
    note = converted(f"HDR ({curve}) is tone-mapped to SDR (BT.709); --hdr keep keeps it")
    return replace(stored, colour=SDR, mastering=None, notes=(*stored.notes, note))


def _apply_deinterlace(info: ClipInfo, stored: ClipInfo, deinterlace: str) -> ClipInfo:
    notes = Notes(note for note in info.notes if note.kind is not NoteKind.INTERLACED)
    per_frame = 2 if deinterlace == "fields" else 1
    unit = "field" if deinterlace == "fields" else "frame"
    notes.add(converted(f"deinterlaced to one picture per {unit}"))
    if not stored.fields.interlaced:
        notes.add(assumed("the clip is not flagged as interlaced; assuming top field first"))
    return replace(
        info,
        fields=FieldInfo(interlaced=False),
        time_base=stored.time_base / 2,
        average_rate=stored.average_rate and stored.average_rate * per_frame,
        frames=stored.frames and stored.frames * per_frame,
        timecode=_at_double_rate(stored.timecode) if per_frame == 2 else stored.timecode,
        notes=tuple(notes),
    )


def _at_double_rate(timecode: str | None) -> str | None:
    """The same time, counted at twice the frame rate."""
    return timecode and f"{timecode[:-2]}{2 * int(timecode[-2:]):02d}"
