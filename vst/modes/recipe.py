"""A recipe: everything that determines the result of a training run.

`NetworkRecipe` has what all modes share, `Recipe` what those share that learn styles from single paintings,
and `SequenceRecipe` what those share that are trained on sequences too. Each mode's own is in its
`config.py`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from vst.errors import UsageError
from vst.modes.recipe_option import check_recipe, recipe_option
from vst.modes.registry import find_mode

if TYPE_CHECKING:
    from vst.nn.style_network import Hyperparameters

TRAINING_PRECISIONS = ("bf16", "fp16", "fp32")


@dataclass(frozen=True)
class StyleGoal:
    """One style of a run: its pictures and weights."""

    name: str
    """What the user will type."""
    images: tuple[str, ...]
    """Its pictures, each with `@MASK` if only a part of it counts; several make one hybrid style."""
    size: int | None = None
    """Longer side of its pictures in pixels: smaller gives smaller strokes. None: `Recipe.style_size`."""
    weight: float | None = None
    """Its style weight. None: `Recipe.style_weight`."""


@dataclass(frozen=True)
class NetworkRecipe:
    """One training run of a mode's network. Two runs of one recipe on one machine get the same batches."""

    mode: str
    """Name of the mode."""

    @property
    def variant(self) -> Hyperparameters:
        """The hyperparameters of the mode's network; those that are None have the network's defaults.

        Raises:
            VstError: for a value that the network does not have.
        """
        kind = find_mode(self.mode).network_class.variant_type
        known = {each.name for each in dataclasses.fields(kind)}
        for name in sorted({"blocks", "norm", "upsampling", "output", "layout"} - known):
            if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise UsageError(f"the network of mode {self.mode!r} has no {name}; leave it out")
        values = {name: getattr(self, name, None) for name in known}
        return kind(**{name: value for name, value in values.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dataclasses.asdict(self)

    def digest(self) -> str:
        """Twelve hexadecimal digits that name this recipe."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Recipe(NetworkRecipe):
    """A recipe of a mode that learns styles, each from its paintings.

    Many attributes: one for each option of `vst train`.

    Raises:
        UsageError: for an invalid value.
    """

    adding: ClassVar[Mapping[str, Any]] = {"steps": 300}
    """What differs from the defaults when `vst style add` trains a style for an existing network."""

    styles: tuple[StyleGoal, ...]
    """The styles, which share one network's convolutions."""
    photos: tuple[str, ...] = recipe_option(
        (), "A folder or tar file of photographs; synthetic pictures unless given."
    )
    loss_network: str = recipe_option("vgg19", "vgg16, vgg19 or a folder with one.")
    width: int = recipe_option(32, "Filters of the first layer: 32 standard, 16 fast.", least=1)
    blocks: int | None = recipe_option(
        None, "Residual blocks.", least=0, default_text="those of the mode's paper"
    )
    norm: str = recipe_option("instance", "Normalisation.", choices=("instance", "batch"))
    upsampling: str = recipe_option(
        "nearest", "How features are enlarged again.", choices=("nearest", "transposed")
    )
    output: str = recipe_option(
        "tanh", "The activation at the end.", choices=("tanh", "linear"), names=("--last",)
    )
    layout: str = recipe_option("table-4.1", "The network's layers.", choices=("table-4.1", "compact"))
    luminance: bool = recipe_option(
        False,
        "Learn from luminance alone: for renders with --colour luminance, which keep the clip's colours.",
    )
    size: int = recipe_option(192, "Side of the square crops, in pixels.", least=32)
    zoom: float = recipe_option(1.0, "Photographs are enlarged by at most this.", least=1)
    batch: int = recipe_option(4, "Photographs in a batch.", least=1)
    styles_each: int = recipe_option(1, "Styles that each photograph of a batch is stylized in.", least=1)
    style_size: int = recipe_option(
        512, "Longer side of the style images: smaller gives smaller strokes.", least=16
    )
    content_weight: float = 1.0
    """α, on the content loss relative to the frame's own energy."""
    style_weight: float = recipe_option(30.0, "Weight of the style loss; content has 1.", least=0)
    style_loss: str = recipe_option(
        "gram",
        "What of the painting's features is to be matched.",
        choices=("gram", "shifted", "histogram", "mmd-linear", "mmd-gaussian", "mmd-poly"),
    )
    """A key of `vst.losses.style_statistics.STYLE_LOSSES`."""
    laplacian_weight: float = recipe_option(0.0, "Weight of the frame's edges (Laplacian loss).", least=0)
    variation_weight: float = recipe_option(1.0, "Weight of the total variation.", least=0)
    steps: int = recipe_option(5000, "Optimiser steps in all.", least=1)
    learning_rate: float = recipe_option(1e-3, "Adam's at the start.", least=0)
    final_learning_rate: float = recipe_option(2e-4, "Adam's at the end; it falls along a cosine.", least=0)
    averaging: float = recipe_option(
        0.998,
        "Decay of the running mean of the parameters that is exported; 0: the last ones.",
        least=0,
        most=0.99999,
    )
    frozen: bool = False
    """Train the styles' scales and shifts alone; the convolutions stay as they were at the start."""
    precision: str = recipe_option(
        "bf16", "Arithmetic of the networks; fp16 on CUDA only.", choices=TRAINING_PRECISIONS
    )
    seed: int = recipe_option(0, "Of all random numbers.", least=0)

    def __post_init__(self) -> None:
        find_mode(self.mode)
        check_recipe(self)
        if not self.styles:
            raise UsageError("the recipe has no style; give at least one with a picture")
        names = [style.name for style in self.styles]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"style {twice!r} is given twice; give each style its own name")


@dataclass(frozen=True)
class SequenceRecipe(Recipe):
    """A recipe of a mode that is trained on sequences, beside photographs.

    Many attributes: one for each option of `vst train`.
    """

    adding: ClassVar[Mapping[str, Any]] = {**Recipe.adding, "loss_frames": 2, "synthetic": 1.0}

    clips: tuple[str, ...] = recipe_option(
        (), "A video, or a folder or tar file of clips as numbered frames, once for each."
    )
    sequences: int = recipe_option(2, "Sequences in a batch.", least=1)
    unroll: int = recipe_option(4, "Frames of a sequence that are learned from.", least=2)
    warm_up: ClassVar[int]
    """At most this many frames are stylized without learning before those that are learned from, so that
    the network meets states as deep as a long shot's."""
    gap: ClassVar[int] = 0
    """Frames of the clip from one frame of a sequence to the next, at most, where the network is shown the
    motion between them; 0: it is shown none, and these are neighbours."""
    loss_frames: int = recipe_option(
        0,
        "How many of these frames, drawn at random, the loss network sees; 0 is all.",
        least=0,
        names=("--loss-frames", "--judged"),
        former=("judged",),
    )
    """The loss network is most of a step's work; the temporal loss ties the other frames to these."""
    empty: float = recipe_option(
        0.5, "Share of batches that are photographs, without a past.", least=0, most=1
    )
    synthetic: float = recipe_option(
        0.5, "Share of sequences that are synthetic, with exact motion.", least=0, most=1
    )
    least_change: float = recipe_option(
        0.0, "Real sequences that change less, 0 to 1, are skipped.", least=0, most=1
    )
    brightness: float = recipe_option(
        0.04, "Largest flicker of brightness that is added to sequences.", least=0, most=1
    )
    noise: float = recipe_option(
        0.02, "Largest deviation of the noise that is added to sequences.", least=0, most=1
    )
    temporal_weight: float = recipe_option(60.0, "Weight of the temporal loss.", least=0)
    """γ, on the temporal loss of outputs in −1..1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss_frames > self.unroll:
            raise UsageError(f"loss_frames is {self.loss_frames}; expected at most unroll, {self.unroll}")


def style_recipe_class(mode: str) -> type[Recipe]:
    """The recipe's class of a mode that learns styles.

    Raises:
        UsageError: The mode is unknown, cannot be trained, or learns from a collection of paintings.
    """
    kind = find_mode(mode).recipe_class
    if not issubclass(kind, Recipe):
        raise UsageError(
            f"mode {mode!r} learns from a collection of paintings; "
            f"write: vst train {mode} --paintings FOLDER"
        )
    return kind


def create_recipe(values: Mapping[str, Any]) -> Recipe:
    """The recipe of a mode that learns styles.

    Args:
        values: By field, or by a former name of a field; `mode` is one. Fields that only other modes have
            are left out.

    Raises:
        UsageError: As `style_recipe_class`, or a value is invalid.
    """
    kind = style_recipe_class(values["mode"])
    known = {each.name for each in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in known})
