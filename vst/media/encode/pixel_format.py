"""Which pixel format an output gets."""

from __future__ import annotations

import av
import av.codec

from vst.errors import UsageError
from vst.media.colour.layout import Layout, find_layout, layout_of
from vst.media.encode.codec import Codec
from vst.media.encode.codecs import CODECS
from vst.media.encode.containers import Container
from vst.media.notes import Note, Notes, converted, dropped
from vst.media.probe.clip_info import ClipInfo

HDR_BITS = 10
"""Bits per sample that PQ and HLG need at least."""

_SUBSAMPLING_NAMES = {
    (1, 1): "444",
    (2, 1): "422",
    (2, 2): "420",
    (1, 2): "440",
    (4, 1): "411",
    (4, 4): "410",
}


def choose_pix_fmt(
    codec: Codec, source: ClipInfo, chosen: str | None, width: int, height: int, notes: Notes
) -> str:
    """The pixel format of the output: the chosen one, or the default of the codec for this source.

    Args:
        codec: The codec.
        source: The clip.
        chosen: The pixel format that the user chose; None for the default.
        width: Columns of the output.
        height: Rows of the output.
        notes: Gets a note if the default is not what the source has.

    Raises:
        UsageError: If the codec does not have the pixel format, or it has too few bits for HDR.
    """
    formats = _writable_formats(codec)
    if chosen is not None:
        if chosen not in formats:
            raise UsageError(
                f"codec {codec.name} does not support pixel format {chosen}: "
                f"choose one of {', '.join(formats)}"
            )
        pix_fmt = chosen
    elif codec.pix_fmt is None:
        pix_fmt = _lossless_format(source, layout_of(source.pix_fmt), formats, notes)
    else:
        pix_fmt = codec.pix_fmt(layout_of(source.pix_fmt))
        if source.light == "hdr" and layout_of(pix_fmt).bits < HDR_BITS:
            pix_fmt = next((name for name in formats if name == pix_fmt + "10le"), pix_fmt)
        full_chroma = pix_fmt.replace("420", "444")
        if (
            even_size(codec, pix_fmt, width, height) != (width, height)
            and layout_of(source.pix_fmt).has_full_chroma
            and full_chroma in formats
        ):
            notes.add(
                converted(
                    f"{width}×{height} has an odd side, which {codec.name} does not support in 4:2:0; "
                    f"using {full_chroma}, which some players refuse: --pix-fmt {pix_fmt} pads the frames"
                )
            )
            pix_fmt = full_chroma
    _check(codec, source, pix_fmt)
    return pix_fmt


def even_size(codec: Codec, pix_fmt: str, width: int, height: int) -> tuple[int, int]:
    """Width and height of the encoded frames: a subsampled side is even if the codec requires it."""
    layout = layout_of(pix_fmt)
    if not codec.even_420:
        return width, height
    return width + width % 2 * (layout.sub_x > 1), height + height % 2 * (layout.sub_y > 1)


def note_padding(
    codec: Codec, container: Container, pix_fmt: str, size: tuple[int, int], even: tuple[int, int]
) -> Note:
    """The note about frames that are padded, with the option that keeps their size.

    Args:
        codec: The codec.
        container: The container.
        pix_fmt: Pixel format of the output.
        size: Width and height of the frames.
        even: Of the padded frames.
    """
    full_chroma = pix_fmt.replace("420", "444")
    if full_chroma in _writable_formats(codec):
        keeps = f"--pix-fmt {full_chroma}"
    elif container.name in CODECS["vp9"].containers:
        keeps = "--codec vp9"
    else:
        keeps = "--codec h264 --pix-fmt yuv444p"
    sides = [name for name, a, b in zip(("column", "row"), size, even, strict=True) if a != b]
    return converted(
        f"{size[0]}×{size[1]} becomes {even[0]}×{even[1]}, because {codec.name} as {pix_fmt} needs even "
        f"sides: the last {' and '.join(sides)} {'is' if len(sides) == 1 else 'are'} repeated; "
        f"{keeps} keeps the exact size"
    )


def _writable_formats(codec: Codec) -> list[str]:
    try:
        formats = av.codec.Codec(codec.encoder, "w").video_formats or []
    except av.codec.codec.UnknownCodecError as error:
        raise UsageError(
            f"codec {codec.name} is not in this build of PyAV (no {codec.encoder}): choose another codec"
        ) from error
    if codec.hardware is not None:
        return list(codec.hardware.surfaces)
    return [f.name for f in formats if find_layout(f.name) is not None and not f.name.startswith("yuvj")]


def _check(codec: Codec, source: ClipInfo, pix_fmt: str) -> None:
    layout = layout_of(pix_fmt)
    if source.light == "hdr" and layout.bits < HDR_BITS:
        raise UsageError(
            f"{codec.name} as {pix_fmt} has {layout.bits} bits per sample, and HDR needs {HDR_BITS}: "
            "choose --codec h265, av1, prores or ffv1, or --hdr tonemap"
        )


def note_losses(codec: Codec, source: ClipInfo, pix_fmt: str, notes: Notes) -> None:
    """Add a note for each property of the source that the pixel format does not have."""
    before, after = layout_of(source.pix_fmt), layout_of(pix_fmt)
    if before.kind == after.kind == "yuv" and after.chroma < before.chroma:
        notes.add(
            converted(
                f"chroma subsampling {before.chroma} becomes {after.chroma}; --pix-fmt chooses another"
            )
        )
    if after.bits < before.bits and not (after.is_rgb and after.bits >= 8 and before.bits <= 8):
        notes.add(
            converted(
                f"{before.bits} bits per sample are reduced to {after.bits}; --pix-fmt or --codec keep more"
            )
        )
    if source.has_alpha and not after.alpha:
        notes.add(dropped(f"alpha is dropped: {codec.name} as {pix_fmt} has no alpha channel"))


def _lossless_format(source: ClipInfo, layout: Layout, formats: list[str], notes: Notes) -> str:
    """The writable pixel format that holds the upright source exactly, or else as nearly as possible."""
    alpha = "a" if layout.alpha else ""
    if layout.is_rgb:
        if layout.bits == 8:
            candidates = ["bgra" if alpha else "bgr0", f"gbr{alpha}p"]
        else:
            candidates = [f"gbr{alpha}p{layout.bits}le"]
    elif layout.kind == "gray":
        candidates = ["gray" if layout.bits == 8 else f"gray{layout.bits}le"]
        candidates += ["gray16le"] if layout.bits > 8 else []
    else:
        depth = "" if layout.bits == 8 else f"{layout.bits}le"
        candidates = [f"yuv{alpha}{_upright_chroma(source, layout)}p{depth}", f"yuv{alpha}444p{depth}"]
    for candidate in candidates:
        if candidate in formats:
            return candidate
    fallback = next((f for f in (f"yuv{alpha}444p16le", "yuv444p16le") if f in formats), formats[0])
    notes.add(converted(f"no pixel format holds {layout.name} exactly; using {fallback}"))
    return fallback


def _upright_chroma(source: ClipInfo, layout: Layout) -> str:
    """The chroma subsampling that holds the upright frames exactly, such as "420"."""
    sub_x, sub_y = layout.sub_x, layout.sub_y
    orientation = source.stored.orientation
    # A flip or rotation moves the chroma grid unless both sides are multiples of the chroma block.
    aligned = source.stored.width % sub_x == 0 and source.stored.height % sub_y == 0
    if not aligned and (orientation.rotation or orientation.mirrored):
        return "444"
    if orientation.transposed:
        sub_x, sub_y = sub_y, sub_x
    return _SUBSAMPLING_NAMES.get((sub_x, sub_y), "444")
