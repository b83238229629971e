"""The memory layout of pixel formats: planes, subsampling, channel order and bits per sample."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from vst.errors import MediaError

PLANAR_EQUAL = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv20le": "yuv422p10le",
    "nv24": "yuv444p",
    "nv42": "yuv444p",
    "yuyv422": "yuv422p",
    "yvyu422": "yuv422p",
    "uyvy422": "yuv422p",
    "p010le": "yuv420p10le",
    "p010be": "yuv420p10le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
    "p216le": "yuv422p16le",
    "y210le": "yuv422p10le",
    "pal8": "rgba",
    "monob": "gray",
    "monow": "gray",
}
"""Pixel formats that are not read in place -> the one with exactly the same samples that is."""

_SUBSAMPLING = {"444": (1, 1), "422": (2, 1), "420": (2, 2), "440": (1, 2), "411": (4, 1), "410": (4, 4)}
_PLANAR_YUV = re.compile(r"yuv(?P<alpha>a?)(?P<full>j?)(?P<sub>4\d\d)p(?:(?P<bits>\d+)(?P<end>le|be))?")
_PLANAR_RGB = re.compile(r"gbr(?P<alpha>a?)p(?:(?P<bits>\d+)(?P<end>le|be))?")
_GRAY = re.compile(r"gray(?:(?P<bits>\d+)(?P<end>le|be))?")
_PACKED_RGB = re.compile(r"(?P<order>(?:rgb|bgr)(?=24)|rgb0|bgr0|0rgb|0bgr|rgba|bgra|argb|abgr)(?:24)?")
_PACKED_RGB16 = re.compile(r"(?P<order>rgb|bgr|rgba|bgra)(?P<bits>48|64)(?P<end>le|be)")


@dataclass(frozen=True, slots=True)
class Layout:
    """The memory layout of one pixel format.

    Attributes:
        name: The pixel format's name in libav.
        kind: ``"yuv"`` (planes Y, U, V), ``"gray"`` (plane Y), ``"gbr"`` (planes G, B, R) or
            ``"packed"`` (one plane, channels interleaved in ``order``).
        bits: Bits per sample.
        sub_x: Luma columns that share one chroma sample (1, 2 or 4).
        sub_y: Luma rows that share one chroma sample.
        alpha: Whether there is an alpha channel (always the last plane of a planar format).
        order: Channel letters of a packed format, "0" for padding.
        swap: Whether samples are big-endian.
        implied_full: Whether it is a "J" format, which implies full range.
    """

    name: str
    kind: str
    bits: int = 8
    sub_x: int = 1
    sub_y: int = 1
    alpha: bool = False
    order: str = ""
    swap: bool = False
    implied_full: bool = False

    @property
    def is_rgb(self) -> bool:
        """Whether the samples are R'G'B' (no matrix and no range apply)."""
        return self.kind in ("gbr", "packed")

    @property
    def has_full_chroma(self) -> bool:
        """Whether each pixel has a colour of its own."""
        return self.is_rgb or (self.kind == "yuv" and (self.sub_x, self.sub_y) == (1, 1))

    @property
    def chroma(self) -> str:
        """The chroma subsampling, from 4:1:0 to 4:4:4; the names sort by resolution."""
        names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (1, 2): "4:4:0", (2, 2): "4:2:0", (4, 1): "4:1:1"}
        return names.get((self.sub_x, self.sub_y), "4:1:0")

    @property
    def dtype(self) -> str:
        """The numpy dtype of one sample."""
        if self.bits <= 8:
            return "u1"
        return ">u2" if self.swap else "<u2"


@lru_cache(maxsize=256)
def find_layout(pix_fmt: str) -> Layout | None:
    """The layout of a pixel format, if it can be read in place, else None."""
    if match := _PLANAR_YUV.fullmatch(pix_fmt):
        if match["sub"] not in _SUBSAMPLING:
            return None
        sub_x, sub_y = _SUBSAMPLING[match["sub"]]
        return Layout(
            pix_fmt,
            "yuv",
            bits=int(match["bits"] or 8),
            sub_x=sub_x,
            sub_y=sub_y,
            alpha=bool(match["alpha"]),
            swap=match["end"] == "be",
            implied_full=bool(match["full"]),
        )
    if match := _PLANAR_RGB.fullmatch(pix_fmt):
        bits, swap = int(match["bits"] or 8), match["end"] == "be"
        return Layout(pix_fmt, "gbr", bits=bits, alpha=bool(match["alpha"]), swap=swap)
    if match := _GRAY.fullmatch(pix_fmt):
        return Layout(pix_fmt, "gray", bits=int(match["bits"] or 8), swap=match["end"] == "be")
    if match := _PACKED_RGB.fullmatch(pix_fmt):
        return Layout(pix_fmt, "packed", alpha="a" in match["order"], order=match["order"])
    if match := _PACKED_RGB16.fullmatch(pix_fmt):
        order, swap = match["order"], match["end"] == "be"
        if len(order) * 16 != int(match["bits"]):
            return None
        return Layout(pix_fmt, "packed", bits=16, alpha="a" in order, order=order, swap=swap)
    return None


def layout_of(pix_fmt: str) -> Layout:
    """The layout in which frames of a pixel format are read, possibly after a lossless repack.

    Raises:
        MediaError: If the pixel format is not supported.
    """
    layout = find_layout(PLANAR_EQUAL.get(pix_fmt, pix_fmt))
    if layout is None or layout.bits > 16:
        raise MediaError(
            f"pixel format {pix_fmt} is not supported: expected YUV, gray or RGB with 8 to 16 bits per "
            "sample; convert the clip to yuv420p or yuv444p10le first"
        )
    return layout
