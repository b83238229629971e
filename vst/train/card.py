"""The card beside trained weights: what they are, what they learned from, how long it took."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.recipe import Recipe, SequenceRecipe
from vst.modes.registry import find_mode
from vst.nn.body import TABLE_4_1
from vst.styles.blend import short_name
from vst.train.flow_recipe import FlowRecipe


def write_card(folder: Path, recipe: Recipe, *, device: str, steps: int, seconds: float) -> Path:
    """Write `weights.md` from the recipe and the log of a run's folder.

    Args:
        folder: Where the run's `log.jsonl` is and the card goes.
        recipe: What was trained.
        device: Where.
        steps: Steps in all.
        seconds: Wall time of the call that ends now.
    """
    rows = {
        "mode": f"`{recipe.mode}`",
        "architecture": f"{_architecture(recipe)}, width {recipe.width}, {_departures(recipe)}",
        "styles": ", ".join(style.name for style in recipe.styles),
        "photographs": file_names(recipe.photos) or "none, synthetic pictures",
        "clips": file_names(recipe.clips if isinstance(recipe, SequenceRecipe) else ()) or "none",
        **({"learned from": "luminance alone"} if recipe.luminance else {}),
        "loss network": Path(recipe.loss_network).name,
        **run_rows(folder, recipe, device=device, steps=steps, seconds=seconds),
        "licence": "Apache-2.0; the paintings are not in the file",
    }
    lines = ["", "| style | pictures | longer side | style weight |", "|---|---|---|---|"]
    for style in recipe.styles:
        pictures = ", ".join(map(short_name, style.images))
        size, weight = (
            style.size or recipe.style_size,
            recipe.style_weight if style.weight is None else style.weight,
        )
        lines.append(f"| {style.name} | {pictures} | {size} | {weight:g} |")
    return write_rows(folder / "weights.md", rows, lines)


def run_rows(
    folder: Path, recipe: Recipe | CycleganRecipe | FlowRecipe, *, device: str, steps: int, seconds: float
) -> dict[str, str]:
    """What a card says about a run; the arguments are those of `write_card`."""
    return {
        "steps": f"{steps:,} of {recipe.steps:,}, {recipe.precision} on {device} ({platform.machine()})",
        "time": f"{seconds / 60:.0f} minutes in the last call",
        "losses": last_losses(folder / "log.jsonl"),
        "recipe": f"`recipe.json`, digest `{recipe.digest()}`",
    }


def write_rows(path: Path, rows: Mapping[str, str], more: Iterable[str] = ()) -> Path:
    """Write a card: the name of its weight file, a table of two columns, and further lines."""
    lines = [f"# {path.with_suffix('.safetensors').name}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    path.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    return path


def file_names(sources: Iterable[str]) -> str:
    """Names of folders and files without their folders, as a list in words."""
    return ", ".join(Path(source).name for source in sources)


def _architecture(recipe: Recipe) -> str:
    """Table 4.1 of the thesis for networks that have its hyperparameters, else the name of the network."""
    network = find_mode(recipe.mode).network_class
    return "table 4.1" if issubclass(network.variant_type, type(TABLE_4_1)) else network.__name__


def _departures(recipe: Recipe) -> str:
    """The hyperparameters that are not those of table 4.1, or else not their defaults."""
    variant = recipe.variant
    changed = [
        f"{field.name} {getattr(variant, field.name)}"
        for field in dataclasses.fields(variant)
        if getattr(variant, field.name) != getattr(TABLE_4_1, field.name, field.default)
    ]
    return ", ".join(changed) or "no changes"


def last_losses(log: Path) -> str:
    """The last line of a log in words."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if not lines:
        return "fewer than 20 steps"
    last = json.loads(lines[-1])
    numbers = (f"{name} {value:.4f}" for name, value in last.items() if name not in ("step", "seconds"))
    return ", ".join(numbers) + f" (running mean at step {last['step']:,})"
