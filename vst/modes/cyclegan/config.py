"""The training configuration of cyclegan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError
from vst.modes.recipe import TRAINING_PRECISIONS, NetworkRecipe
from vst.modes.recipe_option import check_recipe, recipe_option
from vst.styles.blend import check_style_name

_LOADED = 286 / 256
"""Side of a picture over that of its crops, of the papers."""


@dataclass(frozen=True)
class CycleganRecipe(NetworkRecipe):
    """A recipe that learns the style of a collection of paintings.

    Many attributes: one for each option of `vst train cyclegan`.

    Raises:
        UsageError: for an invalid value.
    """

    mode: str = "cyclegan"
    style: str = recipe_option(
        "", "What to type after --style.", names=("--name",), default_text="that of the paintings' folder"
    )
    paintings: tuple[str, ...] = recipe_option((), "A folder or tar file of paintings.")
    photos: tuple[str, ...] = recipe_option(
        (), "A folder or tar file of photographs; synthetic pictures unless given."
    )
    clips: tuple[str, ...] = recipe_option(
        (), "A video, or a folder or tar file of clips as numbered frames, once for each."
    )
    hold_out: int = recipe_option(
        0, "Every so many paintings by name, one is not learned from; 0 learns from all.", least=0
    )
    title_prefixes: tuple[str, ...] = recipe_option(
        (),
        "A beginning of file names that is no part of a painting's title: files of a work that is held out "
        "are all held out.",
        names=("--title-prefix",),
    )
    width: int = recipe_option(32, "Filters of the generator's first layer; 64 in the papers.", least=1)
    blocks: int = recipe_option(10, "Residual blocks: 7, 9 or 10 in the papers.", least=0)
    upsampling: str = recipe_option(
        "nearest",
        "How features are enlarged again; transposed is the papers' fractional stride.",
        choices=("nearest", "transposed"),
    )
    keep_light: bool = recipe_option(
        False, "Give stylized pictures the mean and the contrast of the frame's channels back."
    )
    back_width: int | None = recipe_option(
        None,
        "Filters of the first layer of the generator from paintings to photographs.",
        least=1,
        default_text="as the generator",
    )
    discriminators: int = recipe_option(
        1, "1: for paintings, as in the dissertation; 2: also for photographs.", least=1, most=2
    )
    discriminator_width: int = recipe_option(64, "Filters of a discriminator's first layer.", least=1)
    discriminator_norm: str = recipe_option(
        "instance", "Normalisation of discriminators.", choices=("instance", "batch")
    )
    size: int = recipe_option(256, "Side of the square crops, in pixels.", least=32)
    load_size: int | None = recipe_option(
        None,
        "Shorter side that paintings are scaled to before they are cropped.",
        least=32,
        default_text="286/256 of the crops'",
    )
    colour_jitter: float = recipe_option(
        0.15, "Share of paintings whose colours are changed a little.", least=0, most=1
    )
    batch: int = recipe_option(1, "Photographs in a batch.", least=0)
    sequences: int = recipe_option(1, "Pairs of adjacent frames in a batch.", least=0)
    painting_batch: int = recipe_option(1, "Paintings in a batch.", least=1)
    synthetic: float = recipe_option(
        0.3, "Share of sequences that are synthetic, with exact motion.", least=0, most=1
    )
    brightness: float = recipe_option(
        0.02, "Largest flicker of brightness that is added to sequences.", least=0, most=1
    )
    noise: float = recipe_option(
        0.01, "Largest deviation of the noise that is added to sequences.", least=0, most=1
    )
    pool: int = recipe_option(50, "Generated pictures that are kept for discriminators.", least=0)
    adversarial_weight: float = recipe_option(1.0, "Weight of the adversarial loss.", least=0)
    cycle_weight: float = recipe_option(10.0, "Weight of the cycle's loss (L1).", least=0)
    identity_weight: float = recipe_option(5.0, "Weight of the identity loss (L1).", least=0)
    temporal_weight: float = recipe_option(
        100.0, "Weight of the temporal loss of adjacent frames.", least=0
    )
    long_weight: float = recipe_option(0.0, "Weight of the temporal loss of frames further apart.", least=0)
    long_gap: int = recipe_option(8, "Frames that these are apart, at most.", least=2)
    flow_cycle_weight: float = recipe_option(
        0.0, "Weight of what reconstructed frames' flow differs by, in pixels.", least=0
    )
    content_weight: float = recipe_option(
        0.0, "Weight of the content loss against the frame, by the loss network.", least=0
    )
    style_weight: float = recipe_option(
        0.0, "Weight of the style loss against the mean of all paintings, by the loss network.", least=0
    )
    loss_network: str = recipe_option(
        "vgg19", "vgg16, vgg19 or a folder with one, for --content-weight and --style-weight."
    )
    steps: int = recipe_option(20000, "Optimiser steps in all.", least=1)
    learning_rate: float = recipe_option(2e-4, "Adam's at the start.", least=0)
    final_learning_rate: float = recipe_option(0.0, "Adam's at the end.", least=0)
    constant: float = recipe_option(
        0.6, "Share of the steps with the first rate; then it falls in a line.", least=0, most=1
    )
    averaging: float = recipe_option(
        0.998,
        "Decay of the running mean of the generator that is exported; 0: the last one.",
        least=0,
        most=0.99999,
    )
    precision: str = recipe_option(
        "bf16", "Arithmetic of the networks; fp16 on CUDA only.", choices=TRAINING_PRECISIONS
    )
    seed: int = recipe_option(0, "Of all random numbers.", least=0)

    def __post_init__(self) -> None:
        check_recipe(self)
        check_style_name(self.style_name)
        if not self.batch and not self.sequences:
            raise UsageError("batch and sequences are both 0; give one of them 1 or more")
        if self.load_size is not None and self.load_size < self.size:
            raise UsageError(f"load_size is {self.load_size}; expected at least size, {self.size}")

    @property
    def style_name(self) -> str:
        """The style's name: as given, or that of the first place of paintings without its suffix."""
        if self.style or not self.paintings:
            return self.style or "collection"
        return Path(self.paintings[0]).resolve().stem.removeprefix("paintings-")

    @property
    def needs_loss_network(self) -> bool:
        """Whether a loss that the loss network computes has a weight."""
        return bool(self.content_weight or self.style_weight)

    @property
    def painting_side(self) -> int:
        """Shorter side that paintings are scaled to before they are cropped."""
        return self.load_size or round(self.size * _LOADED)

    @property
    def sequence_length(self) -> int:
        """Frames of a sequence: a pair, behind one further away if that has a weight."""
        return 3 if self.long_weight else 2

    def rate(self, step: int) -> float:
        """Adam's at a step: constant, then falling in a line (dissertation, section 3.4.6)."""
        flat = self.constant * self.steps
        left = (self.steps - step) / max(self.steps - flat, 1) if step > flat else 1.0
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * min(left, 1.0)
