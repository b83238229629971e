"""The card beside trained flow weights: what they are, what they learned from, how long it took."""

from __future__ import annotations

from pathlib import Path

from vst.motion.estimators.refined.refinement_weights import REFINED_NAME
from vst.train.card import run_rows, write_rows
from vst.train.flow_recipe import FlowRecipe


def write_flow_card(folder: Path, recipe: FlowRecipe, *, device: str, steps: int, seconds: float) -> Path:
    """Write ``dis-refined.md`` from the recipe and the log of a run's folder.

    Args:
        folder: Where the run's ``log.jsonl`` is and the card goes.
        recipe: What was trained.
        device: Where.
        steps: Steps in all.
        seconds: Wall time of the call that ends now.
    """
    frames = f"{recipe.pairs:,} pairs of {recipe.frame_width}×{recipe.frame_height}"
    rows = {
        "estimator": f"`{REFINED_NAME}`: `dis`, refined by a FlowNet-S of width {recipe.width}",
        "trained on": f"{frames} with exact flow, either way; {recipe.batch} crops of {recipe.size} a step",
        "photographs": ", ".join(Path(source).name for source in recipe.photos)
        or "none, synthetic pictures",
        **run_rows(folder, recipe, device=device, steps=steps, seconds=seconds),
        "licence": "Apache-2.0",
    }
    return write_rows(folder / f"{REFINED_NAME}.md", rows)
