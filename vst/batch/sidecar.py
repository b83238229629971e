"""Settings of single files of a batch: ``clip.mov.vst.json`` beside ``clip.mov``.

    {"style": "0s:candy 5s:wave", "strength": 0.8, "colour": "match"}

A sidecar has the options that say how frames are stylized, by name, and takes precedence over the command
line. It comes with the clips, maybe from elsewhere, so it names only files below its own folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vst.batch.batch_file import BatchFile
from vst.colour_modes import STYLE
from vst.errors import UsageError, VstError, suggestion
from vst.motion.files.recorded import is_recorded
from vst.pipeline.control.timeline import is_timeline
from vst.pipeline.control.timeline_file import read_object
from vst.pipeline.option_groups.regions import RegionOptions
from vst.pipeline.option_groups.stylization import StylizationOptions
from vst.pipeline.options import NamedOption, options_of
from vst.pipeline.regions.region import NONE, Mask, Region, parse_mask, parse_region
from vst.styles import parse_blend

if TYPE_CHECKING:
    from vst.pipeline import RenderSettings

M = TypeVar("M", Mask, Region)

SIDECAR_SUFFIX = ".vst.json"
"""Added to the name of a clip."""

_WHAT = 'options such as {"style": "candy"}'
_RECORDED = "file:"
_LARGEST = 10**15
"""No option has a larger number; an integer of JSON may have more digits than a float takes."""

_INSTEAD: dict[str, dict[str, Any]] = {
    "style": {"style_per_shot": None},
    "style_per_shot": {"style": None},
    "colour": {"keep_color": False},
    "keep_color": {"colour": STYLE},
}
"""What an option of a sidecar replaces besides its own value on the command line."""


def sidecar_of(source: Path) -> Path:
    """The path of a clip's sidecar, which need not exist."""
    return source.with_name(source.name + SIDECAR_SUFFIX)


def with_sidecar(file: BatchFile, settings: RenderSettings) -> BatchFile:
    """A file with the settings of its sidecar, if there is one.

    Args:
        file: The file.
        settings: Those of the batch.

    Raises:
        UsageError: The sidecar cannot be read, or a value in it is invalid.
    """
    path = sidecar_of(file.source)
    if not os.path.lexists(path):
        return file
    try:
        own = _values(read_object(path, _WHAT), path.parent)
        replace(settings, **own)
    except VstError as error:
        message = str(error)
        named = message if message.startswith(str(path)) else f"{path.name}: {message}"
        raise UsageError(named) from error
    return replace(file, own_settings=tuple(own.items()))


def own_settings(file: BatchFile, settings: RenderSettings) -> RenderSettings:
    """The settings of a batch with those of one file's sidecar."""
    return replace(settings, **dict(file.own_settings)) if file.own_settings else settings


def _values(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    options = {each.name: each for kind in (StylizationOptions, RegionOptions) for each in options_of(kind)}
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        name = {"color": "colour", "keep_colour": "keep_color"}.get(name, name)
        if name not in options:
            raise UsageError(f"{key[:40]!r} is no option of a sidecar: {suggestion(key, options)}")
        if name in ("mask", "regions"):
            found[name] = _masks(name, value, folder)
        else:
            found[name] = _value(options[name], value, folder)
    for name in list(found):
        for other, instead in _INSTEAD.get(name, {}).items():
            found.setdefault(other, instead)
    return found


def _value(named: NamedOption, value: Any, folder: Path) -> Any:
    """The value of an option as a settings field has it."""
    kind, about = named.option.type, f"{named.name} is {str(value)[:60]!r}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is bool or isinstance(value, bool):
        if kind is not bool or not isinstance(value, bool):
            raise UsageError(f"{about}; expected {'true or false' if kind is bool else 'a text or number'}")
        return value
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise UsageError(f"{about}; expected a number of fewer digits")
    if kind in (int, float):
        if not is_number or (kind is int and not float(value).is_integer()):
            raise UsageError(f"{about}; expected a {'whole ' if kind is int else ''}number")
        return kind(value)
    if is_number and kind is not str:
        return kind(repr(value))
    if not isinstance(value, str):
        raise UsageError(f"{about}; expected a text")
    if kind is str:
        return _path_inside(named.name, value, folder)
    return kind(_path_inside(named.name, value, folder))


def _masks(name: str, value: Any, folder: Path) -> Mask | tuple[Region, ...]:
    """A mask or the regions, written as on the command line, with their files' paths."""
    texts = [value] if name == "mask" else value
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        expected = (
            "a text such as 'mask.png,feather=8'" if name == "mask" else "a list such as ['a.png=candy']"
        )
        raise UsageError(f"{name} is {str(value)[:60]!r}; expected {expected}")
    if name == "mask":
        return _below(parse_mask(value), folder)
    regions = (_below(parse_region(each), folder) for each in texts)
    return tuple(replace(each, style=_style_inside(each.style, folder)) for each in regions)


def _below(mask: M, folder: Path) -> M:
    return mask if mask.is_clip_alpha else replace(mask, file=_inside("mask", str(mask.file), folder))


def _path_inside(name: str, text: str, folder: Path) -> str:
    """A text; where it names a file, with its path, which has to be below a folder."""
    prefix = _RECORDED if name == "flow" and is_recorded(text) else ""
    if not prefix and not (name in ("style", "strength") and text.strip().lower().endswith(".json")):
        return _style_inside(text, folder) if name in ("style", "outside", "elsewhere") else text
    return prefix + _inside(name, text.strip().removeprefix(prefix), folder)


def _style_inside(style: str, folder: Path) -> str:
    """A style; where it has pictures or masks, with their paths, which have to be below a folder."""
    if style == NONE or is_timeline(style):
        return style
    blend = parse_blend(style)
    return blend.with_paths(lambda path: _inside("style", path, folder)) if blend.files else style


def _inside(name: str, given: str, folder: Path) -> str:
    """The path of a file that a sidecar names, which has to be below its folder."""
    try:
        path = os.path.realpath(folder / given)
    except ValueError as error:  # a zero byte
        raise UsageError(f"{name} names {given[:80]!r}, which is no path") from error
    if os.path.isabs(given) or not Path(path).is_relative_to(os.path.realpath(folder)):
        raise UsageError(f"{name} names {given[:80]!r}; expected a file below the folder of the sidecar")
    return path
