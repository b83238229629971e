"""Describes the frei0r filter for Kdenlive, which has no text parameters: style and mode become lists."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from vst.host.plugin_parameters import frei0r_parameters, initial_value
from vst.pipeline.options import Frei0rParameter

EFFECT = "vst_frei0r.xml"

_SERVICE = "frei0r.vst_frei0r"

_LEFT_OUT = ("weights", "seed")
"""Parameters that Kdenlive does not show."""


def describe_effect(styles: Sequence[str], modes: Sequence[str]) -> bytes:
    """The description of the effect, XML as in Kdenlive's `data/effects/README.md`.

    Args:
        styles: Choices; the first is the default.
        modes: Choices; the first is the default.
    """
    effect = ElementTree.Element("effect", {"tag": _SERVICE, "id": _SERVICE})
    _text(effect, "name", "vst")
    _text(effect, "description", "Stylizes a clip, stable over time")
    _text(effect, "author", "the vst contributors")
    configured = {"style": styles, "mode": modes}
    for parameter, named in frei0r_parameters():
        openfx = named.option.openfx
        if openfx is None or parameter.name in _LEFT_OUT:
            continue
        if openfx.choices is not None:
            choices = configured.get(parameter.name) or list(openfx.choices)
            _choice(effect, parameter.name, openfx.label, choices)
        elif named.option.type is bool:
            default = str(int(named.default))
            _parameter(effect, parameter.name, openfx.label, type="bool", default=default)
        else:
            whole = named.option.type is not float
            _number(effect, parameter, openfx.label, initial_value(named), whole)
    ElementTree.indent(effect)
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE kpartgui>\n'
    return head + ElementTree.tostring(effect, encoding="utf-8") + b"\n"


def _text(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _parameter(effect: ElementTree.Element, name: str, label: str, **attributes: str) -> None:
    parameter = ElementTree.SubElement(effect, "parameter", {"name": name, **attributes})
    _text(parameter, "name", label)


def _choice(effect: ElementTree.Element, name: str, label: str, choices: Sequence[str]) -> None:
    first = choices[0] if choices else ""
    _parameter(effect, name, label, type="list", default=first, paramlist=";".join(choices))


def _number(
    effect: ElementTree.Element, parameter: Frei0rParameter, label: str, default: float, whole: bool
) -> None:
    """A number that is 0..1 for frei0r and is shown to the user times its full scale, or in per cent."""
    per_cent = parameter.full_scale == 1
    factor = 100 if per_cent else parameter.full_scale
    _parameter(
        effect,
        parameter.name,
        label if default else f"{label} (0 chooses)",
        type="constant",
        default=f"{default / parameter.full_scale * factor:g}",
        min="0",
        max=f"{factor:g}",
        factor=f"{factor:g}",
        decimals="0" if per_cent or whole else "2",
        suffix="%" if per_cent else "",
    )
