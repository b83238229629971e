"""Runs a recipe for a flow network: makes the pairs, trains, and exports the weights."""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Callable
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


def run_flow_recipe(
    recipe: FlowRecipe,
    folder: Path,
    *,
    device: str = "cpu",
    minutes: float = math.inf,
    workers: int | None = None,
    say: Callable[[str], None] = print,
    stop: threading.Event | None = None,
) -> Path:
    """Train a recipe, or continue from the folder's checkpoint, and export the weights.

    Args:
        recipe: What to train.
        folder: Where the pool of pairs, checkpoint, log, samples and the finished
            ``dis-refined.safetensors`` go.
        device: cpu or cuda[:n].
        minutes: Stop after so long, with a checkpoint and exported weights.
        workers: Processes that make batches; None is one for a CPU, and for a GPU a core each.
        say: Takes a line of progress.
        stop: Set it to stop after the present step or pair, with a checkpoint.

    Returns:
        The exported weight file; its card is ``dis-refined.md`` beside it.

    Raises:
        UsageError: fp16 without CUDA.
        MediaError: for data that cannot be read.
        Interrupted: when `stop` was set.
    """
    check_training_precision(recipe.precision, device)
    began = time.monotonic()
    skipped = SkippedFiles(folder / SKIPPED_NAME)
    photos = find_photos_or_synthetic(recipe.photos, skipped, say)
    pool = FlowPool(folder / "pool", recipe)
    with skipped.named_at_end(say):
        pool.fill(photos, say, stop)
    torch.manual_seed(recipe.seed)
    place = torch.device(device)
    model = RefinementNetwork(recipe.width).to(place).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    done = train(
        recipe,
        model,
        average,
        FlowBatches(recipe, pool),
        FlowStep(recipe, model),
        folder,
        device=place,
        minutes=max(0.0, minutes - (time.monotonic() - began) / 60),
        workers=workers,
        stop=stop,
        sample=lambda path: write_flow_sample(average, pool, path),
        say=say,
    )
    target = folder / f"{REFINED_NAME}.safetensors"
    save_refinement(target, average, recipe=recipe.digest(), steps=done)
    write_flow_card(folder, recipe, device=device, steps=done, seconds=time.monotonic() - began)
    return target
