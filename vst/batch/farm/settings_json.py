"""Render settings as JSON values, for job files."""

from __future__ import annotations

import os
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from vst.errors import UsageError
from vst.motion.files.recorded import RECORDED_PREFIX, is_recorded
from vst.pipeline.control.timeline import Timeline, is_timeline
from vst.pipeline.options import NamedOption, options_of
from vst.pipeline.regions.region import CLIP_ALPHA, Mask, Region
from vst.pipeline.settings import RenderSettings

M = TypeVar("M", bound=Mask)

_ACCEPTED: dict[Any, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    Path: (str,),
}
"""Types of JSON values that an option of a type accepts."""


def stored_path(path: Path | str, folder: Path) -> str:
    """A path as a job file has it: relative if it is below the folder of the job file, else absolute."""
    whole = Path(os.path.abspath(path))
    return str(whole.relative_to(folder)) if whole.is_relative_to(folder) else str(whole)


def settings_to_json(settings: RenderSettings, folder: Path) -> dict[str, Any]:
    """The values of all options, by field name.

    Args:
        settings: The settings.
        folder: That of the job file, absolute.
    """
    return {
        each.name: _encoded(each.name, getattr(settings, each.name), folder)
        for each in options_of(settings)
    }


def settings_from_json(values: dict[str, Any], folder: Path) -> RenderSettings:
    """What `settings_to_json` has made.

    Raises:
        UsageError: An option is unknown or missing, or does not accept its value.
    """
    options = {each.name: each for each in options_of(RenderSettings)}
    if unknown := sorted(values.keys() ^ options.keys()):
        raise UsageError(f"the options do not match: {', '.join(unknown)}")
    return RenderSettings(**{name: _decoded(options[name], values[name], folder) for name in options})


def _encoded(name: str, value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return stored_path(value, folder)
    if isinstance(value, Mask):
        file = str(value.file) if value.is_clip_alpha else stored_path(Path(value.file), folder)
        return {**asdict(value), "file": file}
    if isinstance(value, tuple):
        return [_encoded(name, each, folder) for each in value]
    if name == "flow" and is_recorded(value):
        recorded = Path(value.removeprefix(RECORDED_PREFIX)).expanduser()
        return RECORDED_PREFIX + stored_path(recorded, folder)
    return str(value) if isinstance(value, Fraction | Timeline) else value


def _decoded(named: NamedOption, value: Any, folder: Path) -> Any:
    if value is None and named.default is None:
        return None
    kind: Any = named.option.type
    if named.name == "regions":
        given = value if isinstance(value, list) else [value]
        return tuple(_mask(named, Region, each, folder) for each in given)
    if named.name == "mask":
        return _mask(named, Mask, value, folder)
    _check_type(named, kind, value)
    if kind is Path:
        return folder / value
    if named.name == "flow" and is_recorded(value):
        return f"{RECORDED_PREFIX}{folder / value.removeprefix(RECORDED_PREFIX)}"
    return kind(value) if kind not in _ACCEPTED and isinstance(value, str) else value


def _mask(named: NamedOption, kind: type[M], value: Any, folder: Path) -> M:
    """A mask or region of what `asdict` has made of one."""
    given = dict(value) if isinstance(value, dict) else {}
    expected: dict[str, tuple[type, ...]] = {
        "file": (str,),
        "invert": (bool,),
        "feather": (int, float),
        "channel": (str, type(None)),
    }
    if kind is Region:
        expected |= {"style": (str,), "style_scale": (int, float, type(None))}
    if given.keys() != expected.keys():
        raise UsageError(f"{named.name} is {str(value)[:40]!r}, which is no value of {named.flag}")
    for name, accepted in expected.items():
        each = given[name]
        is_number = isinstance(each, accepted) and (bool in accepted or not isinstance(each, bool))
        if not is_number or (isinstance(each, str) and "\0" in each):
            raise UsageError(f"{name} of {named.name} is {str(each)[:40]!r}, which is no value of it")
    file = given.pop("file")
    return kind(file if file == CLIP_ALPHA else folder / file, **given)


def _check_type(named: NamedOption, kind: Any, value: Any) -> None:
    accepted: tuple[type, ...] = (str, int)  # options with a parser of their own
    if kind in _ACCEPTED:
        accepted = _ACCEPTED[kind]
    if named.name in ("start", "end", "strength"):
        accepted = (int, float, str)
    if named.name == "strength" and isinstance(value, str) and not is_timeline(value):
        accepted = ()
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{named.name} is {str(value)[:40]!r}, which is no value of {named.flag}")
    if isinstance(value, str) and "\0" in value:
        raise UsageError(f"{named.name} has a null character")
    if named.name == "style" and str(value).strip().lower().endswith(".json"):
        raise UsageError("style names a file; a job file has its content")
