"""The card beside weights that were learned from a collection of paintings."""

from __future__ import annotations

from pathlib import Path

from vst.modes.cyclegan.config import CycleganRecipe
from vst.train.card import file_names, run_rows, write_rows

_WEIGHTS = ("adversarial", "cycle", "identity", "temporal", "long", "flow_cycle", "content", "style")


def write_collection_card(
    folder: Path, recipe: CycleganRecipe, paintings: int, *, device: str, steps: int, seconds: float
) -> Path:
    """Write `weights.md` from the recipe and the log of a run's folder.

    Args:
        folder: Where the run's `log.jsonl` is and the card goes.
        recipe: What was trained.
        paintings: Number that was learned from.
        device: Where.
        steps: Steps in all.
        seconds: Wall time of the call that ends now.
    """
    out = f", every {recipe.hold_out}th work held out" if recipe.hold_out else ""
    judged = "paintings" if recipe.discriminators == 1 else "paintings and photographs"
    light = ", light and contrast of the frame" if recipe.keep_light else ""
    weights = [(name.replace("_", " "), getattr(recipe, f"{name}_weight")) for name in _WEIGHTS]
    rows = {
        "mode": f"`{recipe.mode}`, each frame alone",
        "architecture": f"width {recipe.width}, {recipe.blocks} residual blocks, "
        f"{recipe.upsampling} up-sampling{light}",
        "discriminators": f"70×70 PatchGAN of width {recipe.discriminator_width} for {judged}",
        "style": recipe.style_name,
        "paintings": f"{paintings} of {file_names(recipe.paintings)}{out}",
        "photographs": file_names(recipe.photos) or "none, synthetic pictures",
        "clips": file_names(recipe.clips) or "none",
        "crops": f"{recipe.size} pixels, of paintings whose shorter side has {recipe.painting_side}",
        "loss weights": ", ".join(
            f"{name.replace('_', ' ')} {weight:g}" for name, weight in weights if weight
        ),
        **run_rows(folder, recipe, device=device, steps=steps, seconds=seconds),
        "licence": "Apache-2.0; the paintings are not in the file",
    }
    return write_rows(folder / "weights.md", rows)
