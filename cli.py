"""Thin launcher for a checkout: `python cli.py ...` is `vst ...`."""

from __future__ import annotations

from vst.cli import main

if __name__ == "__main__":
    main()
