"""The command `vst`: arguments in, text out. One file a command; the work is done in the other rooms."""

from __future__ import annotations

from vst.cli.app import main

__all__ = ["main"]
