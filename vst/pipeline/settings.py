"""`RenderSettings`: the table of render options.

A new option is one new field of a class in `vst/pipeline/option_groups/`. `vst.pipeline.options` says
what is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vst.pipeline.option_groups.clip import ClipOptions
from vst.pipeline.option_groups.machine import MachineOptions
from vst.pipeline.option_groups.optimisation import OptimisationOptions
from vst.pipeline.option_groups.output import OutputOptions
from vst.pipeline.option_groups.stylization import StylizationOptions
from vst.pipeline.options import check_value, options_of, validate

if TYPE_CHECKING:
    from vst.media.decode.clip_range import ClipRange


@dataclass(frozen=True, kw_only=True)
class RenderSettings(OptimisationOptions, MachineOptions, OutputOptions, ClipOptions, StylizationOptions):
    """Everything about a render but its file names. Each field is one option, described by its ``help``.

    Two renders of one clip with equal settings, on equal hardware, give equal frames. The bases stand in
    reverse: the fields of the last one come first.

    Raises:
        UsageError: for values that an option does not accept.
    """

    def __post_init__(self) -> None:
        validate(self)
        if (self.start, self.end, self.frames) != (None, None, None):
            _ = self.clip_range

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
