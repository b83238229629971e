"""Public names of packages that are imported on first use."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any


def attribute(module: str, name: str) -> Any:
    """A name of a module, which is imported if it was not yet.

    Args:
        module: Its full name.
        name: Of what is in it.
    """
    # Also of a module that is there: another thread may be in the middle of its import.
    with nullcontext() if module in sys.modules else uncollected():
        return getattr(importlib.import_module(module), name)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection: hardly anything that an import makes is garbage.

    Torch alone makes some 300,000 objects, and searching them again and again takes a sixth of its import.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if _freezes:
            gc.freeze()
        gc.enable()


_freezes = False


def freeze_imports() -> None:
    """From now on, do not search for garbage among what is there when an import ends.

    Python would search it at its first collection after the import, and twice when the process ends. For
    programs whose imports come before their work. A library never calls it: what its caller holds at that
    time is exempt for ever.
    """
    global _freezes
    _freezes = True
