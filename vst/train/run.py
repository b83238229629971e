"""Runs a recipe: builds data, networks and losses, trains, and exports the weights."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from vst.errors import UsageError
from vst.losses.guidance import GUIDED
from vst.losses.perceptual import PerceptualLoss, style_targets
from vst.modes.network_file import load_network, save_weights
from vst.modes.recipe import Recipe, SequenceRecipe
from vst.modes.registry import find_mode
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import select_styles
from vst.nn.widen import widen
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import Painting
from vst.train.card import write_card
from vst.train.clips import find_clips, replaceable_clips
from vst.train.luminance import GrayPicture, gray_paintings, gray_step
from vst.train.photos import PhotoBatches
from vst.train.picture_files import Loadable
from vst.train.precision import LOSS_TYPES, check_training_precision
from vst.train.samples import write_sample
from vst.train.sequences import MixedBatches
from vst.train.skipped import SKIPPED_NAME
from vst.train.trainer import Step, train
from vst.train.training_data import TrainingData, read_training_data
from vst.train.training_run import TrainingRun


def run_recipe(
    recipe: Recipe,
    run: TrainingRun,
    *,
    start_from: Path | None = None,
    compiled: bool = False,
    data: TrainingData | None = None,
) -> Path:
    """Train a recipe, or continue from the folder's checkpoint, and export the weights.

    Args:
        recipe: What to train.
        run: Where and how.
        start_from: A weight file of this mode or another with the same body, as wide or narrower by a
            whole number.
        compiled: Compile network and loss: a minute or two at the start, a seventh less time a step.
        data: What a caller who names the skipped files has read; None reads it.

    Returns:
        The exported weight file, `weights.safetensors`; its card is `weights.md` beside it.

    Raises:
        UsageError: for a mode that cannot be trained, or weights that do not fit the recipe.
        MediaError: for data that cannot be read.
        WeightsError: for a weight file that cannot be read.
        Interrupted: when `run.stop` was set.
    """
    check_training_precision(recipe.precision, run.device)
    began = time.monotonic()
    torch.manual_seed(recipe.seed)
    place = torch.device(run.device)
    model = _build(recipe, start_from).to(place).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    found = data or read_training_data(
        recipe.styles, recipe.style_size, recipe.photos, run.folder / SKIPPED_NAME, run.say
    )
    if recipe.luminance:
        found = gray_paintings(found)
    batches = _batches(recipe, found)
    perceptual = _perceptual(recipe, found, place)
    quick = _compile(perceptual) if compiled else _as_it_is
    step: Step = find_mode(recipe.mode).training_class(recipe, model, perceptual, quick)
    pictures: Sequence[Loadable] = found.photos[:: max(1, len(found.photos) // 4)][:4]
    if recipe.luminance:
        step, pictures = gray_step(step), list(map(GrayPicture, pictures))
    # A caller who has read the data names what is skipped.
    with found.skipped.named_at_end(run.say if data is None else None):
        done = train(
            recipe,
            model,
            average,
            batches,
            step,
            run,
            sample=lambda path: write_sample(average, pictures, path),
        )
    target = _export(recipe, average, run.folder, done)
    write_card(run.folder, recipe, device=run.device, steps=done, seconds=time.monotonic() - began)
    return target


def _export(recipe: Recipe, network: StyleNetwork, folder: Path, steps: int) -> Path:
    """Write the weight file of a run."""
    target = folder / "weights.safetensors"
    save_weights(
        target,
        network,
        mode=recipe.mode,
        styles=tuple(style.name for style in recipe.styles),
        loss_network=Path(recipe.loss_network).name,
        recipe=recipe.digest(),
        steps=steps,
        luminance=recipe.luminance,
    )
    return target


def _build(recipe: Recipe, start_from: Path | None) -> StyleNetwork:
    """The network to train, with the weights to start from."""
    names = tuple(style.name for style in recipe.styles)
    kind = find_mode(recipe.mode).network_class
    model = kind.build(recipe.width, len(names), recipe.variant)
    if start_from is not None:
        _start(model, names, start_from)
    elif recipe.frozen:
        raise UsageError("frozen convolutions need trained ones: give weights to start from")
    if recipe.frozen:
        model.requires_grad_(False)
        for norm in model.norms():
            norm.requires_grad_(True)
    return model


def _start(model: StyleNetwork, names: tuple[str, ...], path: Path) -> None:
    """Take a file's convolutions, and the rows of the styles that it has; others get the mean row."""
    earlier, info = load_network(path)
    select_styles(earlier, [info.styles.index(name) if name in info.styles else None for name in names])
    start_network(model, earlier, path)


def start_network(model: StyleNetwork, earlier: StyleNetwork, path: Path) -> None:
    """Begin training with another network's weights, made wider where the model is.

    Args:
        model: Changed in place.
        earlier: Of the same styles; may be changed.
        path: Of its file, for messages.

    Raises:
        UsageError: where it does not fit.
    """
    if model.width % earlier.width or not model.can_start_from(earlier):
        raise UsageError(
            f"{path} has width {earlier.width} and {earlier.variant}; "
            f"expected {model.width}, or a divisor of it, and {model.variant}"
        )
    if earlier.width < model.width:
        if not earlier.can_widen:
            raise UsageError(
                f"{path} has width {earlier.width}, and networks of its mode cannot be widened; "
                "start a wider one from a file of another mode"
            )
        earlier = widen(earlier, model.width)
    model.start_from(earlier)


def _perceptual(recipe: Recipe, data: TrainingData, place: torch.device) -> PerceptualLoss:
    """Content and style losses against the recipe's styles."""
    loss_network = load_loss_network(recipe.loss_network)
    targets = [painting_targets(loss_network, each, recipe.style_loss) for each in data.paintings]
    loss_network = loss_network.to(LOSS_TYPES[recipe.precision])
    loss = PerceptualLoss(
        loss_network.to(memory_format=torch.channels_last), targets, style_loss=recipe.style_loss
    )
    return loss.to(place)


def painting_targets(
    loss_network: nn.Module, paintings: Sequence[Painting], style_loss: str
) -> dict[str, Tensor]:
    """What the features of a style are to match: `style_targets` of its paintings and their masks.

    Raises:
        UsageError: A painting has a mask, and the statistic cannot be restricted to it.
    """
    masks = [each.mask for each in paintings]
    if style_loss not in GUIDED and any(mask is not None for mask in masks):
        raise UsageError(
            f"style loss is {style_loss!r} and a painting has a mask; expected one of {', '.join(GUIDED)}"
        )
    images = [each.image for each in paintings]
    return style_targets(loss_network, images, style_loss=style_loss, masks=masks)


def _batches(recipe: Recipe, data: TrainingData) -> Dataset[dict[str, Tensor]]:
    """Photographs, for recipes with sequences mixed with these."""
    if not isinstance(recipe, SequenceRecipe):
        return PhotoBatches(recipe, data.photos)
    length = recipe.unroll + recipe.warm_up
    clips = find_clips(recipe.clips, length, data.skipped) if recipe.clips else []
    return MixedBatches(recipe, data.photos, replaceable_clips(clips, data.skipped))


def _as_it_is(function: Any) -> Any:
    return function


def _compile(perceptual: PerceptualLoss) -> Callable[[Any], Any]:
    """Compile the loss; what a step calls is compiled by the function that is returned."""
    # Imported here: it takes seconds, and only those who compile need it.
    from torch._dynamo import config as dynamo

    # A recurrent step has a form with and without a past, with gradients and without, for each batch.
    dynamo.recompile_limit = max(dynamo.recompile_limit, 32)
    perceptual.compile(dynamic=False)
    # A shape at a time: there are few, and code for any shape is slower.
    return lambda function: torch.compile(function, dynamic=False)
