"""vst: video style transfer. A clip goes in, a stylized clip that is stable over time comes out.

    import vst

    vst.render("clip.mov", vst.RenderSettings(style="candy"))
    stylized = vst.stylize(image, "candy")

Names are imported on first use, so that `import vst` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vst.lazy import attribute

if TYPE_CHECKING:
    from vst.errors import VstError
    from vst.frame import Frame, Motion
    from vst.modes import create_stylizer
    from vst.pipeline import Progress, RenderSettings, Report, render, stylize
    from vst.pipeline.control.timeline import StrengthTimeline, StyleTimeline
    from vst.pipeline.regions.region import Mask, Region
    from vst.pipeline.session import StylizerSession
    from vst.styles import load_catalogue, resolve_style

__version__ = "0.1.0"

_WHERE = {
    "Frame": "vst.frame",
    "Mask": "vst.pipeline.regions.region",
    "Motion": "vst.frame",
    "Progress": "vst.pipeline",
    "Region": "vst.pipeline.regions.region",
    "RenderSettings": "vst.pipeline",
    "Report": "vst.pipeline",
    "VstError": "vst.errors",
    "StrengthTimeline": "vst.pipeline.control.timeline",
    "StyleTimeline": "vst.pipeline.control.timeline",
    "StylizerSession": "vst.pipeline.session",
    "create_stylizer": "vst.modes",
    "load_catalogue": "vst.styles",
    "render": "vst.pipeline",
    "resolve_style": "vst.styles",
    "stylize": "vst.pipeline",
}

__all__ = [
    "Frame",
    "Mask",
    "Motion",
    "Progress",
    "Region",
    "RenderSettings",
    "Report",
    "StrengthTimeline",
    "StyleTimeline",
    "StylizerSession",
    "VstError",
    "__version__",
    "create_stylizer",
    "load_catalogue",
    "render",
    "resolve_style",
    "stylize",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'vst' has no attribute {name!r}")
    return attribute(_WHERE[name], name)
