"""The frei0r filter described for Kdenlive, which shows no texts of its own accord: here they are lists."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

EFFECT = "vst_frei0r.xml"

_SERVICE = "frei0r.vst_frei0r"


def describe_effect(styles: Sequence[str], modes: Sequence[str]) -> bytes:
    """An effect as Kdenlive's `data/effects/README.md` describes it.

    Args:
        styles: To choose from, the first at first.
        modes: To choose from, the first at first.
    """
    effect = ElementTree.Element("effect", {"tag": _SERVICE, "id": _SERVICE})
    _say(effect, "name", "vst")
    _say(effect, "description", "Turns a clip into a painting that holds still")
    _say(effect, "author", "the vst contributors")
    _list(effect, "style", "Style", styles)
    _list(effect, "mode", "Mode", modes)
    _number(effect, "strength", "Strength", 1, 100, "%")
    _value(effect, "keep_color", "Keep colour", type="bool", default="0")
    _number(effect, "style_scale", "Stroke size (0 chooses)", 0, 10, "")
    _list(effect, "device", "Device", ["auto", "cpu", "cuda"])
    ElementTree.indent(effect)
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE kpartgui>\n'
    return head + ElementTree.tostring(effect, encoding="utf-8") + b"\n"


def _say(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _value(effect: ElementTree.Element, name: str, label: str, **attributes: str) -> None:
    parameter = ElementTree.SubElement(effect, "parameter", {"name": name, **attributes})
    _say(parameter, "name", label)


def _list(effect: ElementTree.Element, name: str, label: str, choices: Sequence[str]) -> None:
    first = choices[0] if choices else ""
    _value(effect, name, label, type="list", default=first, paramlist=";".join(choices))


def _number(
    effect: ElementTree.Element, name: str, label: str, default: float, factor: int, suffix: str
) -> None:
    """A number that frei0r has in 0..1 and the user sees times `factor`."""
    _value(
        effect,
        name,
        label,
        type="constant",
        default=f"{default * factor:g}",
        min="0",
        max=str(factor),
        factor=str(factor),
        decimals="0" if suffix else "2",
        suffix=suffix,
    )
