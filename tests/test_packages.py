"""Rooms use each other in one direction only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vst

PACKAGE = Path(vst.__file__).parent

FLOORS = (
    {"cli"},
    {"pipeline", "batch", "train", "evaluate", "host"},
    {"modes", "postprocess", "media", "motion", "styles", "synthetic"},
    {"nn", "losses"},
)
"""From the top. Files that lie in no room (`errors`, `frame` and others) are below all."""

NEIGHBOURS = {
    "batch": {"pipeline"},
    "host": {"pipeline"},
    "postprocess": {"styles"},
    "modes": {"motion", "styles"},
    "motion": {"styles"},
}
"""What a room may use on its own floor: batch and host are renders in other clothes, and what paints or
estimates motion has weights."""

ROOMS = set().union(*FLOORS)


def allowed(room: str) -> set[str]:
    """The rooms that one may use; none for what lies in no room."""
    floor = next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))
    return {room, *NEIGHBOURS.get(room, ())}.union(*FLOORS[floor + 1 :])


def uses(file: Path) -> Iterator[str]:
    """The rooms from which a file imports, inside of functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "vst":
                names = [f"vst.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "vst" and rest.partition(".")[0] in ROOMS:
                yield rest.partition(".")[0]


def test_every_room_has_its_floor():
    assert {each.parent.name for each in PACKAGE.glob("*/__init__.py")} == ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_uses_only_what_lies_below_it(room):
    wrong = {
        f"{file.relative_to(PACKAGE)} uses {used}"
        for file in (PACKAGE / room).rglob("*.py")
        for used in uses(file)
        if used not in allowed(room)
    }
    assert wrong == set()


def test_what_lies_in_no_room_uses_none():
    # The package itself shows the public names of all rooms, and `python -m vst` is the command.
    files = [each for each in PACKAGE.glob("*.py") if each.stem not in ("__init__", "__main__")]
    assert {each.stem for each in files} >= {"errors", "frame"}
    assert [f"{each.name} uses {used}" for each in files for used in uses(each)] == []


def test_an_arrow_that_points_up_or_sideways_is_seen(tmp_path):
    file = tmp_path / "plan.py"
    file.write_text("def plan():\n    from vst.pipeline.job import render\n    import vst.cli\n")
    assert [each in allowed("evaluate") for each in uses(file)] == [False, False]
    assert "motion" in allowed("evaluate")
    assert "media" not in allowed("nn")
