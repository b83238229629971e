"""The command `vst`: one file a command, with nothing but argument handling and output."""

from __future__ import annotations

from vst.cli.app import main

__all__ = ["main"]
