"""Links between the pages of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PAGES = sorted(
    page.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/results/*.md", "examples/*.md", "weights/**/*.md")
    for page in ROOT.glob(pattern)
)


def anchors(page: Path) -> set[str]:
    """The names by which a link can refer to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page):
    source = ROOT / page
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", source.read_text(encoding="utf-8"))
    for target, anchor in links:
        if "://" in target:
            continue
        linked = source.parent / target if target else source
        assert linked.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page} links to {target}#{anchor}"


def test_decisions_that_the_code_names_exist():
    names = {path.stem for path in (ROOT / "docs" / "adr").glob("*.md")}
    numbers = {name[:4] for name in names}
    for source in (*ROOT.glob("vst/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")):
        for named in re.findall(r"docs/adr/([0-9][0-9a-z-]*)", source.read_text(encoding="utf-8")):
            assert named in (names if len(named) > 4 else numbers), f"{source} names docs/adr/{named}"
