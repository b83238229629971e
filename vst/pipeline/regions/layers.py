"""What lies over what: the masks and regions of a render in order, and the stylizations that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vst.errors import UsageError
from vst.pipeline.control.timeline import is_timeline
from vst.pipeline.regions.region import NONE, Mask

if TYPE_CHECKING:
    from vst.pipeline.settings import RenderSettings


@dataclass(frozen=True)
class Stylization:
    """One way in which a part of the picture is stylized.

    Attributes:
        style: A style or a blend; None is what the whole render has, which may change over time.
        style_scale: Size of its strokes; None is that of the render.
    """

    style: str | None
    style_scale: float | None = None


@dataclass(frozen=True)
class Layer:
    """A part of the picture, over those before it.

    Attributes:
        mask: Where it is; None is everywhere.
        stylization: Index of its stylization; None leaves the clip as it is.
    """

    mask: Mask | None
    stylization: int | None


@dataclass(frozen=True)
class Layers:
    """The layers of a render.

    Attributes:
        layers: From the bottom, which is everywhere, to the top.
        stylizations: Those that occur, each once; the lowest first.
    """

    layers: tuple[Layer, ...]
    stylizations: tuple[Stylization, ...]

    @property
    def masks(self) -> tuple[Mask, ...]:
        """The masks, from the bottom to the top."""
        return tuple(each.mask for each in self.layers if each.mask is not None)

    @property
    def differ(self) -> bool:
        """Whether it matters where a layer is."""
        return len({each.stylization for each in self.layers}) > 1

    @property
    def is_plain(self) -> bool:
        """Whether what is stylized is stylized alike, with the strokes of the render."""
        return len(self.stylizations) == 1 and self.stylizations[0].style_scale is None


def layers_of(settings: RenderSettings) -> Layers | None:
    """The layers of a render; None if it has neither mask nor regions.

    Raises:
        UsageError: Options that need a mask or a region which is not given, or nothing is stylized.
    """
    if settings.mask is None and settings.outside is not None:
        raise UsageError(f"outside is {settings.outside!r} and there is no mask; give --mask FILE too")
    if settings.mask is not None and settings.elsewhere is not None:
        raise UsageError("mask and elsewhere were both given; --outside says what is outside of a mask")
    if not settings.regions and settings.elsewhere is not None:
        raise UsageError(
            f"elsewhere is {settings.elsewhere!r} and there is no region; give --region FILE=STYLE too"
        )
    if settings.mask is None and not settings.regions:
        return None
    given: list[tuple[Mask | None, str | None, float | None]] = []
    own = NONE if settings.style == NONE else None
    if settings.mask is not None:
        given = [(None, settings.outside or NONE, None), (settings.mask, own, None)]
    else:
        given = [(None, settings.elsewhere or own, None)]
    given += [(region, region.style, region.style_scale) for region in settings.regions]
    stylizations: list[Stylization] = []
    layers = []
    for mask, style, scale in given:
        stylization = Stylization(None if style == settings.style else style, scale)
        if style != NONE and stylization not in stylizations:
            stylizations.append(stylization)
        layers.append(Layer(mask, None if style == NONE else stylizations.index(stylization)))
    if not stylizations:
        raise UsageError(f"nothing is stylized: every region and the rest are {NONE!r}; give one a style")
    for style in (style for _, style, _ in given if style is not None):
        if is_timeline(style) or style.strip().lower().endswith(".json"):
            raise UsageError(
                f"the style of a region is {style!r}; expected one style or blend, such as candy or "
                "candy:0.6+wave:0.4: only --style changes over time"
            )
    if settings.style_change is not None and any(each.style is not None for each in stylizations):
        raise UsageError(
            "styles change over time, and a region has another one; give one style, or --mask and regions "
            "with the style none alone"
        )
    return Layers(tuple(layers), tuple(stylizations))
