"""A new style for an existing network: only its scales and shifts are trained (Dumoulin 2017)."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vst.errors import UsageError
from vst.losses.perceptual import GRAM, PerceptualLoss
from vst.modes.network_file import load_network, save_weights
from vst.modes.recipe import Recipe, StyleGoal, create_recipe, style_recipe_class
from vst.modes.training import to_unit
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import one_style, select_styles
from vst.styles.blend import check_style_name
from vst.styles.catalog_file import record_style
from vst.styles.loss_network import load_loss_network
from vst.train.photos import photo_batch
from vst.train.run import painting_targets, run_recipe
from vst.train.samples import write_picture
from vst.train.skipped import SKIPPED_NAME
from vst.train.training_data import TrainingData, read_training_data
from vst.train.training_run import TrainingRun

RATE, LAST_RATE = 2e-2, 2e-3
"""Adam's rates; scales and shifts alone can be trained ten times as fast as convolutions."""
SIZE = 192
"""Side of the crops."""
_THUMBNAIL = 384


@dataclass(frozen=True, kw_only=True)
class NewStyle:
    """A style to add.

    Attributes:
        name: What the user will type.
        images: Its paintings, each with `@MASK` if it has a mask; several make one hybrid style.
        size: Longer side of the paintings in pixels: smaller gives smaller strokes.
        weight: Of the style loss; content has 1.
        photos: Folders or tar files of photographs to train on; none: synthetic pictures.
        loss_network: vgg16, vgg19 or a folder.
        title: The painting's name, for the catalogue.
        artist: Name of the artist.
        year: When.
        rights: What is known of its rights, in words.
        public_domain: Whether it is in the public domain.
    """

    name: str
    images: tuple[str, ...]
    size: int = 512
    weight: float = 12.0
    photos: tuple[str, ...] = ()
    loss_network: str = "vgg19"
    title: str = ""
    artist: str = ""
    year: str = ""
    rights: str = ""
    public_domain: bool = False

    def __post_init__(self) -> None:
        check_style_name(self.name)


def add_style(
    new: NewStyle,
    bases: Sequence[Path],
    folder: Path,
    work: Path,
    *,
    device: str = "cpu",
    precision: str = "bf16",
    minutes: float = 10.0,
    compiled: bool = False,
    say: Callable[[str], None] = print,
    stop: threading.Event | None = None,
) -> list[Path]:
    """Train networks for a new style and put them into a weights folder, with an entry in its catalogue.

    Args:
        new: The style.
        bases: Weight files whose convolutions stay as they are.
        folder: Where `NAME-BASE.safetensors`, its entry and a thumbnail go.
        work: For checkpoints; an interrupted call continues from there, a finished one removes it.
        device: cpu or cuda[:n].
        precision: bf16, fp16 (CUDA) or fp32.
        minutes: In all, at most; each network gets its share.
        compiled: Compile the networks: a minute or two at the start, faster steps.
        say: Takes a line of progress.
        stop: Set it to stop after the present step, with a checkpoint.

    Returns:
        The new weight files.

    Raises:
        UsageError: for no base.
        MediaError: for pictures that cannot be read.
        WeightsError: for weights that cannot be read, or a folder that cannot be written to.
        Interrupted: when `stop` was set.
    """
    if not bases:
        raise UsageError("there is no network to add a style to; fetch or train one first")
    deadline = time.monotonic() + 60 * minutes
    data = read_training_data(
        (StyleGoal(new.name, new.images),), new.size, new.photos, work / SKIPPED_NAME, say
    )
    made = []
    with data.skipped.named_at_end(say):
        for number, base in enumerate(bases):
            now = time.monotonic()
            trained = _train(
                new,
                base,
                work / base.stem,
                data,
                device=device,
                precision=precision,
                until=now + max(deadline - now, 0.0) / (len(bases) - number),
                compiled=compiled,
                say=say,
                stop=stop,
            )
            made.append(_install(new, data, trained, folder / f"{new.name}-{base.stem}.safetensors"))
    shutil.rmtree(work, ignore_errors=True)
    return made


def _install(new: NewStyle, data: TrainingData, trained: Path, target: Path) -> Path:
    """Move a weight file to its place, with a thumbnail and an entry in the folder's catalogue."""
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(trained, target)
    thumbnail = f"{new.name}.jpg"
    _write_thumbnail(data, target, folder / thumbnail)
    record_style(
        folder,
        new.name,
        target.name,
        title=new.title or new.name,
        artist=new.artist,
        year=new.year,
        rights=new.rights,
        public_domain=new.public_domain,
        thumbnail=thumbnail,
    )
    return target


def _train(
    new: NewStyle,
    base: Path,
    work: Path,
    data: TrainingData,
    *,
    device: str,
    precision: str,
    until: float,
    compiled: bool,
    say: Callable[[str], None],
    stop: threading.Event | None,
) -> Path:
    network, info = load_network(base)
    recipe = _recipe(new, info.mode, network, precision)
    work.mkdir(parents=True, exist_ok=True)
    start = work / "start.safetensors"
    if not start.exists():
        nearest, losses = nearest_style(network, recipe, data)
        say(
            f"{base.name}: starts from {info.styles[nearest]}, the nearest of {len(info.styles)} "
            f"(style loss {losses[nearest]:.3f})"
        )
        select_styles(network, [nearest])
        save_weights(
            start,
            network,
            mode=info.mode,
            styles=(new.name,),
            loss_network=info.loss_network,
            recipe=info.recipe,
            steps=0,
        )
    return run_recipe(
        recipe,
        TrainingRun(
            work, device=device, minutes=max(until - time.monotonic(), 1.0) / 60, say=say, stop=stop
        ),
        start_from=start,
        compiled=compiled,
        data=data,
    )


def _recipe(new: NewStyle, mode: str, network: StyleNetwork, precision: str) -> Recipe:
    """What is trained: the scales and shifts of one style, on small batches."""
    values: dict[str, Any] = {
        "mode": mode,
        "styles": (StyleGoal(new.name, new.images),),
        "photos": new.photos,
        "loss_network": new.loss_network,
        "width": network.width,
        **dataclasses.asdict(network.variant),
        "size": SIZE,
        "style_size": new.size,
        "style_weight": new.weight,
        "learning_rate": RATE,
        "final_learning_rate": LAST_RATE,
        "averaging": 0.97,
        "frozen": True,
        "precision": precision,
        **style_recipe_class(mode).adding,
    }
    return create_recipe(values)


@torch.no_grad()
def nearest_style(network: StyleNetwork, recipe: Recipe, data: TrainingData) -> tuple[int, list[float]]:
    """Which style of a network is nearest to a recipe's first one, to start from.

    Returns:
        Its index, and the style loss of each towards the new style.
    """
    loss_network = load_loss_network(recipe.loss_network)
    targets = painting_targets(loss_network, data.paintings[0], GRAM)
    perceptual = PerceptualLoss(loss_network, [targets])
    batch = photo_batch(recipe, data.photos, np.random.default_rng(recipe.seed))
    frames = to_unit(batch["frames"])
    target = perceptual.content_target(frames)
    losses = []
    for index in range(network.styles):
        output: Tensor = network.stylize_alone(frames * 2 - 1, one_style(index, network.styles))
        losses.append(float(perceptual((output + 1) / 2, target, batch["style"]).style.mean()))
    return int(np.argmin(losses)), losses


@torch.no_grad()
def _write_thumbnail(data: TrainingData, weights: Path, path: Path) -> None:
    """One of the pictures that it was trained on, stylized."""
    network, _ = load_network(weights)
    write_picture(network, data.photos[len(data.photos) // 2].load(), _THUMBNAIL, path)
