"""Runs a recipe: builds data, networks and losses, trains, and exports the weights."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vst.errors import UsageError
from vst.losses.perceptual import PerceptualLoss, style_targets
from vst.nn import LSTM, ReCoNet
from vst.nn.body import TransformationBody, one_style, select_styles
from vst.nn.widen import widen
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import read_painting
from vst.styles.weights import ARCHITECTURES, load_network, save_weights
from vst.train.card import write_card
from vst.train.clips import find_clips
from vst.train.pictures import Loadable, find_pictures
from vst.train.recipe import WITH_PAST, Recipe
from vst.train.recurrent import LstmStep
from vst.train.sequences import MixedBatches
from vst.train.still import PhotoBatches, StillStep
from vst.train.synergic import ReconetStep
from vst.train.synthetic import synthetic_pictures
from vst.train.trainer import Step, train
from vst.train.video import VideoStep

LOSS_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float32, "fp32": torch.float32}
"""What the loss network computes in, by the recipe's precision: sums of its features leave fp16's range."""


def run_recipe(
    recipe: Recipe,
    folder: Path,
    *,
    device: str = "cpu",
    minutes: float = math.inf,
    start_from: Path | None = None,
    compiled: bool = False,
    workers: int | None = None,
    say: Callable[[str], None] = print,
    stop: threading.Event | None = None,
) -> Path:
    """Train as the recipe says, or go on from the folder's checkpoint, and export the weights.

    Args:
        recipe: What to train.
        folder: Where checkpoint, log, samples and the finished `weights.safetensors` go.
        device: cpu or cuda[:n].
        minutes: Stop after so long, with a checkpoint and exported weights.
        start_from: A weight file of the same variant, as wide or narrower by a whole number; an itn may
            start a vtn, and a vtn an itn; any of them starts an lstm or a reconet.
        compiled: Compile network and loss: a minute or two at the start, a seventh less time a step.
        workers: Processes that make batches; None is one for a CPU, and for a GPU a core each.
        say: Takes a line of progress.
        stop: Set it to stop after the step under way, with a checkpoint.

    Returns:
        The exported weight file, `weights.safetensors`; its card is `weights.md` beside it.

    Raises:
        UsageError: for a mode that has no trainer, or weights that do not fit the recipe.
        MediaError: for data that cannot be read.
        WeightsError: for a weight file that cannot be read.
        Interrupted: when `stop` was set.
    """
    if recipe.precision == "fp16" and not device.startswith("cuda"):
        raise UsageError("fp16 is trained with on CUDA only; give bf16 or fp32")
    began = time.monotonic()
    torch.manual_seed(recipe.seed)
    place = torch.device(device)
    names = tuple(style.name for style in recipe.styles)
    model = ARCHITECTURES[recipe.mode](recipe.width, len(names), recipe.variant)
    if start_from is not None:
        _start(model, names, start_from)
    elif recipe.frozen:
        raise UsageError("frozen convolutions have to come from somewhere: give weights to start from")
    if recipe.frozen:
        model.requires_grad_(False)
        for norm in model.norms():
            norm.requires_grad_(True)
    model.to(place).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)

    loss_network = load_loss_network(recipe.loss_network)
    targets = [
        style_targets(
            loss_network,
            [read_painting(Path(path), style.size or recipe.style_size) for path in style.images],
        )
        for style in recipe.styles
    ]
    loss_network = loss_network.to(LOSS_TYPES[recipe.precision])
    perceptual = PerceptualLoss(loss_network.to(memory_format=torch.channels_last), targets).to(place)
    photos: Sequence[Loadable] = find_pictures(recipe.photos) if recipe.photos else synthetic_pictures()
    if compiled:
        # Imported here: it takes seconds, and only those who compile need it.
        from torch._dynamo import config as dynamo

        # lstm's step has a form with and without a past, gradients and a past with them, for each batch.
        dynamo.recompile_limit = max(dynamo.recompile_limit, 32)
        perceptual.compile(dynamic=False)
    batches: Dataset[dict[str, Tensor]]
    if recipe.mode == "itn":
        batches = PhotoBatches(recipe, photos)
    else:
        length = recipe.unroll + (recipe.warm_up if recipe.mode in WITH_PAST else 0)
        batches = MixedBatches(recipe, photos, find_clips(recipe.clips, length) if recipe.clips else [])
    step = _step(recipe, model, perceptual, compiled)

    looked_at = photos[:: max(1, len(photos) // 4)][:4]
    done = train(
        recipe,
        model,
        average,
        batches,
        step,
        folder,
        device=place,
        minutes=minutes,
        workers=workers or (1 if place.type == "cpu" else max(1, (os.cpu_count() or 2) - 1)),
        stop=stop,
        sample=lambda path: write_sample(average, looked_at, path),
        say=say,
    )
    target = folder / "weights.safetensors"
    kind = Path(recipe.loss_network).name
    save_weights(target, average, styles=names, loss_network=kind, recipe=recipe.digest(), steps=done)
    write_card(folder, recipe, device=device, steps=done, seconds=time.monotonic() - began)
    return target


def _step(recipe: Recipe, model: TransformationBody, perceptual: PerceptualLoss, compiled: bool) -> Step:
    """The step of the recipe's mode."""

    def quick(function: Any) -> Any:
        # A shape at a time: there are few, and code for any shape is slower.
        return torch.compile(function, dynamic=False) if compiled else function

    if isinstance(model, LSTM):
        return LstmStep(recipe, quick(model.step), perceptual)
    if isinstance(model, ReCoNet):
        return ReconetStep(recipe, quick(model.with_features), perceptual)
    kind = StillStep if recipe.mode == "itn" else VideoStep
    return kind(recipe, quick(model), perceptual)


def _start(model: TransformationBody, names: tuple[str, ...], path: Path) -> None:
    """Take a file's convolutions, and the rows of the styles that it has; others get the mean row."""
    earlier, info = load_network(path)
    # A gate can be had and dropped: an itn has none, and a vtn without one may start one that has. So can
    # an lstm's memory, and a reconet takes the first residual blocks of a deeper network.
    own = model.variant
    motion = info.variant.motion if isinstance(earlier, LSTM) and isinstance(model, LSTM) else own.motion
    blocks = min(info.variant.blocks, own.blocks)
    variant = dataclasses.replace(
        info.variant, gate=own.gate, anchor=own.anchor, motion=motion, blocks=blocks
    )
    if model.width % info.width or variant != model.variant:
        raise UsageError(
            f"{path} has width {info.width} and {info.variant}; "
            f"the recipe wants {model.width}, or a part of it that divides it, and {model.variant}"
        )
    if info.width < model.width:
        if isinstance(earlier, LSTM):
            raise UsageError(f"{path} is an lstm of width {info.width}; start a wider one from an itn")
        earlier = widen(earlier, model.width)
    select_styles(earlier, [info.styles.index(name) if name in info.styles else None for name in names])
    model.start_from(earlier)


@torch.no_grad()
def write_sample(model: TransformationBody, pictures: Sequence[Loadable], path: Path) -> None:
    """A contact sheet: a row of photographs, under it a row for each style."""
    side = 192
    photos = [cv2.resize(np.ascontiguousarray(picture.load()), (side, side)) for picture in pictures]
    rows = [photos]
    for index in range(model.styles):
        rows.append([_paint(model, photo, index) for photo in photos])
    _write(np.concatenate([np.concatenate(row, 1) for row in rows], 0), path)


@torch.no_grad()
def write_picture(model: TransformationBody, picture: np.ndarray, longer_side: int, path: Path) -> None:
    """A picture, H×W×3 uint8 RGB, shrunk to its longer side and painted in a network's first style."""
    scale = min(1.0, longer_side / max(picture.shape[:2]))
    size = (max(round(picture.shape[1] * scale), 16), max(round(picture.shape[0] * scale), 16))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    _write(_paint(model, small, 0), path)


def _paint(model: TransformationBody, picture: np.ndarray, style: int) -> np.ndarray:
    model.eval()
    device = next(model.parameters()).device
    frame = torch.from_numpy(picture).permute(2, 0, 1)[None].to(device).float() / 127.5 - 1
    empty = frame.new_zeros(1, model.inputs - 3, *frame.shape[2:])
    painted = model(torch.cat((frame, empty), 1), one_style(style, model.styles, device))[0]
    pixels = ((painted + 1) * 127.5).clamp(0, 255).round().byte()
    return pixels.permute(1, 2, 0).cpu().numpy()


def _write(picture: np.ndarray, path: Path) -> None:
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))
