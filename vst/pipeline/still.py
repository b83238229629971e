"""Stylizes one picture in memory."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from vst.colour_modes import STYLE
from vst.device import choose_device
from vst.errors import UsageError
from vst.frame import Frame
from vst.pipeline.frame_size import inside_working_size, working_size
from vst.pipeline.open_session import open_stylizer
from vst.pipeline.optimisation import precision_of, resolve
from vst.pipeline.option_groups.optimisation import OptimisationOptions
from vst.pipeline.options import options_of
from vst.pipeline.session import StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.postprocess import Postprocess
from vst.styles.painting_style import PaintingStyle
from vst.styles.quality import BEST


def stylize(
    image: Tensor,
    style: str,
    *,
    mode: str = "itn",
    quality: str = BEST,
    strength: float = 1.0,
    colour: str = STYLE,
    keep_color: bool = False,
    style_scale: float | None = None,
    keep_borders: bool = True,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    weights_dir: Path | None = None,
    **optimisation: Any,
) -> Tensor:
    """Stylize one picture.

    Args:
        image: 3×H×W, RGB, 0..1, any floating type.
        style: A style, a blend like `candy:0.6+wave:0.4`, or `none`, which leaves the picture as it is; in
            mode gatys paths of pictures too.
        mode: The mode whose network is used.
        quality: `best` takes the widest network that has the style, `fast` the narrowest, `standard` one of
            width 32 or more.
        strength: 0 is the picture, 1 the stylization.
        colour: `style`, `keep`, `match` or `luminance`; see `vst.colour_modes`.
        keep_color: The same as the colour `keep`.
        style_scale: Size of the strokes relative to the picture, 0.1..10; 1 is that of a picture with a
            short side of 480 pixels. None is 1, but smaller pictures are stylized at their own size.
        keep_borders: Leave borders of one colour as they are and stylize the picture inside.
        device: auto, cpu, cuda, cuda:n or mps.
        precision: auto, fp32, bf16 or fp16.
        tile: Side of tiles in pixels, 0 for none; None: large pictures are stylized in tiles.
        weights_dir: Searched before the usual weight folders.
        **optimisation: In mode gatys `loss_network`, `steps`, and the other options of modes that optimise
            pixels, as in `RenderSettings`, but for `seconds` and `preview`.

    Returns:
        3×H×W, RGB, 0..1, fp32, on the CPU.

    Raises:
        UsageError: for a tensor of another shape, a strength, style scale or tile out of range, an unknown
            option, style, mode, quality, device or precision.
        WeightsError: for damaged weights.
    """
    if image.dim() != 3 or image.shape[0] != 3 or not image.is_floating_point() or not image.numel():
        raise UsageError(
            f"got a picture of shape {tuple(image.shape)}, {image.dtype}; expected 3×H×W floats in 0..1"
        )
    for name in {"seconds", "preview"} & set(optimisation):
        raise UsageError(f"{name} is for renders of files; give steps, or leave it out")
    for name in sorted(set(optimisation) - {each.name for each in options_of(OptimisationOptions)}):
        raise UsageError(
            f"{name} is no option of a picture in memory; expected one of those of vst.stylize"
        )
    settings = RenderSettings(
        style=style,
        mode=mode,
        quality=quality,
        strength=strength,
        colour=colour,
        keep_color=keep_color,
        keep_borders=keep_borders,
        style_scale=style_scale,
        tile=tile,
        device=device,
        precision=precision,
        weights_dir=weights_dir,
        **optimisation,
    )
    session = _open_session(settings, (image.shape[2], image.shape[1]))
    frame = Frame(0, Fraction(0), Fraction(1), image.detach().float().cpu())
    return next(session.process([frame])).image


def _open_session(settings: RenderSettings, size: tuple[int, int]) -> StylizerSession:
    """What stylizes a picture of a width and height.

    Raises:
        UsageError: as `stylize`; also for styles or a strength over time.
    """
    strength = settings.strength if settings.stylizes else 0.0
    if settings.style_change is not None or not isinstance(strength, float):
        raise UsageError(
            f"style is '{settings.style}' and strength {strength}; a picture in memory takes one style or "
            "blend, such as candy:0.6+wave:0.4, and one number"
        )
    place, found = choose_device(settings.device), resolve(settings)
    stylizer = None
    if settings.stylizes:
        stylizer = open_stylizer(found, settings, place, precision_of(settings, place))
    optimises = isinstance(found, PaintingStyle)
    scale = settings.style_scale
    return StylizerSession(
        stylizer,
        None,
        Postprocess(strength, settings.chosen_colour),
        None if optimises else working_size(*size, scale),
        keep_borders=settings.keep_borders,
        inside_working=None if optimises else partial(inside_working_size, style_scale=scale),
    )
