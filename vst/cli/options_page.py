"""The page of options in the documentation.

python -m vst.cli.options_page    # writes docs/options.md in a checkout
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vst.host.plugin_parameters import EditorOptions, frei0r_parameters, openfx_parameters
from vst.pipeline.options import NamedOption, options_of
from vst.pipeline.settings import RenderSettings

PAGE = Path("docs") / "options.md"

_HEAD = """# Options of a render

Written by `python -m vst.cli.options_page` from `RenderSettings` (`vst/pipeline/settings.py`).
Do not edit this page. In Python the same options are fields of `vst.RenderSettings`, with underscores. The
command line accepts British and American spelling (`--keep-colour`).

An option that changes the frames is part of the fingerprint that `--resume` compares, and of the record by
which `vst batch` skips files that are up to date. *Through what it selects*: the fingerprint contains what
the option selects, such as the device or the weight files; the record contains the option. *Last bits
only*: as before, but not part of the record. *The metadata*: part of the record, not of the fingerprint.
"""

_PLUGINS = """
## Parameters of the editor plugins

Projects save OpenFX values by name, choices by number, and frei0r values by position. None of these ever
changes; new ones are appended. frei0r's numbers are 0..1; the table shows what 1 stands for.
"""


def options_page(*tables: type[Any]) -> str:
    """The page, in Markdown.

    Args:
        *tables: Dataclasses of options; by default those of a render and of the plugins.
    """
    render, *others = tables or (RenderSettings, EditorOptions)
    sections: dict[str, list[Sequence[str]]] = {"": []}
    for each in options_of(render):
        sections.setdefault(each.section, []).append(_option_row(each))
    head = ("Option", "Value", "Default", "Meaning", "Changes the frames", "Commands")
    lists = "".join(
        (f"\n## {title}\n" if title else "") + "\n" + _table(head, rows) for title, rows in sections.items()
    )
    return _HEAD + lists + _PLUGINS + "\n" + _plugin_table(render, *others)


def _option_row(named: NamedOption) -> Sequence[str]:
    about = named.option
    flag = f"`{about.short}`, `{named.flag}`" if about.short else f"`{named.flag}`"
    if about.type is bool and named.default:
        flag += f", `--no-{named.flag[2:]}`"
    commands = "render, batch" if about.in_batch else "render"
    return flag, _value(named), _default(named), about.help, about.effect.value, commands


def _value(named: NamedOption) -> str:
    about = named.option
    if about.type is bool:
        return "flag"
    if about.choices is not None:
        return ", ".join(f"`{each}`" for each in about.choices)
    if about.range is not None:
        return str(about.range)
    return about.metavar or "text"


def _default(named: NamedOption) -> str:
    if named.option.type is bool:
        return "on" if named.default else "off"
    if named.option.repeats:
        return ""
    text = named.option.default_text or ("" if named.default is None else str(named.default))
    return f"`{text}`" if text else ""


def _plugin_table(*tables: type[Any]) -> str:
    filters = {named.name: parameter for parameter, named in frei0r_parameters(*tables)}
    rows = []
    for parameter, named in openfx_parameters(*tables):
        numbered = [f"{number} {choice}" for choice, number in (parameter.choices or {}).items()]
        choices = "as installed" if parameter.choices == {} else ", ".join(numbered)
        other = filters.get(named.name)
        position = "" if other is None else f"{other.position} `{other.name}`"
        full_scale = "" if other is None or other.full_scale == 1 else f"{other.full_scale:.10g}"
        hint = parameter.hint or named.option.help
        rows.append((f"`{parameter.name}`", parameter.label, choices, position, full_scale, hint))
    head = ("OpenFX name", "Label", "Choices", "frei0r position and name", "frei0r's 1", "Meaning")
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def main() -> None:
    """Write the page into the checkout."""
    (Path(__file__).parents[2] / PAGE).write_text(options_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
