"""What the options of a render mean for modes that optimise pixels."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vst.colour_modes import LUMINANCE
from vst.device import choose_precision, training_precision
from vst.errors import MediaError, UsageError
from vst.files import check_new_file
from vst.losses.guidance import GUIDED
from vst.modes import find_mode
from vst.modes.optimisation.config import CONTENT, NOISE, STEPS, OptimisationConfig
from vst.modes.registry import OPTIMISING
from vst.pipeline.control.timeline import NONE
from vst.pipeline.luminance_mode import resolve_luminance
from vst.pipeline.option_groups.optimisation import OptimisationOptions
from vst.pipeline.option_values import parse_layers
from vst.pipeline.options import options_of
from vst.styles import ResolvedStyle, Selection, load_catalogue, resolve_blend
from vst.styles.painting_style import PaintingStyle, resolve_paintings

if TYPE_CHECKING:
    from vst.pipeline.settings import RenderSettings

_log = logging.getLogger(__name__)

CPU_SIDE = 384
"""Short side in pixels of what is optimised on a CPU, unless the user gives a size: minutes for a frame."""

ONLY_IN = {
    "style_loss": ("gatys", "ruder"),
    "passes": ("ruder",),
    "patch_size": ("mrf",),
    "patch_rotations": ("mrf",),
    "patch_scales": ("mrf",),
}
"""The built-in modes that have an option, where not all that optimise pixels do."""

PREVIEWS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Extension of a preview -> Pillow's name of its format."""


def section_of(mode: str) -> str:
    """The section of the options that only some modes have, "" for other modes."""
    return OptimisationOptions.SECTION if find_mode(mode).optimises else ""


def check_options(settings: RenderSettings) -> None:
    """Refuse options of modes that optimise pixels with a mode that does not, and those that do nothing.

    Raises:
        UsageError: with the option's name.
    """
    if not section_of(settings.mode):
        for each in options_of(settings):
            if each.section == OptimisationOptions.SECTION and getattr(settings, each.name) != each.default:
                raise UsageError(
                    f"{each.flag} is an option of modes that optimise pixels, and mode is {settings.mode}: "
                    f"leave it out, or pass --mode {ONLY_IN.get(each.name, ('gatys',))[0]}"
                )
        return
    for each in options_of(settings):
        modes = ONLY_IN.get(each.name, ())
        others = bool(modes) and settings.mode in OPTIMISING and settings.mode not in modes
        if others and getattr(settings, each.name) != each.default:
            raise UsageError(
                f"{each.flag} is an option of mode {' and '.join(modes)}, and mode is {settings.mode}: "
                "leave it out"
            )
    if find_mode(settings.mode).whole_shot:
        if settings.keyframe_interval not in (None, 1):
            raise UsageError(
                f"mode {settings.mode} stylizes every frame of a shot: leave --keyframe-interval out"
            )
        if settings.look_ahead == "0":
            raise UsageError(f"mode {settings.mode} needs all frames of a shot: leave --look-ahead out")
    if settings.content_weight == 0 and settings.style_weight == 0:
        raise UsageError("content weight and style weight are both 0; expected more for one of them")


def resolve(settings: RenderSettings) -> ResolvedStyle | PaintingStyle:
    """The weight files of a style, or the paintings of one in a mode that optimises pixels; none of `none`.

    Raises:
        UsageError: The mode or style is unknown, or the mode has no weights for it.
        VstError: A painting or the loss network is not there.
    """
    check_options(settings)
    if settings.style == NONE:
        return ResolvedStyle(
            settings.styles, settings.mode, Selection(()), load_catalogue(settings.weights_dir)
        )
    if not section_of(settings.mode):
        if settings.chosen_colour == LUMINANCE:
            return resolve_luminance(settings)
        return resolve_blend(
            settings.styles, settings.mode, quality=settings.quality, weights_dir=settings.weights_dir
        )
    if settings.style_change is not None or not isinstance(settings.style, str):
        raise UsageError(
            f"mode {settings.mode} takes one style for the whole clip; styles over time or by shot need "
            "a mode with a network, such as vtn"
        )
    if settings.chosen_colour == LUMINANCE:
        raise UsageError(
            f"colour luminance is for networks that were trained on it, and mode {settings.mode} has none: "
            "give --colour keep"
        )
    found = resolve_paintings(
        settings.style,
        settings.mode,
        loss_network=settings.loss_network,
        start=None if settings.init in (CONTENT, NOISE) else settings.init,
        weights_dir=settings.weights_dir,
    )
    if any(mask is not None for mask in found.masks):
        check_style_loss(settings, "a painting has a mask")
    return found


def check_style_loss(settings: RenderSettings, why: str) -> None:
    """Refuse a statistic that cannot be restricted to a region.

    Args:
        settings: Of a mode that optimises pixels.
        why: What asks for it.

    Raises:
        UsageError: With that, and the statistics that can.
    """
    if settings.style_loss not in GUIDED:
        raise UsageError(
            f"style loss is {settings.style_loss!r} and {why}; expected one of {', '.join(GUIDED)}"
        )


def check_preview(settings: RenderSettings, source: Path, target: Path, pictures: tuple[Path, ...]) -> None:
    """Refuse a preview that cannot be written, or that would replace something else.

    Raises:
        UsageError: Its extension is not that of a picture.
        MediaError: It is an input or the output, or its folder is not there.
    """
    path = settings.preview
    if path is None:
        return
    if path.suffix.lower() not in PREVIEWS:
        raise UsageError(f"the preview {path} is no picture; expected one of {', '.join(PREVIEWS)}")
    if path.absolute() == target.absolute():
        raise MediaError(f"the preview {path} is the output: choose another name")
    check_new_file(path, overwrite=True, inputs=(source, target, *pictures))


def precision_of(settings: RenderSettings, device: torch.device) -> torch.dtype:
    """The type of a render's networks; where pixels are optimised bf16, or fp32 if the device lacks it.

    Raises:
        UsageError: The device lacks the type; or it is fp16, which gradients are too small for.
    """
    if not section_of(settings.mode):
        return choose_precision(settings.precision, device)
    if settings.precision == "fp16":
        raise UsageError("gradients are too small for precision fp16; use bf16 or fp32")
    automatic = training_precision(device)
    name = "fp32" if automatic == "fp16" else automatic
    return choose_precision(name if settings.precision == "auto" else settings.precision, device)


def config_of(settings: RenderSettings) -> OptimisationConfig:
    """What the modes take of the settings."""
    return OptimisationConfig(
        content_layers=parse_layers(settings.content_layers),
        style_layers=parse_layers(settings.style_layers),
        content_weight=settings.content_weight,
        style_weight=settings.style_weight,
        variation_weight=settings.variation_weight,
        laplacian_weight=settings.laplacian_weight,
        style_loss=settings.style_loss,
        optimizer=settings.optimizer,
        steps=STEPS if settings.steps is None else settings.steps,
        levels=settings.levels,
        from_noise=settings.init == NOISE,
        style_scale=settings.style_scale,
        tile=settings.tile,
        temporal_weight=_temporal_weight(settings),
        passes=settings.passes,
        patch_size=settings.patch_size,
        patch_rotations=settings.patch_rotations,
        patch_scales=settings.patch_scales,
    )


def _temporal_weight(settings: RenderSettings) -> float:
    """With a steadiness of 0 frames are optimised alone; between keyframes the schedule counts it."""
    if find_mode(settings.mode).whole_shot:
        return settings.temporal_weight * settings.steadiness
    return settings.temporal_weight if settings.steadiness else 0.0
