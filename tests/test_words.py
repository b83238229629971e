"""The code and its documentation use the field's words, docs/architecture.md has the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

INSTEAD = {
    r"paint(s|ed|er|ers)?|repaint(s|ed)?": "stylize, stylized frame; a painting is a style picture",
    r"studios?": "session",
    r"rooms?": "package",
    r"wear|wears|worn|torn": "resampling age, refresh",
    r"borrow(s|ed|ing)?|lend(s|ing)?|lent": "flow infilling",
    r"companions?": "audio and subtitle streams",
    r"cannot be meant": "invalid",
    r"of its own accord": "by itself",
}
"""Regular expression -> the word to use."""

KEPT = {
    "vst.paint": "identifier of the OpenFX effect, saved in projects",
    "zone-paint": "name of an effect folder",
}

FILES = [
    path
    for pattern in (
        "vst/**/*",
        "plugins/**/*",
        "docs/**/*.md",
        "benchmarks/*.py",
        "*.md",
        "examples/*",
        "weights/*.md",
    )
    for path in ROOT.glob(pattern)
    if path.suffix in (".py", ".c", ".h", ".cu", ".cuh", ".md", ".toml", ".css", ".js")
]


@pytest.mark.parametrize("pattern", INSTEAD)
def test_a_term_outside_of_the_glossary_is_not_used(pattern):
    term = re.compile(rf"(?<![\w.-])({pattern})(?![\w-])", re.IGNORECASE)
    found = []
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for kept in KEPT:
                line = line.replace(kept, "")
            if term.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == [], f"say {INSTEAD[pattern]}"
