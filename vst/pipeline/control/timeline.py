"""Values that change over a clip: entries at times or frame numbers, linear or held between them."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from vst.errors import UsageError
from vst.styles.blend import Blend, parse_blend

if TYPE_CHECKING:
    from vst.media.decode.clip_range import Position, PositionLike

V = TypeVar("V")

HOLD = "hold"
"""The word after an entry whose value is held until the next one."""

NONE = "none"
"""The name that stands for the clip itself among the styles of a timeline."""

MAX_ENTRIES = 10_000
"""Of a timeline."""

_AT = r"\d{1,9}(?:\.\d{1,9})?s|\d{1,9}f|(?:\d{1,6}:)?\d{1,2}:\d\d(?:\.\d{1,9})?"
_ENTRY = re.compile(rf"({_AT}):(\S+)", re.IGNORECASE)
_BEGIN = re.compile(rf"\s*(?:{_AT})(?::|\s|$)", re.IGNORECASE)

_STYLE_FORM = "0s:candy 5s:candy:0.5+wave:0.5 8s:none, or 0s:candy hold 5s:wave"
_STRENGTH_FORM = "a number from 0 to 1, or a timeline such as 0s:0 2s:1"


@dataclass(frozen=True, slots=True)
class TimelineEntry(Generic[V]):
    """A value from a position of the clip on.

    Attributes:
        at: A time or a frame number.
        value: What there is at that position.
        hold: Whether it stays so up to the next entry; otherwise it turns into the next value linearly.
    """

    at: Position
    value: V
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Stretch(Generic[V]):
    """What a timeline has at one place.

    Attributes:
        before: The value of the last entry up to the place.
        after: The value of the next entry; that of `before` where nothing changes.
        share: How much of `after`, 0 to less than 1.
    """

    before: V
    after: V
    share: float


@dataclass(frozen=True)
class Timeline(ABC, Generic[V]):
    """Values over a clip. Before the first entry and after the last one nothing changes.

    Attributes:
        entries: In the order of their positions; at most two have the same one, which makes a step.

    Raises:
        UsageError: for no entry, positions out of order, or times and frame numbers in one timeline.
    """

    entries: tuple[TimelineEntry[V], ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.entries) <= MAX_ENTRIES:
            raise UsageError(
                f"a timeline has {len(self.entries)} entries; expected 1 to {MAX_ENTRIES}, "
                f"such as {self._form()}"
            )
        first = self.entries[0].at
        for each in self.entries:
            if (each.at.number is None) != (first.number is None):
                raise UsageError(
                    f"{first.text} and {each.at.text} are in one timeline; give all positions as times "
                    "(5s) or all as frame numbers (120f)"
                )
        for before, after in zip(self.entries, self.entries[1:], strict=False):
            if _place(after.at) < _place(before.at):
                raise UsageError(
                    f"{after.at.text} comes after {before.at.text} in a timeline; "
                    f"give its entries in order, such as {self._form()}"
                )
        for one, third in zip(self.entries, self.entries[2:], strict=False):
            if _place(one.at) == _place(third.at):
                raise UsageError(
                    f"three entries of a timeline are at {third.at.text}; expected at most two: "
                    "the values before and after a step"
                )

    @classmethod
    def of(cls, *entries: tuple[PositionLike, Any], hold: bool = False) -> Self:
        """A timeline of positions with values.

        Args:
            *entries: A time in seconds, or a text such as ``5s``, ``0:05`` or ``120f``, and its value as it
                is written on the command line, each.
            hold: Whether every value is held until the next entry.

        Raises:
            UsageError: for a position or a value that is not valid, or positions out of order.
        """
        from vst.media.decode.clip_range import parse_position

        return cls(
            tuple(
                TimelineEntry(parse_position(at, "the position in a timeline"), cls._value(value), hold)
                for at, value in entries
            )
        )

    @staticmethod
    @abstractmethod
    def _value(given: Any) -> Any:
        """A value that was given, checked."""

    @staticmethod
    @abstractmethod
    def _text(value: Any) -> str:
        """A value as it is written."""

    @staticmethod
    @abstractmethod
    def _form() -> str:
        """What is expected, for messages."""

    def __str__(self) -> str:
        return " ".join(
            f"{each.at.text}:{self._text(each.value)}{f' {HOLD}' if each.hold else ''}"
            for each in self.entries
        )

    @property
    def values(self) -> tuple[V, ...]:
        """The values of all entries, in order."""
        return tuple(each.value for each in self.entries)

    @property
    def by_number(self) -> bool:
        """Whether positions are frame numbers."""
        return self.entries[0].at.number is not None

    @property
    def places(self) -> tuple[Fraction, ...]:
        """The positions as numbers: seconds after the first frame, or frame numbers."""
        return tuple(_place(each.at) for each in self.entries)

    def at(self, place: Fraction) -> Stretch[V]:
        """What there is at a place.

        Args:
            place: Seconds after the first frame, or a frame number.
        """
        places = self.places
        index = bisect_right(places, place) - 1
        if index < 0 or index + 1 == len(places):
            value = self.entries[max(index, 0)].value
            return Stretch(value, value, 0.0)
        before, after = self.entries[index], self.entries[index + 1]
        if before.hold:
            return Stretch(before.value, before.value, 0.0)
        share = float((place - places[index]) / (places[index + 1] - places[index]))
        return Stretch(before.value, after.value, share)

    def steps_in(self, after: Fraction, until: Fraction) -> Iterator[tuple[V, V]]:
        """The values before and after each step later than one place and not later than another."""
        for one, other in zip(self.entries, self.entries[1:], strict=False):
            if not after < _place(other.at) <= until:
                continue
            if one.hold or _place(one.at) == _place(other.at):
                yield one.value, other.value

    def ramps_at(self, place: Fraction, before: Fraction) -> Iterator[tuple[V, V]]:
        """The values of each linear change that begins or ends from one place up to, not at, another."""
        for one, other in zip(self.entries, self.entries[1:], strict=False):
            begins, ends = _place(one.at), _place(other.at)
            if one.hold or begins == ends:
                continue
            if place <= begins < before or place <= ends < before:
                yield one.value, other.value


class StyleTimeline(Timeline[Blend]):
    """Styles over a clip; the style `none` is the clip itself.

    Raises:
        UsageError: as `Timeline`; also where no entry has a style.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.names:
            raise UsageError(
                f"'{self}' has no style but {NONE!r}; name one, or give --style {NONE} for the clip itself"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The styles, in the order in which they come; without `none`."""
        found = dict.fromkeys(name for blend in self.values for name in blend.names)
        return tuple(name for name in found if name != NONE)

    @staticmethod
    def _value(given: Any) -> Blend:
        return given if isinstance(given, Blend) else parse_blend(str(given))

    @staticmethod
    def _text(value: Blend) -> str:
        return blend_text(value)

    @staticmethod
    def _form() -> str:
        return _STYLE_FORM


class StrengthTimeline(Timeline[float]):
    """Strengths over a clip, 0 to 1."""

    @staticmethod
    def _value(given: Any) -> float:
        return _number(given)

    @staticmethod
    def _text(value: float) -> str:
        return f"{value:.10g}"

    @staticmethod
    def _form() -> str:
        return "0s:0 2s:1"


T = TypeVar("T", bound=Timeline[Any])


def blend_text(blend: Blend) -> str:
    """A blend as it is written: ``candy``, or ``candy:0.6+wave:0.4``."""
    if len(blend.parts) == 1:
        return blend.parts[0][0]
    return "+".join(f"{name}:{share:.10g}" for name, share in blend.parts)


def is_timeline(text: str) -> bool:
    """Whether a text begins as a timeline does: with a position."""
    return _BEGIN.match(text) is not None


def parse_timeline(kind: type[T], text: str, name: str) -> T:
    """Read ``0s:candy 5s:wave``, or ``0s:candy hold 5s:wave``.

    Args:
        kind: `StyleTimeline` or `StrengthTimeline`.
        text: What the user wrote.
        name: Of the option, for messages.

    Raises:
        UsageError: for a text that is not a timeline, or one that is invalid.
    """
    from vst.media.decode.clip_range import parse_position

    entries: list[TimelineEntry[Any]] = []
    for word in text.split():
        if word.lower() == HOLD and entries and not entries[-1].hold:
            last = entries[-1]
            entries[-1] = TimelineEntry(last.at, last.value, hold=True)
            continue
        found = _ENTRY.fullmatch(word)
        if found is None:
            raise UsageError(
                f"{name} has the entry '{word[:60]}'; expected POSITION:VALUE with a position such as 5s, "
                f"0:05 or 120f: {kind._form()}"
            )
        entries.append(TimelineEntry(parse_position(found[1], name), kind._value(found[2])))
    return kind(tuple(entries))


def parse_strength(text: str) -> float | StrengthTimeline:
    """The value of `RenderSettings.strength` for a number, a timeline or a JSON file with one.

    Raises:
        UsageError: for anything else.
    """
    if text.strip().lower().endswith(".json"):
        from vst.pipeline.control.timeline_file import read_timeline

        return read_timeline(StrengthTimeline, text.strip(), "strength")
    if is_timeline(text):
        return parse_timeline(StrengthTimeline, text, "--strength")
    return _number(text)


def parse_style(text: str) -> str | StyleTimeline:
    """The value of `RenderSettings.style`: a timeline where the text is one, or names a JSON file with one.

    Raises:
        UsageError: for a timeline that is invalid.
    """
    if text.strip().lower().endswith(".json"):
        from vst.pipeline.control.timeline_file import read_timeline

        return read_timeline(StyleTimeline, text.strip(), "style")
    if is_timeline(text):
        return parse_timeline(StyleTimeline, text, "--style")
    if text.strip() == NONE:
        return NONE
    if NONE in (piece.partition(":")[0].strip() for piece in text.split("+")):
        return StyleTimeline.of(("0s", text))
    return text


def parse_shot_styles(given: str | Sequence[str]) -> tuple[str, ...]:
    """The styles of ``candy,wave,none``, or of a sequence: one or more.

    Raises:
        UsageError: for an empty entry, or nothing but `none`.
    """
    styles = tuple(each.strip() for each in (given.split(",") if isinstance(given, str) else given))
    if not all(styles):
        raise UsageError("--style-per-shot has an empty entry; expected styles such as candy,wave,none")
    if all(style == NONE for style in styles):
        raise UsageError(f"--style-per-shot has no style but {NONE!r}; name one, such as candy,{NONE}")
    for style in styles:
        parse_blend(style)
    return styles


def numbers_of(value: float | StrengthTimeline) -> tuple[float, ...]:
    """The numbers of a strength that may change."""
    return value.values if isinstance(value, Timeline) else (value,)


def _number(given: Any) -> float:
    try:
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if isinstance(given, bool) or math.isnan(value):
        raise UsageError(f"strength is '{str(given)[:60]}'; expected {_STRENGTH_FORM}")
    return value


def _place(at: Position) -> Fraction:
    if at.number is not None:
        return Fraction(at.number)
    assert at.seconds is not None
    return at.seconds
