"""What samples mean: matrix, range, primaries and transfer, by the code points of ITU-T H.273."""

from __future__ import annotations

from dataclasses import dataclass

from vst.errors import MediaError
from vst.media.colour.layout import Layout

LUMA_WEIGHTS = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
    "fcc": (0.30, 0.11),
    "smpte240m": (0.212, 0.087),
}
"""K_r and K_b of each matrix."""

MATRIX_CODES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020"}
"""Code point of ITU-T H.273 (table 4) -> matrix, of the supported ones."""

UNSPECIFIED = 2
"""The code point "unspecified", in each of the three tables of H.273."""

TRANSFER_PQ = 16
TRANSFER_HLG = 18

CENTRED_CHROMA = frozenset({"mjpeg", "mjpegb", "mpeg1video", "h261", "h263", "flv", "theora"})
"""libav's names of the codecs whose chroma samples lie between two luma columns."""

RANGE_LIMITED = 1
RANGE_FULL = 2

SD_MAX_HEIGHT = 576
"""A clip without a matrix tag is assumed to be BT.601 up to this many rows, and BT.709 above."""


@dataclass(frozen=True, slots=True)
class ColourSpec:
    """What a clip's sample values mean.

    Attributes:
        matrix: A key of `LUMA_WEIGHTS`, or ``"rgb"``.
        full_range: Full range (0..255 for 8 bit) or limited (16..235).
        matrix_code: Code point of the matrix in the clip; 2 is unspecified.
        primaries: Code point of the primaries.
        transfer: Code point of the transfer curve.
        matrix_tagged: Whether the clip has a matrix tag; otherwise the matrix is assumed from the size.
        range_tagged: Whether the clip has a range tag; otherwise limited is assumed.
        centred_chroma: Whether a chroma sample of 4:2:0 or 4:2:2 lies between two luma columns (JPEG,
            MPEG-1) instead of on the first one. It is signalled; the conversion is the same
            (`vst.media.colour.chroma`).
    """

    matrix: str
    full_range: bool
    matrix_code: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix_tagged: bool = False
    range_tagged: bool = False
    centred_chroma: bool = False

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer curve is PQ or HLG."""
        return self.transfer in (TRANSFER_PQ, TRANSFER_HLG)


RGB = ColourSpec("rgb", True, 0, 1, 13, True, True)
"""The samples of pictures: R'G'B' by the sRGB curve."""


def guess_matrix(height: int) -> str:
    """The assumed matrix of a clip without a matrix tag, by its coded height in rows."""
    return "bt601" if height <= SD_MAX_HEIGHT else "bt709"


def spec_from_tags(
    layout: Layout,
    height: int,
    *,
    matrix: int,
    range_: int,
    primaries: int,
    transfer: int,
    centred_chroma: bool = False,
) -> ColourSpec:
    """The colour of a clip with these tags.

    Args:
        layout: Layout of its pixel format.
        height: Coded height in rows.
        matrix: Code point of ITU-T H.273.
        range_: 0 (unspecified), 1 (limited) or 2 (full), as in libav.
        primaries: Code point of ITU-T H.273.
        transfer: Code point of ITU-T H.273.
        centred_chroma: As in `ColourSpec`.

    Raises:
        MediaError: For an unsupported matrix (YCgCo, constant luminance, ICtCp).
    """
    if layout.is_rgb:
        return ColourSpec("rgb", True, 0, primaries, transfer, True, True)
    tagged = matrix not in (0, UNSPECIFIED)
    if tagged and matrix not in MATRIX_CODES:
        raise MediaError(
            f"colour matrix {matrix} (ITU-T H.273) is not supported: expected BT.601, BT.709 or BT.2020 "
            "non-constant luminance; convert the clip first"
        )
    return ColourSpec(
        MATRIX_CODES[matrix] if tagged else guess_matrix(height),
        range_ == RANGE_FULL or layout.implied_full,
        matrix if tagged else UNSPECIFIED,
        primaries,
        transfer,
        tagged,
        range_ in (RANGE_LIMITED, RANGE_FULL) or layout.implied_full,
        centred_chroma,
    )
