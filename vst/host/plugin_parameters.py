"""The parameters of the editor plugins, and the C header that declares them.

    python -m vst.host.plugin_parameters    # writes plugins/client/parameters.h

They come from the table of render options, `RenderSettings`, and from `EditorOptions`, which has those that
only the plugins have. Projects save OpenFX values by name, choices by number and frei0r values by position,
so these are explicit columns of the tables. None of them ever changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vst.host.plugin_build import source_folder
from vst.pipeline.control.timeline import parse_strength
from vst.pipeline.option_values import parse_interval
from vst.pipeline.options import (
    Effect,
    Frei0rParameter,
    NamedOption,
    OpenFxParameter,
    Range,
    option,
    options_of,
)
from vst.pipeline.settings import RenderSettings

HEADER = Path("client") / "parameters.h"
"""Path of the header in the folder of the plugins' sources."""


@dataclass(frozen=True, kw_only=True)
class EditorOptions:
    """The options that only the editor plugins have."""

    blend: str = option(
        "",
        type=str,
        help="A style by name, or a blend such as candy:0.6+wave:0.4. Takes precedence over the list.",
        openfx=OpenFxParameter(position=1, name="blend", label="Blend"),
    )
    seed: int = option(
        0,
        type=int,
        range=Range(0, 1_000_000),
        help="For modes that draw random numbers; other modes ignore it.",
        openfx=OpenFxParameter(position=6, name="seed", label="Seed", slider_high=1000),
        frei0r=Frei0rParameter(
            position=7,
            name="seed",
            full_scale=1_000_000,
            hint="the seed divided by 1000000, for modes that draw random numbers",
        ),
    )
    colour_space: str = option(
        "auto",
        type=str,
        help="auto: scene-linear for float pixels in Nuke and Natron, else sRGB.",
        openfx=OpenFxParameter(
            position=8,
            name="colourSpace",
            label="Input colour",
            choices={"auto": 0, "sRGB (display)": 1, "linear": 2},
        ),
    )
    replay_limit: int = option(
        60,
        type=int,
        range=Range(1, 100_000),
        effect=Effect.NONE,
        help="How many frames of a shot are stylized at most to show one of them in interactive use. Such "
        "a frame is approximate. A render always starts at the shot's first frame.",
        openfx=OpenFxParameter(
            position=9, name="replayLimit", label="Frames while scrubbing", slider_high=240
        ),
    )


def plugin_options(*tables: type[Any]) -> list[NamedOption]:
    """The options of the tables that the plugins have; without tables, of all.

    Raises:
        ValueError: for positions and numbers of choices that are not each used once, from 0 without a gap.
    """
    found = [each for table in tables or (RenderSettings, EditorOptions) for each in options_of(table)]
    for kind in ("openfx", "frei0r"):
        positions = sorted(each.position for item in found if (each := getattr(item.option, kind)))
        if positions != list(range(len(positions))):
            raise ValueError(f"{kind} positions are {positions}; expected each from 0 once")
    for each in found:
        choices = each.option.openfx.choices if each.option.openfx else None
        numbers = list((choices or {}).values())
        if numbers != list(range(len(numbers))):
            raise ValueError(
                f"choices of {each.name} have the numbers {numbers}; expected each from 0 once"
            )
    return found


def openfx_parameters(*tables: type[Any]) -> list[tuple[OpenFxParameter, NamedOption]]:
    """The parameters of the OpenFX plugin with their options, in the order that hosts show."""
    found = [(each.option.openfx, each) for each in plugin_options(*tables) if each.option.openfx]
    return sorted(found, key=lambda pair: pair[0].position)


def frei0r_parameters(*tables: type[Any]) -> list[tuple[Frei0rParameter, NamedOption]]:
    """The parameters of the frei0r filter with their options, in the order of their positions."""
    found = [(each.option.frei0r, each) for each in plugin_options(*tables) if each.option.frei0r]
    return sorted(found, key=lambda pair: pair[0].position)


def header(*tables: type[Any]) -> str:
    """The text of ``parameters.h``."""
    openfx, frei0r = openfx_parameters(*tables), frei0r_parameters(*tables)
    lines = [
        "/* Written by `python -m vst.host.plugin_parameters` from the tables of options in",
        " * vst/pipeline/option_groups/ and vst/host/plugin_parameters.py; do not edit.",
        " *",
        " * Projects save OpenFX values by name, choices by number and frei0r values by position. */",
        "#ifndef VST_PARAMETERS_H",
        "#define VST_PARAMETERS_H",
        "",
        "/* Choices that are not in the plugin's configuration, by number. */",
    ]
    for parameter, _ in openfx:
        if parameter.choices:
            choices = ", ".join(map(_quoted, parameter.choices))
            lines.append(f"#define VST_CHOICES_{_constant(parameter.name)} {choices}")
    lines += ["", "/* X(name, label, kind, default, minimum, maximum, slider maximum, animates, hint) */"]
    lines += _macro("VST_OPENFX_PARAMETERS", (_openfx_row(*pair) for pair in openfx))
    lines += [
        "",
        "/* X(constant, name, type, default, value that 1 stands for, explanation), by position */",
    ]
    lines += _macro("VST_FREI0R_PARAMETERS", (_frei0r_row(*pair) for pair in frei0r))
    return "\n".join([*lines, "", "#endif", ""])


def _macro(name: str, rows: Iterator[str]) -> list[str]:
    return " \\\n".join([f"#define {name}(X)", *(f"    X({row})" for row in rows)]).split("\n")


def _openfx_row(parameter: OpenFxParameter, named: NamedOption) -> str:
    low, high = _limits(named)
    low = low if parameter.low is None else parameter.low
    slider = high if parameter.slider_high is None else parameter.slider_high
    numbers = ", ".join(f"{number:.10g}" for number in (initial_value(named), low, high, slider))
    texts = f"{_quoted(parameter.name)}, {_quoted(parameter.label)}"
    hint = _quoted(parameter.hint or named.option.help)
    return f"{texts}, {_openfx_kind(parameter, named)}, {numbers}, {int(parameter.animates)}, {hint}"


def _frei0r_row(parameter: Frei0rParameter, named: NamedOption) -> str:
    kinds: dict[Any, str] = {
        bool: "F0R_PARAM_BOOL",
        float: "F0R_PARAM_DOUBLE",
        int: "F0R_PARAM_DOUBLE",
        parse_strength: "F0R_PARAM_DOUBLE",
        parse_interval: "F0R_PARAM_DOUBLE",
    }
    kind = kinds.get(named.option.type, "F0R_PARAM_STRING")
    initial = initial_value(named) / parameter.full_scale
    constant, hint = _constant(parameter.name), _quoted(parameter.hint or named.option.help)
    numbers = f"{initial:.10g}, {parameter.full_scale:.10g}"
    return f"{constant}, {_quoted(parameter.name)}, {kind}, {numbers}, {hint}"


def _openfx_kind(parameter: OpenFxParameter, named: NamedOption) -> str:
    if parameter.choices is not None:
        return "CHOICE"
    kinds: dict[Any, str] = {
        bool: "BOOLEAN",
        float: "NUMBER",
        int: "INTEGER",
        parse_strength: "NUMBER",
        parse_interval: "INTEGER",
        Path: "FOLDER",
    }
    return kinds.get(named.option.type, "TEXT")


def initial_value(named: NamedOption) -> float:
    """The default of a number or a flag; 0 for texts, choices, and numbers whose default is None."""
    choices = named.option.openfx.choices if named.option.openfx else None
    if choices:
        return choices[named.default]
    return float(named.default) if isinstance(named.default, int | float) else 0.0


def _limits(named: NamedOption) -> tuple[float, float]:
    if named.option.type is bool:
        return 0, 1
    limits = named.option.range
    if limits is None:
        return 0, 0
    if limits.high == math.inf:
        raise ValueError(f"{named.name} has no largest number; a parameter of a plugin needs one")
    return limits.low, limits.high


def _constant(name: str) -> str:
    """``STYLE_SCALE`` for ``styleScale`` or ``style_scale``."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name).upper()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def main() -> None:
    """Write the header into the plugins' sources."""
    (source_folder() / HEADER).write_text(header(), encoding="utf-8")


if __name__ == "__main__":
    main()
