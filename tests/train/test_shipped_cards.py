"""The model cards in weights/ name what the recipes of the same name train on."""

from __future__ import annotations

from pathlib import Path

import pytest

from vst.train.recipe_file import known_recipes, read_recipe

WEIGHTS = Path(__file__).parents[2] / "weights"

SHIPPED = [name for name in known_recipes() if (WEIGHTS / f"{name}.md").exists()]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_card_names_the_clips_of_its_recipe(name):
    card = (WEIGHTS / f"{name}.md").read_text(encoding="utf-8")
    clips = read_recipe(name).get("clips", ())
    assert all(clip in card for clip in clips)
    assert ("| clips |" in card) == bool(clips)


def test_cards_of_all_modes_are_checked():
    assert {"itn-fast", "itn-fast-luminance", "vtn-fast", "lstm-fast", "reconet-fast"} <= set(SHIPPED)
