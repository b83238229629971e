"""Messages in the words of the editor: its parameters, never options of the command line."""

from __future__ import annotations

import re

from vst.errors import UsageError
from vst.host.plugin_parameters import plugin_options
from vst.host.protocol import RequestedSettings
from vst.pipeline.options import NamedOption, number_text

_FLAG = re.compile(r"--([a-z][a-z-]*)")


def in_parameter_words(message: str, editor: str) -> str:
    """A message in which options of the command line are replaced by parameters of the plugin.

    Args:
        message: Of an error.
        editor: `openfx`, whose users see labels, or `frei0r`, whose users see names.
    """
    names = {each.flag: _name(each, editor) for each in plugin_options()}

    def replace(found: re.Match[str]) -> str:
        name = names.get(found[0])
        return name or f"the option {found[1]} of 'vst render'"

    return _FLAG.sub(replace, message)


def check_parameters(settings: RequestedSettings, editor: str) -> None:
    """Check the numbers of a request against the ranges of the options.

    Raises:
        UsageError: A number is out of range; the message has the scale of the editor's parameter.
    """
    for each in plugin_options():
        allowed, value = each.option.range, getattr(settings, each.name, None)
        if allowed is None or value is None or value in allowed:
            continue
        frei0r = each.option.frei0r
        scale = frei0r.full_scale if frei0r and editor == "frei0r" else 1
        low, high = (number_text(limit / scale) for limit in (allowed.low, allowed.high))
        unset = ", or 0" if each.default is None else ""
        raise UsageError(
            f"{_name(each, editor)} is {number_text(value / scale)}; expected {low} to {high}{unset}"
        )


def _name(named: NamedOption, editor: str) -> str | None:
    """What the editor calls the parameter; None if it has none."""
    about = named.option
    if editor == "frei0r":
        return about.frei0r.name if about.frei0r else None
    return about.openfx.label if about.openfx else None
