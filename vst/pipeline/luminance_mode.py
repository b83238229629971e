"""The network of `--colour luminance`: where vtn has none, that of itn stylizes its keyframes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vst.errors import UsageError
from vst.styles import ResolvedStyle, resolve_blend

if TYPE_CHECKING:
    from vst.pipeline.plan import RenderPlan
    from vst.pipeline.settings import RenderSettings

KEYFRAMES_FROM = {"vtn": "itn"}
"""Modes by keyframes -> the mode whose network stylizes these, where they have none for luminance."""


def resolve_luminance(settings: RenderSettings) -> ResolvedStyle:
    """The weight files of a style that were trained on luminance alone.

    Args:
        settings: Of a mode with a network.

    Returns:
        What the mode has; else what the mode of `KEYFRAMES_FROM` has, which the result names.

    Raises:
        UsageError: The mode or style is unknown, or neither mode has such weights for it.
    """
    try:
        return _resolve(settings, settings.mode)
    except UsageError:
        other = KEYFRAMES_FROM.get(settings.mode)
        found = None if other is None else _resolve_or_none(settings, other)
        if found is None:
            raise
        return found


def luminance_note(plan: RenderPlan) -> Iterator[str]:
    """A line where the network is that of another mode."""
    style = plan.style
    if plan.stylizes and isinstance(style, ResolvedStyle) and style.mode != plan.settings.mode:
        yield (
            f"stylized by the network of mode {style.mode}: mode {plan.settings.mode} has none that was "
            "trained on luminance alone"
        )


def _resolve(settings: RenderSettings, mode: str) -> ResolvedStyle:
    return resolve_blend(
        settings.styles, mode, quality=settings.quality, weights_dir=settings.weights_dir, luminance=True
    )


def _resolve_or_none(settings: RenderSettings, mode: str) -> ResolvedStyle | None:
    try:
        return _resolve(settings, mode)
    except UsageError:
        return None
