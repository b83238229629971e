"""`RenderSettings`: the table of render options.

A new option is one new field of a class in `vst/pipeline/option_groups/`. `vst.pipeline.options` says
what is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vst.colour_modes import KEEP, STYLE
from vst.errors import UsageError
from vst.pipeline.control.timeline import (
    NONE,
    StyleTimeline,
    Timeline,
    numbers_of,
    parse_shot_styles,
    parse_strength,
    parse_style,
)
from vst.pipeline.option_groups.clip import ClipOptions
from vst.pipeline.option_groups.machine import MachineOptions
from vst.pipeline.option_groups.optimisation import OptimisationOptions
from vst.pipeline.option_groups.output import OutputOptions
from vst.pipeline.option_groups.regions import RegionOptions
from vst.pipeline.option_groups.stylization import StylizationOptions
from vst.pipeline.options import check_value, options_of, validate
from vst.pipeline.regions.layers import Layers, layers_of
from vst.pipeline.regions.region import parse_mask, parse_region
from vst.styles.blend import Blend, parse_blend

if TYPE_CHECKING:
    from vst.media.decode.clip_range import ClipRange


@dataclass(frozen=True, kw_only=True)
class RenderSettings(
    OptimisationOptions, MachineOptions, OutputOptions, ClipOptions, RegionOptions, StylizationOptions
):
    """Everything about a render but its file names. Each field is one option, described by its ``help``.

    Two renders of one clip with equal settings, on equal hardware, give equal frames. The bases stand in
    reverse: the fields of the last one come first.

    Raises:
        UsageError: for values that an option does not accept.
    """

    def __post_init__(self) -> None:
        self._set("style", parse_style(self.style) if isinstance(self.style, str) else self.style)
        if self.style_per_shot is not None:
            self._set("style_per_shot", ",".join(parse_shot_styles(self.style_per_shot)))
        strength = self.strength
        if not isinstance(strength, Timeline):
            self._set(
                "strength", parse_strength(strength) if isinstance(strength, str) else float(strength)
            )
        self._set("mask", None if self.mask is None else parse_mask(self.mask))
        self._set("regions", tuple(map(parse_region, self.regions)))
        validate(self)
        _ = self.layers
        if self.style is None and self.style_per_shot is None:
            raise UsageError("no style given; give style, such as candy, or style_per_shot")
        if self.keep_color and self.colour not in (STYLE, KEEP):
            raise UsageError(f"keep color and colour {self.colour} were both given; give one of them")
        if (self.start, self.end, self.frames) != (None, None, None):
            _ = self.clip_range

    def _set(self, name: str, value: Any) -> None:
        """Bring a value to the form that frames, fingerprint and record use."""
        object.__setattr__(self, name, value)

    @property
    def style_change(self) -> StyleTimeline | tuple[str, ...] | None:
        """Styles over time, or one for each shot; None: there is one style or blend."""
        if self.style_per_shot is not None:
            return parse_shot_styles(self.style_per_shot)
        return self.style if isinstance(self.style, StyleTimeline) else None

    @property
    def styles(self) -> Blend:
        """The style or blend; where styles change, all of them alike.

        Raises:
            UsageError: for a blend that cannot be read.
        """
        change = self.style_change
        if change is None:
            assert isinstance(self.style, str)
            return parse_blend(self.style)
        blends = change.values if isinstance(change, StyleTimeline) else tuple(map(parse_blend, change))
        names = dict.fromkeys(name for blend in blends for name in blend.names if name != NONE)
        pictures = frozenset(name for blend in blends for name in blend.pictures)
        return Blend(tuple((name, 1 / len(names)) for name in names), pictures)

    @property
    def chosen_colour(self) -> str:
        """One of `vst.colour_modes`."""
        return KEEP if self.keep_color else self.colour

    @property
    def stylizes(self) -> bool:
        """Whether anything is stylized: nothing at strength 0, or in the style `none` without regions."""
        something = self.style != NONE or self.layers is not None
        return something and any(number > 0 for number in numbers_of(self.strength))

    @property
    def layers(self) -> Layers | None:
        """The masks and regions in order; None if there are none.

        Raises:
            UsageError: for options of masks and regions that do not go together.
        """
        return layers_of(self)

    @property
    def clip_range(self) -> ClipRange:
        """The part of the clip that is rendered.

        Raises:
            UsageError: for a start or end that cannot be read, or an end that is not after the start.
        """
        from vst.media.decode.clip_range import parse_range

        return parse_range(self.start, self.end, self.frames)

    @classmethod
    def check(cls, **values: Any) -> None:
        """Check single values, for a caller that has no whole settings.

        Args:
            **values: By field name.

        Raises:
            UsageError: for a value that its option does not accept.
        """
        for each in options_of(cls):
            if each.name in values:
                check_value(each, values[each.name])
