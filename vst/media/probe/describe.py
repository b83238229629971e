"""The properties of a clip as text and as JSON values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from vst.media.colour.layout import layout_of
from vst.media.colour.spec import TRANSFER_HLG, TRANSFER_PQ, ColourSpec
from vst.media.probe.clip_info import ClipInfo
from vst.media.provenance import find_provenance

_MATRICES = {
    "bt601": "BT.601",
    "bt709": "BT.709",
    "bt2020": "BT.2020",
    "fcc": "FCC",
    "smpte240m": "SMPTE 240M",
}
_PRIMARIES = {
    1: "BT.709",
    4: "BT.470 M",
    5: "BT.470 BG",
    6: "SMPTE 170M",
    7: "SMPTE 240M",
    9: "BT.2020",
    11: "DCI-P3",
    12: "Display P3",
}
_TRANSFERS = {
    1: "BT.709",
    4: "gamma 2.2",
    5: "gamma 2.8",
    6: "BT.601",
    8: "linear",
    13: "sRGB",
    14: "BT.2020",
    15: "BT.2020",
    TRANSFER_PQ: "PQ (HDR)",
    TRANSFER_HLG: "HLG (HDR)",
}
"""Names of the code points of ITU-T H.273 that are common in clips."""


def describe(info: ClipInfo) -> list[tuple[str, str]]:
    """The properties as pairs of a name and a text, one per line; notes come last."""
    lines = [("file", str(info.path)), ("kind", _kind(info)), ("size", _size(info))]
    if not info.is_still:
        lines += [("time", _time(info)), ("fields", _fields(info))]
    lines += [("samples", _samples(info)), ("colour", _colour(info))]
    if info.mastering is not None:
        lines.append(("mastering", _mastering(info)))
    for number, audio in enumerate(info.audio, 1):
        start = f", from {_seconds(audio.start)}" if audio.start else ""
        channels = f"{audio.channels} channel{'' if audio.channels == 1 else 's'}"
        lines.append(
            (
                f"audio {number}",
                f"{audio.codec}, {audio.rate} Hz, {channels}{_language(audio.language)}{start}",
            )
        )
    for number, text in enumerate(info.subtitles, 1):
        lines.append((f"subtitles {number}", f"{text.codec}{_language(text.language)}"))
    if info.chapters:
        names = ", ".join(chapter.title or _seconds(chapter.start) for chapter in info.chapters)
        lines.append(("chapters", f"{len(info.chapters)}: {names}"))
    lines += [("also", each) for each in info.extras]
    lines += [
        ("tag", f"{key}: {value}")
        for key, value in info.metadata.items()
        if find_provenance({key: value}) is None
    ]
    lines += [("made by", each) for each in (info.provenance or "").splitlines()]
    return [*lines, *(("note", note) for note in info.notes)]


def as_values(info: ClipInfo) -> dict[str, Any]:
    """The properties as JSON values: fractions as strings such as 24000/1001, times in seconds."""
    colour = info.colour
    return {
        "path": str(info.path),
        "container": info.container,
        "codec": info.codec,
        "still": info.is_still,
        "files": len(info.sequence.files) if info.sequence else 1,
        "width": info.width,
        "height": info.height,
        "rotation": info.stored.rotation,
        "mirrored": info.stored.mirrored,
        "sample_aspect": str(info.sample_aspect),
        "rate": None if info.average_rate is None else str(info.average_rate),
        "variable_rate": info.variable_rate,
        "frames": info.frames,
        "duration": None if info.duration is None else round(float(info.duration), 6),
        "start": round(float(info.start), 6),
        "plays": info.plays,
        "time_base": str(info.time_base),
        "interlaced": info.fields.interlaced,
        "pix_fmt": info.pix_fmt,
        "bits": info.bit_depth,
        "alpha": info.has_alpha,
        "matrix": colour.matrix,
        "matrix_said": colour.matrix_tagged,
        "full_range": colour.full_range,
        "primaries": colour.primaries,
        "transfer": colour.transfer,
        "hdr": {TRANSFER_PQ: "pq", TRANSFER_HLG: "hlg"}.get(colour.transfer),
        "linear": info.light == "linear",
        "audio": [
            {
                "codec": audio.codec,
                "rate": audio.rate,
                "channels": audio.channels,
                "language": audio.language,
                "start": None if audio.start is None else round(float(audio.start), 6),
            }
            for audio in info.audio
        ],
        "subtitles": [{"codec": text.codec, "language": text.language} for text in info.subtitles],
        "chapters": [
            {
                "start": round(float(chapter.start), 6),
                "end": round(float(chapter.end), 6),
                "title": chapter.title,
            }
            for chapter in info.chapters
        ],
        "extras": list(info.extras),
        "tags": dict(info.metadata),
        "provenance": info.provenance,
        "notes": list(info.notes),
    }


def _kind(info: ClipInfo) -> str:
    if info.is_still:
        return f"a picture, {info.codec.upper()}"
    if info.sequence is not None:
        numbers = info.sequence.numbers
        return f"{len(numbers)} pictures, {info.codec.upper()}, numbers {numbers[0]} to {numbers[-1]}"
    container = info.container.split(",")
    extension = info.path.suffix.lower().lstrip(".")
    return f"{info.codec} in {extension if extension in container else container[0]}"


def _size(info: ClipInfo) -> str:
    text = f"{info.width}×{info.height}"
    if info.sample_aspect != 1:
        shown = info.width * info.sample_aspect
        text += f", pixels {info.sample_aspect} as wide as high: shown as {round(shown)}×{info.height}"
    windows = info.picture.windows
    if windows is not None and windows.stored != windows.frame:
        left, top, width, height = windows.stored
        text += f", data window of {width}×{height} at {left}, {top}"
    stored = info.stored
    if stored.rotation or stored.mirrored:
        turns = [f"rotated by {stored.rotation}°"] if stored.rotation else []
        turns += ["mirrored"] if stored.mirrored else []
        text += f", {' and '.join(turns)} from {stored.width}×{stored.height}"
    return text


def _time(info: ClipInfo) -> str:
    parts = []
    if info.duration is not None:
        parts.append(_seconds(info.duration))
    if info.frames is not None:
        parts.append(f"{info.frames} frame{'' if info.frames == 1 else 's'}")
    if info.average_rate is not None:
        varies = "about " if info.variable_rate else ""
        parts.append(f"{varies}{float(info.average_rate):.6g} frames/s{', variable' if varies else ''}")
    if info.plays is not None:
        times = {0: "for ever", 1: "once"}.get(info.plays, f"{info.plays} times")
        parts.append(f"shown {times}")
    if info.start:
        parts.append(f"from {_seconds(info.start)}")
    return ", ".join(parts) or "unknown"


def _fields(info: ClipInfo) -> str:
    fields = info.fields
    if fields.interlaced is None:
        return "unknown; assumed progressive"
    if not fields.interlaced:
        return "progressive"
    first = {2: "top", 4: "top", 3: "bottom", 5: "bottom"}.get(fields.order)
    return f"interlaced{f', {first} field first' if first else ''}"


def _samples(info: ClipInfo) -> str:
    layout = layout_of(info.pix_fmt)
    if info.light == "linear" and info.codec == "exr":
        return f"{'half' if info.bit_depth == 16 else 'float'}, RGB{' and alpha' if info.has_alpha else ''}"
    kind = {"gray": "gray", "yuv": f"YUV {layout.chroma}"}.get(layout.kind, "RGB")
    return f"{info.bit_depth} bits, {kind}{' and alpha' if info.has_alpha else ''} ({info.pix_fmt})"


def _colour(info: ClipInfo) -> str:
    if info.light == "linear":
        return "linear light"
    colour = info.colour
    if colour.matrix == "rgb":
        return "RGB, sRGB" + (" with an embedded colour profile" if info.picture.profile else "")
    matrix = _MATRICES[colour.matrix] + ("" if colour.matrix_tagged else " (assumed)")
    width = "full" if colour.full_range else "limited"
    assumed = "" if colour.range_tagged else " (assumed)"
    return f"matrix {matrix}, {width} range{assumed}{_primaries_and_transfer(colour)}"


def _primaries_and_transfer(colour: ColourSpec) -> str:
    text = ""
    if colour.primaries in _PRIMARIES:
        text += f", primaries {_PRIMARIES[colour.primaries]}"
    if colour.transfer in _TRANSFERS:
        text += f", transfer {_TRANSFERS[colour.transfer]}"
    return text


def _mastering(info: ClipInfo) -> str:
    mastering = info.mastering
    assert mastering is not None
    parts = []
    if mastering.luminance is not None:
        low, high = mastering.luminance
        parts.append(f"display of {float(low):g} to {float(high):g} cd/m²")
    if mastering.max_cll:
        parts.append(f"MaxCLL {mastering.max_cll}, MaxFALL {mastering.max_fall} cd/m²")
    return ", ".join(parts) or "display primaries only"


def _seconds(value: Fraction) -> str:
    return f"{float(value):.3f} s"


def _language(language: str | None) -> str:
    return "" if language is None or language == "und" else f", {language}"
