"""What a clip's samples mean: matrix, range, primaries and transfer, as ITU-T H.273 counts them."""

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
"""Matrix coefficients of ITU-T H.273 (table 4) that we know, by their code point."""

UNSPECIFIED = 2
"""The code point of H.273 that says nothing, in each of its three tables."""

TRANSFER_PQ = 16
TRANSFER_HLG = 18

RANGE_LIMITED = 1
RANGE_FULL = 2

SD_MAX_HEIGHT = 576
"""Up to this many rows a clip that does not say its matrix is taken for BT.601, above for BT.709."""


@dataclass(frozen=True, slots=True)
class ColourSpec:
    """What a clip's sample values mean.

    Attributes:
        matrix: A key of `LUMA_WEIGHTS`, or ``"rgb"``.
        full_range: Full range (0..255 for 8 bit) or limited (16..235).
        matrix_code: Code points of ITU-T H.273 as the clip has them; 2 is unspecified.
        primaries: As above.
        transfer: As above.
        matrix_tagged: The clip says its matrix; otherwise it is guessed from the size.
        range_tagged: The clip says its range; otherwise limited is assumed.
    """

    matrix: str
    full_range: bool
    matrix_code: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix_tagged: bool = False
    range_tagged: bool = False

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer curve is PQ or HLG."""
        return self.transfer in (TRANSFER_PQ, TRANSFER_HLG)


def guess_matrix(height: int) -> str:
    """The matrix of a clip that does not say it, by its coded height in rows."""
    return "bt601" if height <= SD_MAX_HEIGHT else "bt709"


def spec_from_tags(
    layout: Layout, height: int, *, matrix: int, range_: int, primaries: int, transfer: int
) -> ColourSpec:
    """The meaning of samples of `layout` with these code points (ITU-T H.273; range 0, 1 or 2 as in libav).

    Raises:
        MediaError: For a matrix that cannot be undone here (YCgCo, constant luminance, ICtCp).
    """
    if layout.is_rgb:
        return ColourSpec("rgb", True, 0, primaries, transfer, True, True)
    tagged = matrix not in (0, UNSPECIFIED)
    if tagged and matrix not in MATRIX_CODES:
        raise MediaError(
            f"colour matrix {matrix} (ITU-T H.273) cannot be read: expected BT.601, BT.709 or BT.2020 "
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
    )
