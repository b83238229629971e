"""Runs a recipe of cyclegan: finds the data, builds the networks, trains, and exports the generator."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vst.errors import UsageError
from vst.losses.perceptual import style_targets
from vst.modes.cyclegan.collection_style import CollectionStyle
from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.cyclegan.networks import CycleNetworks
from vst.modes.cyclegan.training import CycleganStep
from vst.modes.network_file import load_network, save_weights
from vst.modes.training import to_unit, uncompiled
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import select_styles
from vst.styles.loss_network import load_loss_network
from vst.train.clips import Clip, find_clips, replaceable_clips
from vst.train.collection import paintings_to_learn
from vst.train.collection_batches import CollectionBatches, painting_crop
from vst.train.collection_card import write_collection_card
from vst.train.picture_files import Loadable
from vst.train.precision import LOSS_TYPES, check_training_precision
from vst.train.run import start_network
from vst.train.samples import write_sample
from vst.train.skipped import SKIPPED_NAME, SkippedFiles
from vst.train.trainer import AdamSettings, train
from vst.train.training_data import find_photos_or_synthetic
from vst.train.training_run import TrainingRun

BETAS = (0.5, 0.999)
"""Adam's, as Zhu 2017 has them."""

_MEASURED = 64
"""Paintings whose Gram matrices are computed, at most."""


def run_collection(
    recipe: CycleganRecipe,
    run: TrainingRun,
    *,
    start_from: Path | None = None,
    start_style: str | None = None,
    compiled: bool = False,
) -> Path:
    """Train a recipe, or continue from the folder's checkpoint, and export the generator.

    Args:
        recipe: What to train.
        run: Where and how.
        start_from: A weight file of itn or of another mode with the same body, which both generators begin
            as.
        start_style: Which of its styles; None: the recipe's, or the mean of all where it has none of that
            name.
        compiled: Compile the networks.

    Returns:
        The exported weight file, `weights.safetensors`; its card is `weights.md` beside it.

    Raises:
        UsageError: for too few paintings, or weights that do not fit the recipe.
        MediaError: for data that cannot be read.
        WeightsError: for a weight file that cannot be read.
        Interrupted: when `run.stop` was set.
    """
    check_training_precision(recipe.precision, run.device)
    began = time.monotonic()
    torch.manual_seed(recipe.seed)
    place = torch.device(run.device)
    skipped = SkippedFiles(run.folder / SKIPPED_NAME)
    paintings = paintings_to_learn(
        recipe.paintings, recipe.hold_out, recipe.title_prefixes, skipped, run.say
    )
    photos = find_photos_or_synthetic(recipe.photos, skipped, run.say)
    networks = CycleNetworks(recipe)
    if start_from is not None:
        _start(networks, recipe.style_name, start_from, start_style)
    networks = networks.to(place).to(memory_format=torch.channels_last)
    average = copy.deepcopy(networks.generator)
    loss_network = _loss_network(recipe, place)
    if loss_network is not None:
        if recipe.style_weight:
            networks.style = CollectionStyle(_mean_grams(recipe, loss_network, paintings)).to(place)
        loss_network.to(LOSS_TYPES[recipe.precision])
    step = CycleganStep(recipe, networks, loss_network, _compile if compiled else uncompiled, run.say)
    pictures = photos[:: max(1, len(photos) // 4)][:4]
    with skipped.named_at_end(run.say):
        done = train(
            recipe,
            networks,
            average,
            CollectionBatches(recipe, paintings, photos, _clips(recipe, skipped)),
            step,
            run,
            averaged=networks.generator,
            adam=AdamSettings(recipe.rate, BETAS, clip=None),
            sample=lambda path: write_sample(average, pictures, path),
        )
    target = run.folder / "weights.safetensors"
    _export(target, average, recipe, done)
    write_collection_card(
        run.folder,
        recipe,
        len(paintings),
        device=run.device,
        steps=done,
        seconds=time.monotonic() - began,
    )
    return target


def _export(target: Path, network: StyleNetwork, recipe: CycleganRecipe, steps: int) -> None:
    """Write the weight file, whose one style is the collection."""
    save_weights(
        target,
        network,
        mode=recipe.mode,
        styles=(recipe.style_name,),
        loss_network=Path(recipe.loss_network).name if recipe.needs_loss_network else "none",
        recipe=recipe.digest(),
        steps=steps,
    )


def _start(networks: CycleNetworks, style: str, path: Path, start_style: str | None) -> None:
    """Give both generators a file's weights, as far as their widths allow."""
    wanted = start_style or style
    earlier, info = load_network(path)
    if start_style is not None and start_style not in info.styles:
        raise UsageError(f"{path} has no style {start_style!r}; it has {', '.join(info.styles)}")
    select_styles(earlier, [info.styles.index(wanted) if wanted in info.styles else None])
    start_network(networks.generator, copy.deepcopy(earlier), path)
    if networks.back.width % earlier.width == 0:
        start_network(networks.back, earlier, path)


def _clips(recipe: CycleganRecipe, skipped: SkippedFiles) -> Sequence[Clip]:
    """The clips that are long enough for a recipe's sequences."""
    if not recipe.clips or not recipe.sequences:
        return []
    length = recipe.long_gap + 1 if recipe.long_weight else 2
    return replaceable_clips(find_clips(recipe.clips, length, skipped), skipped)


def _loss_network(recipe: CycleganRecipe, place: torch.device) -> nn.Module | None:
    if not recipe.needs_loss_network:
        return None
    return load_loss_network(recipe.loss_network).to(place).to(memory_format=torch.channels_last)


def _mean_grams(
    recipe: CycleganRecipe, network: nn.Module, paintings: Sequence[Loadable]
) -> dict[str, Tensor]:
    """Mean Gram matrices of paintings, by layer; of `_MEASURED` of them, evenly chosen by name."""
    chosen = paintings[:: math.ceil(len(paintings) / _MEASURED)]
    rng = np.random.default_rng(recipe.seed)
    whole = dataclasses.replace(
        recipe, size=recipe.painting_side, load_size=recipe.painting_side, colour_jitter=0
    )
    crops = [painting_crop(each.load(), whole, rng) for each in chosen]
    place = next(network.parameters()).device
    return style_targets(network, [to_unit(crop).to(place) for crop in crops])


def _compile(function: Any) -> Any:
    return torch.compile(function, dynamic=False)
