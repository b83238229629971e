"""Timelines in a JSON file.

    {"style":    [{"at": "0s", "value": "candy", "hold": true}, {"at": "5s", "value": "wave"}],
     "strength": [{"at": "0s", "value": 0}, {"at": "2s", "value": 1}]}

Positions are written as on the command line; a number is seconds. One file may have both timelines: each
option takes its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from vst.errors import UsageError, suggestion
from vst.pipeline.control.timeline import Timeline, TimelineEntry

MAX_BYTES = 1 << 20
"""Of a file."""

_NAMES = ("style", "strength")
_KEYS = ("at", "value", "hold")

T = TypeVar("T", bound=Timeline[Any])


def read_object(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file that somebody gave.

    Args:
        path: The file.
        what: What it should be, for messages.

    Raises:
        UsageError: The file cannot be read, is too large, or holds something else.
    """
    try:
        if not path.is_file():
            raise UsageError(f"{path} is not a file; expected {what}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read ({reason}); expected {what}") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES >> 20} MB; expected {what}")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:80]
        raise UsageError(f"{path} is not JSON ({reason}); expected {what}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} holds no JSON object; expected {what}")
    return found


def read_timeline(kind: type[T], path: str, name: str) -> T:
    """The timeline of an option in a file.

    Args:
        kind: `StyleTimeline` or `StrengthTimeline`.
        path: The file.
        name: Of the option.

    Raises:
        UsageError: The file cannot be read, or has no such timeline, or an invalid one.
    """
    what = f'a file such as {{"{name}": [{{"at": "0s", "value": ...}}, ...]}}'
    found = read_object(Path(path), what)
    for key in found:
        if key not in _NAMES:
            raise UsageError(f"{path} has the key {key[:40]!r}: {suggestion(key, _NAMES)}")
    if not isinstance(found.get(name), list):
        raise UsageError(f"{path} has no list {name!r}; expected {what}")
    try:
        return kind(tuple(_entry(kind, each) for each in found[name]))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _entry(kind: type[Timeline[Any]], given: Any) -> TimelineEntry[Any]:
    from vst.media.decode.clip_range import parse_position

    if not isinstance(given, Mapping):
        raise UsageError(f'an entry is {str(given)[:40]}; expected {{"at": "5s", "value": ...}}')
    for key in given:
        if key not in _KEYS:
            raise UsageError(f"an entry has the key {key[:40]!r}: {suggestion(key, _KEYS)}")
    at, value, hold = given.get("at"), given.get("value"), given.get("hold", False)
    is_position = isinstance(at, str | int | float) and not isinstance(at, bool)
    if not is_position or not isinstance(value, str | int | float) or not isinstance(hold, bool):
        raise UsageError(
            f'an entry is {str(dict(given))[:80]}; expected {{"at": "5s", "value": ...}}, and "hold": true '
            "where the value is held"
        )
    assert at is not None
    return TimelineEntry(parse_position(at, "at"), kind._value(value), hold)
