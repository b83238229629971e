"""Public names of packages that are imported on first use."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def attribute(module: str, name: str) -> Any:
    """A name of a module, which is imported if it was not yet.

    Args:
        module: Its full name.
        name: Of what is in it.
    """
    with uncollected():
        return getattr(importlib.import_module(module), name)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection: hardly anything that an import makes is garbage.

    Torch alone makes some 300,000 objects, and to search them again and again is a sixth of its import.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
