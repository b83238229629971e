"""Names that are imported on first use, without garbage collection meanwhile."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from vst import lazy

SOURCE = "import gc\nCOLLECTS = gc.isenabled()\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that was not imported yet, and says whether garbage was collected while it was."""
    name = f"module_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_garbage_is_not_collected_during_an_import_and_is_after_it(module: str) -> None:
    assert lazy.attribute(module, "COLLECTS") is False
    assert gc.isenabled()


def test_a_program_that_does_not_collect_garbage_stays_so(module: str) -> None:
    gc.disable()
    try:
        lazy.attribute(module, "COLLECTS")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_import_that_fails_leaves_garbage_collection_on() -> None:
    with pytest.raises(ModuleNotFoundError):
        lazy.attribute("vst.no_such_module", "name")
    assert gc.isenabled()


def test_only_programs_exempt_what_is_there_and_only_when_something_is_imported(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append("frozen"))
    monkeypatch.setattr(lazy, "_freezes", False)  # whatever ran the command in this process before
    lazy.attribute(module, "COLLECTS")
    assert frozen == []
    lazy.freeze_imports()
    lazy.attribute(module, "COLLECTS")
    assert frozen == []
    del sys.modules[module]
    lazy.attribute(module, "COLLECTS")
    assert frozen == ["frozen"]
