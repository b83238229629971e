"""The card beside trained flow weights: what they are, what they learned from, how long it took."""

from __future__ import annotations

import platform
from pathlib import Path

from vst.motion.estimators.refined.refinement_weights import REFINED_NAME
from vst.train.card import last_losses
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
        "steps": f"{steps:,} of {recipe.steps:,}, {recipe.precision} on {device} ({platform.machine()})",
        "time": f"{seconds / 60:.0f} minutes in the last call",
        "losses": last_losses(folder / "log.jsonl"),
        "recipe": f"`recipe.json`, digest `{recipe.digest()}`",
        "licence": "Apache-2.0",
    }
    lines = [f"# {REFINED_NAME}.safetensors", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    path = folder / f"{REFINED_NAME}.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
