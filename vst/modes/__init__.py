"""Modes: how frames become stylized frames. One package a mode, one line each in `vst.modes.registry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vst.lazy import attribute

if TYPE_CHECKING:
    from vst.modes.create import create_stylizer
    from vst.modes.network_file import load_network, load_selection, save_weights, verify_weights
    from vst.modes.registry import ModeEntry, available_modes, check_mode, find_mode, mode_names
    from vst.modes.stylizer import Stylizer, backend_of, device_for

__all__ = [
    "ModeEntry",
    "Stylizer",
    "available_modes",
    "backend_of",
    "check_mode",
    "create_stylizer",
    "device_for",
    "find_mode",
    "load_network",
    "load_selection",
    "mode_names",
    "save_weights",
    "verify_weights",
]

_WHERE = {
    "ModeEntry": "registry",
    "Stylizer": "stylizer",
    "available_modes": "registry",
    "backend_of": "stylizer",
    "check_mode": "registry",
    "create_stylizer": "create",
    "device_for": "stylizer",
    "find_mode": "registry",
    "load_network": "network_file",
    "load_selection": "network_file",
    "mode_names": "registry",
    "save_weights": "network_file",
    "verify_weights": "network_file",
}
"""Public name -> the module that has it. Imported on first use: lists of modes are quick without torch."""


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return attribute(f"{__name__}.{_WHERE[name]}", name)
