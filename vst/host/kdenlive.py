"""Describes the frei0r filter for Kdenlive, which has no text parameters: style and mode become lists."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

EFFECT = "vst_frei0r.xml"

_SERVICE = "frei0r.vst_frei0r"


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
    _choice(effect, "style", "Style", styles)
    _choice(effect, "mode", "Mode", modes)
    _number(effect, "strength", "Strength", 1, 100, "%")
    _parameter(effect, "keep_color", "Keep colour", type="bool", default="0")
    _number(effect, "style_scale", "Stroke size (0 chooses)", 0, 10, "")
    _choice(effect, "device", "Device", ["auto", "cpu", "cuda"])
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
    effect: ElementTree.Element, name: str, label: str, default: float, factor: int, suffix: str
) -> None:
    """A number that is 0..1 for frei0r and is shown to the user times `factor`."""
    _parameter(
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
