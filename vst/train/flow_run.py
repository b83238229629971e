"""Runs a recipe for a flow network: makes the pairs, trains, and exports the weights."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from pathlib import Path

import torch

from vst.motion.estimators.refined.refinement_network import RefinementNetwork
from vst.motion.estimators.refined.refinement_weights import REFINED_NAME, save_refinement
from vst.train.flow_batches import FlowBatches
from vst.train.flow_card import write_flow_card
from vst.train.flow_pool import FlowPool
from vst.train.flow_recipe import FlowRecipe
from vst.train.flow_sample import write_flow_sample
from vst.train.flow_step import FlowStep
from vst.train.precision import check_training_precision
from vst.train.skipped import SKIPPED_NAME, SkippedFiles
from vst.train.trainer import train
from vst.train.training_data import find_photos_or_synthetic
from vst.train.training_run import TrainingRun


def run_flow_recipe(
    recipe: FlowRecipe,
    run: TrainingRun,
) -> Path:
    """Train a recipe, or continue from the folder's checkpoint, and export the weights.

    Args:
        recipe: What to train.
        run: Where and how; the pool of pairs goes to its folder, too.

    Returns:
        The exported weight file; its card is ``dis-refined.md`` beside it.

    Raises:
        UsageError: fp16 without CUDA.
        MediaError: for data that cannot be read.
        Interrupted: when `run.stop` was set.
    """
    check_training_precision(recipe.precision, run.device)
    began = time.monotonic()
    skipped = SkippedFiles(run.folder / SKIPPED_NAME)
    photos = find_photos_or_synthetic(recipe.photos, skipped, run.say)
    pool = FlowPool(run.folder / "pool", recipe)
    with skipped.named_at_end(run.say):
        pool.fill(photos, run.say, run.stop)
    torch.manual_seed(recipe.seed)
    place = torch.device(run.device)
    model = RefinementNetwork(recipe.width).to(place).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    done = train(
        recipe,
        model,
        average,
        FlowBatches(recipe, pool),
        FlowStep(recipe, model),
        replace(run, minutes=max(0.0, run.minutes - (time.monotonic() - began) / 60)),
        sample=lambda path: write_flow_sample(average, pool, path),
    )
    target = run.folder / f"{REFINED_NAME}.safetensors"
    save_refinement(target, average, recipe=recipe.digest(), steps=done)
    write_flow_card(run.folder, recipe, device=run.device, steps=done, seconds=time.monotonic() - began)
    return target
