"""The styles of a render with regions: their weight files."""

from __future__ import annotations

from dataclasses import replace

from vst.errors import UsageError
from vst.pipeline.optimisation import resolve
from vst.pipeline.regions.layers import Layers
from vst.pipeline.settings import RenderSettings
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle


def resolve_styles(
    settings: RenderSettings,
) -> tuple[ResolvedStyle | PaintingStyle, tuple[ResolvedStyle, ...], Layers | None]:
    """What a render is stylized with.

    Returns:
        The style of the whole render, or of all of its regions where these are stylized alike; the style of
        each stylization where they differ; and the layers, None where they change nothing.

    Raises:
        UsageError: The mode or a style is unknown, or the mode takes one style alone.
        VstError: A file is not there.
    """
    style, layers = resolve(settings), settings.layers
    if layers is None:
        return style, (), None
    found: list[ResolvedStyle] = []
    for each in layers.stylizations:
        if isinstance(style, PaintingStyle):
            if each.style is not None or each.style_scale is not None:
                raise UsageError(
                    f"mode {settings.mode} stylizes all regions alike: give --style, and --mask or regions "
                    "with the style none; several styles take a mode with a network, such as --mode vtn"
                )
            continue
        own = style if each.style is None else resolve(replace(settings, style=each.style))
        assert isinstance(own, ResolvedStyle)  # the mode is the same
        found.append(own)
    if layers.is_plain and found:
        style, found = found[0], []
    changes = settings.stylizes and (layers.differ or not layers.is_plain)
    return style, tuple(found), layers if changes else None
