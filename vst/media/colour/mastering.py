"""HDR10's static metadata: on which display a clip was graded, and how bright it gets."""

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
        primaries: x and y of red, green, blue and white, or None if not said.
        luminance: Darkest and brightest value of the display in cd/m², or None if not said.
        max_cll: Brightest pixel of the clip in cd/m²; 0 if not said.
        max_fall: Brightest mean of a frame in cd/m²; 0 if not said.
    """

    primaries: tuple[Fraction, ...] | None = None
    luminance: tuple[Fraction, Fraction] | None = None
    max_cll: int = 0
    max_fall: int = 0

    @property
    def x265_params(self) -> list[str]:
        """As options of libx265, which wants units of 1/50000 and 1/10000."""
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

    @property
    def svtav1_params(self) -> list[str]:
        """As options of SVT-AV1, which wants decimal fractions."""
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
    """What a decoded frame says, if it says anything that can be believed."""
    # PyAV's stubs take the mapping for a dictionary; iteration gives the entries.
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
