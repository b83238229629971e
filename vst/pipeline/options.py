"""Options as fields of a dataclass: one field holds everything that is known about an option.

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        strength: float = option(1.0, type=float, range=Range(0, 1), help="0 is the clip.")

From these fields come the command line, validation, the fingerprint for ``--resume``, the batch record, the
parameters of the editor plugins, and ``docs/options.md``. The module imports nothing heavy: ``vst render
--help`` uses it.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from vst.errors import UsageError, suggestion

_KEY = "option"
"""Key of an `Option` in the metadata of its field."""


class Effect(enum.Enum):
    """Whether an option changes the frames, and so which records of a render contain it."""

    FRAMES = "yes"
    """Its value decides the frames: part of the fingerprint and of the batch record."""
    RESOLVED = "through what it selects"
    """What it selects decides the frames, such as a device or weight files. The fingerprint contains that
    instead of the value; the batch record contains the value."""
    ROUNDING = "last bits only"
    """As `RESOLVED`, but it changes only how sums are rounded: not part of the batch record."""
    METADATA = "no, but the metadata"
    """It changes what an output says about itself: part of the batch record only."""
    NONE = "no"
    """Part of neither record."""


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that an option accepts: finite, from `low` to `high`.

    Attributes:
        low: The smallest number.
        high: The largest number; infinity for no limit.
        unit: Unit for messages, such as ``pixels``.
        low_means: What the smallest number means, for messages.
        high_means: What the largest number means, for messages.
        above_low: Whether `low` itself is excluded.
        special: A number outside of the range that is accepted too, and its meaning.
    """

    low: float
    high: float = math.inf
    unit: str = ""
    low_means: str = ""
    high_means: str = ""
    above_low: bool = False
    special: tuple[int, str] | None = None

    def __contains__(self, value: float | Fraction) -> bool:
        if self.special is not None and value == self.special[0]:
            return True
        inside = self.low < value if self.above_low else self.low <= value
        return inside and value <= self.high and value < math.inf

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        low, low_means = number_text(self.low), f" ({self.low_means})" if self.low_means else ""
        high, high_means = number_text(self.high), f" ({self.high_means})" if self.high_means else ""
        if self.above_low:
            text = f"more than {low}{unit}" + (
                "" if self.high == math.inf else f" and at most {high}{unit}"
            )
        elif self.high == math.inf:
            text = f"{low}{unit}{low_means} or more"
        else:
            text = f"{low}{low_means} to {high}{unit}{high_means}"
        return text + (f", or {self.special[0]} ({self.special[1]})" if self.special else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFxParameter:
    """A parameter of the OpenFX plugin. Hosts save its value by `name`, and a choice by its number.

    Attributes:
        position: Place in the user interface, from 0.
        name: Never changes.
        label: Text that hosts show.
        hint: Tool tip; None takes the option's help.
        choices: Each choice with the number that projects save. Numbers never change; a new choice gets the
            next one. Empty: `vst plugin install` writes the choices into the plugin's configuration.
            None: the parameter is not a choice.
        low: Smallest number; None takes the option's range.
        slider_high: Right end of the slider; None takes the largest number.
        animates: Whether hosts may animate it.
    """

    position: int
    name: str
    label: str
    hint: str | None = None
    choices: Mapping[str, int] | None = None
    low: float | None = None
    slider_high: float | None = None
    animates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frei0rParameter:
    """A parameter of the frei0r filter. Hosts save its value by `position`, some by `name`.

    Attributes:
        position: Never changes, from 0.
        name: Never changes.
        full_scale: What the value 1 stands for: frei0r's numbers are 0..1.
        hint: Explanation that hosts show; None takes the option's help.
    """

    position: int
    name: str
    full_scale: float = 1.0
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Everything about an option but its name and its default, which are those of its field.

    Many attributes: one for each property of an option that something is made from.

    Attributes:
        type: `float`, `int`, `bool`, `str`, `Path`, or a function that parses text and raises `UsageError`.
        help: One or two sentences for ``--help``.
        effect: Whether it changes the frames.
        range: Numbers that it accepts.
        numbers: The numbers in a value that is not one itself; None: the value is the number.
        choices: Names that it accepts.
        check: Further validation; raises `UsageError`.
        metavar: Stands for the value in ``--help``.
        default_text: How ``--help`` shows a default that is None.
        short: One-letter form, such as ``-y``.
        repeats: Its name on the command line, where it may be given several times: the value is a tuple.
        excludes: Name of a field that cannot be given together with this one.
        in_batch: Whether `vst batch` has it too.
        batch_help: Help in `vst batch`; None is `help`.
        openfx: Its parameter in the OpenFX plugin.
        frei0r: Its parameter in the frei0r filter.
    """

    type: Callable[[str], Any]
    help: str
    effect: Effect = Effect.FRAMES
    range: Range | None = None
    numbers: Callable[[Any], Sequence[float]] | None = None
    choices: tuple[str, ...] | None = None
    check: Callable[[Any], None] | None = None
    metavar: str | None = None
    default_text: str | None = None
    short: str | None = None
    repeats: str | None = None
    excludes: str | None = None
    in_batch: bool = True
    batch_help: str | None = None
    openfx: OpenFxParameter | None = None
    frei0r: Frei0rParameter | None = None


def option(default: Any = MISSING, **described: Any) -> Any:
    """A dataclass field that is an option.

    Args:
        default: Value unless given; leave it out for a field that has to be given.
        **described: Attributes of `Option`.
    """
    return field(default=default, metadata=MappingProxyType({_KEY: Option(**described)}))


@dataclass(frozen=True, slots=True)
class NamedOption:
    """An option with its field's name and default.

    Attributes:
        name: Name of the field.
        default: None also for a field without a default.
        option: Everything else.
        section: Heading under which help shows it: `SECTION` of the class that has the field, or "".
    """

    name: str
    default: Any
    option: Option
    section: str = ""

    @property
    def flag(self) -> str:
        """The long form on the command line, such as ``--style-scale``."""
        return flag_of(self.option.repeats or self.name)


def flag_of(name: str) -> str:
    """The long form on the command line of the option in a field."""
    return "--" + name.replace("_", "-")


def options_of(settings: type[Any] | Any) -> Iterator[NamedOption]:
    """The options of a dataclass, or of an instance of one, in the order of its fields."""
    for each in dataclasses.fields(settings):
        if _KEY in each.metadata:
            default = None if each.default is MISSING else each.default
            yield NamedOption(each.name, default, each.metadata[_KEY], _section(settings, each.name))


def _section(settings: type[Any] | Any, name: str) -> str:
    """`SECTION` of the class that has a field, or ""."""
    kind = settings if isinstance(settings, type) else type(settings)
    owner = next(each for each in kind.__mro__ if name in inspect.get_annotations(each))
    section: str = owner.__dict__.get("SECTION", "")
    return section


def validate(settings: Any) -> None:
    """Check every option of an instance.

    Raises:
        UsageError: for a value that its option does not accept, and for options that exclude each other.
    """
    for each in options_of(settings):
        check_value(each, getattr(settings, each.name))
        other = each.option.excludes
        if other and getattr(settings, each.name) is not None and getattr(settings, other) is not None:
            raise UsageError(f"{other} and {each.name} were both given; give one of them")


def check_value(named: NamedOption, value: Any) -> None:
    """Check one value; None is accepted where it is the default.

    Raises:
        UsageError: for a value that the option does not accept.
    """
    if value is None and named.default is None:
        return
    given, about = named.name.replace("_", " "), named.option
    if about.choices is not None and value not in about.choices:
        raise UsageError(f"{given} is {value!r}: {suggestion(str(value), about.choices)}")
    if about.range is not None:
        for number in about.numbers(value) if about.numbers else (value,):
            if number not in about.range:
                raise UsageError(f"{given} is {number_text(number)}; expected {about.range}")
    if about.check is not None:
        about.check(value)


def recorded_values(settings: Any, *effects: Effect, section: str = "") -> dict[str, str]:
    """Values as text, by field name, of the options that have one of these effects.

    Args:
        settings: An instance of a dataclass of options.
        *effects: Which.
        section: A section whose options are included, beside those that belong to none.
    """
    return {
        each.name: _recorded(each.option, getattr(settings, each.name))
        for each in options_of(settings)
        if each.option.effect in effects and each.section in ("", section)
    }


def _recorded(about: Option, value: Any) -> str:
    """The same text for 2 and 2.0 where the option is a float."""
    return str(float(value) if about.type is float and value is not None else value)


def number_text(value: float | Fraction) -> str:
    """``0.5``, ``16384``, ``nan``: whole numbers in full, others with at most six digits."""
    return str(value) if isinstance(value, int) else f"{float(value):g}"
