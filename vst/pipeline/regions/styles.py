"""The styles of a render with regions: their weight files."""

from __future__ import annotations

from dataclasses import replace

from vst.errors import UsageError
from vst.modes import find_mode
from vst.pipeline.optimisation import check_style_loss, resolve
from vst.pipeline.regions.layers import Layers
from vst.pipeline.settings import RenderSettings
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle


def resolve_styles(
    settings: RenderSettings,
) -> tuple[ResolvedStyle | PaintingStyle, tuple[ResolvedStyle | PaintingStyle, ...], Layers | None]:
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
    found = tuple(
        style if each.style is None else resolve(replace(settings, style=each.style))
        for each in layers.stylizations
    )
    if layers.is_plain:
        style, found = found[0], ()
    elif isinstance(style, PaintingStyle):
        _check_guided(settings, len(found))
    changes = settings.stylizes and (layers.differ or not layers.is_plain)
    return style, found, layers if changes else None


def _check_guided(settings: RenderSettings, styles: int) -> None:
    """Refuse several paintings where there is no statistic of a region."""
    if find_mode(settings.mode).whole_shot:
        raise UsageError(
            f"mode {settings.mode} stylizes all regions alike: give --style, and --mask or regions with "
            "the style none; several styles take another mode, such as gatys or vtn"
        )
    if styles > 1:
        check_style_loss(settings, "regions have several styles")
