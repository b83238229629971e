"""What happens to a stylized frame before it is written."""

from __future__ import annotations

from vst.postprocess.colour import Postprocess, keep_color
from vst.postprocess.light import follow_light
from vst.postprocess.palette import ColourMap, PaletteMatcher
from vst.postprocess.upsample import at_frame_size, guided_upsample, resize

__all__ = [
    "ColourMap",
    "PaletteMatcher",
    "Postprocess",
    "at_frame_size",
    "follow_light",
    "guided_upsample",
    "keep_color",
    "resize",
]
