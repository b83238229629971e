"""HDR10's static metadata: the mastering display and the light levels of a clip."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import av
    from av.sidedata.sidedata import SideData

_RATIONALS = 10
_DISPLAY_BYTES = _RATIONALS * 8 + 8


@dataclass(frozen=True, slots=True)
class Mastering:
    """SMPTE ST 2086 and CTA-861.3.

    Attributes:
        primaries: x and y of red, green, blue and white, or None if unknown.
        luminance: Smallest and largest luminance of the display in cd/m², or None if unknown.
        max_cll: MaxCLL: luminance of the brightest pixel of the clip in cd/m²; 0 if unknown.
        max_fall: MaxFALL: largest average luminance of a frame in cd/m²; 0 if unknown.
    """

    primaries: tuple[Fraction, ...] | None = None
    luminance: tuple[Fraction, Fraction] | None = None
    max_cll: int = 0
    max_fall: int = 0

    def x265_params(self) -> list[str]:
        """The metadata as options of libx265, in units of 1/50000 and 1/10000."""
        params = []
        if self.primaries is not None and self.luminance is not None:
            red, green, blue, white = (
                f"({round(x * 50000)},{round(y * 50000)})"
                for x, y in zip(self.primaries[::2], self.primaries[1::2], strict=True)
            )
            low, high = (round(value * 10000) for value in self.luminance)
            params.append(f"master-display=G{green}B{blue}R{red}WP{white}L({high},{low})")
        if self.max_cll:
            params.append(f"max-cll={self.max_cll},{self.max_fall}")
        return params

    def svtav1_params(self) -> list[str]:
        """The metadata as options of SVT-AV1, in decimal fractions."""
        params = []
        if self.primaries is not None and self.luminance is not None:
            red, green, blue, white = (
                f"({float(x):.5f},{float(y):.5f})"
                for x, y in zip(self.primaries[::2], self.primaries[1::2], strict=True)
            )
            low, high = (float(value) for value in self.luminance)
            params.append(f"mastering-display=G{green}B{blue}R{red}WP{white}L({high:.4f},{low:.4f})")
        if self.max_cll:
            params.append(f"content-light={self.max_cll},{self.max_fall}")
        return params


def mastering_of(frame: av.VideoFrame) -> Mastering | None:
    """The metadata of a decoded frame; None if it has none or none that is valid."""
    # PyAV's stubs declare a mapping; iteration gives the entries.
    entries = {data.type.name: data for data in cast("list[SideData]", list(frame.side_data))}
    primaries = luminance = None
    levels = (0, 0)
    display = entries.get("MASTERING_DISPLAY_METADATA")
    if display is not None and display.buffer_size >= _DISPLAY_BYTES:
        numbers = struct.unpack("=22i", bytes(display)[:_DISPLAY_BYTES])
        pairs = list(zip(numbers[:20:2], numbers[1:20:2], strict=True))
        if all(over > 0 and part >= 0 for part, over in pairs):
            values = [Fraction(part, over) for part, over in pairs]
            if numbers[20] and max(values[:8]) <= 1:
                primaries = tuple(values[:8])
            if numbers[21] and values[8] < values[9] <= 10_000:
                luminance = (values[8], values[9])
    light = entries.get("CONTENT_LIGHT_LEVEL")
    if light is not None and light.buffer_size >= 8:
        levels = struct.unpack("=2I", bytes(light)[:8])
    if primaries is None and luminance is None and max(levels) in (0, 2**32 - 1):
        return None
    return Mastering(primaries, luminance, *(min(level, 65535) for level in levels))
