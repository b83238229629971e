"""The pictures that the styles of a render name: its own, and those of its regions."""

from __future__ import annotations

import os
from dataclasses import replace

from vst.pipeline.control.timeline import is_timeline
from vst.pipeline.regions.region import NONE
from vst.pipeline.settings import RenderSettings
from vst.styles.blend import parse_blend


def picture_files(settings: RenderSettings) -> tuple[str, ...]:
    """The files of all pictures and their masks, each once."""
    others = (settings.outside, settings.elsewhere, *(region.style for region in settings.regions))
    blends = [settings.styles, *(parse_blend(style) for style in others if style not in (None, NONE))]
    return tuple(dict.fromkeys(path for blend in blends for path in blend.files))


def with_absolute_pictures(settings: RenderSettings) -> RenderSettings:
    """The same settings, for a mode that optimises pixels, in another folder: pictures and loss network.

    Styles over time stay as they are.
    """
    network = settings.loss_network
    return replace(
        settings,
        style=_absolute(settings.style) if isinstance(settings.style, str) else settings.style,
        outside=None if settings.outside is None else _absolute(settings.outside),
        elsewhere=None if settings.elsewhere is None else _absolute(settings.elsewhere),
        regions=tuple(replace(each, style=_absolute(each.style)) for each in settings.regions),
        loss_network=os.path.abspath(network) if network and os.path.isdir(network) else network,
    )


def _absolute(style: str) -> str:
    return style if style == NONE or is_timeline(style) else parse_blend(style).with_absolute_paths
