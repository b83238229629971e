"""A recipe: all that decides what a training run makes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vst.errors import UsageError

if TYPE_CHECKING:
    from vst.nn.body import Variant

MODES = ("itn", "vtn", "lstm", "reconet")
WITH_PAST = ("vtn", "lstm")
"""Modes whose network has a past, and so may have a gate."""
PRECISIONS = ("bf16", "fp16", "fp32")


@dataclass(frozen=True)
class StyleGoal:
    """One style of a run: what it is learned from, and how it is to look."""

    name: str
    """What the user will type."""
    images: tuple[str, ...]
    """Its pictures; several make one hybrid style."""
    size: int | None = None
    """Longer side of its pictures in pixels: smaller gives smaller strokes. None: `Recipe.style_size`."""
    weight: float | None = None
    """Its style weight. None: `Recipe.style_weight`."""


@dataclass(frozen=True)
class Recipe:
    """One training run. Two runs of one recipe on one machine see the same batches.

    Raises:
        UsageError: for values that cannot be meant.
    """

    mode: str
    """What is trained: itn, vtn, lstm or reconet."""
    styles: tuple[StyleGoal, ...]
    """The styles, which share one network's convolutions."""
    photos: tuple[str, ...] = ()
    """Folders or tar files of photographs; none: synthetic pictures."""
    clips: tuple[str, ...] = ()
    """Videos, or folders or tar files that hold one folder of numbered frames a clip (all but itn)."""
    loss_network: str = "vgg19"
    """vgg16, vgg19 or a folder of loss network files."""
    width: int = 32
    """Filters of the first layer."""
    blocks: int | None = None
    """Residual blocks. None: 5, and 4 for reconet, as the papers have them."""
    norm: str = "instance"
    """instance, or batch as in Johnson 2016."""
    upsampling: str = "nearest"
    """nearest, or transposed as in Johnson 2016."""
    output: str = "tanh"
    """tanh or linear."""
    gate: bool = False
    """Whether the network decides pixel by pixel how much of the past to keep as it is (vtn, lstm)."""
    anchor: float = 0.1
    """Share of what is remembered and kept that is taken anew from each frame, at least: what was painted
    wrong fades at least so fast, and a share a frame is what holding still may cost. 0: no bound (lstm, and
    vtn with a gate)."""
    motion: bool = True
    """Whether the previous and the present frame are shown beside the previous painting: without them the
    network cannot see what moved, only what no longer fits (lstm)."""
    style_size: int = 512
    """Longer side of the style images in pixels: smaller gives smaller strokes."""
    size: int = 192
    """Side of the square crops in pixels."""
    batch: int = 4
    """Photographs in a batch."""
    styles_each: int = 1
    """Styles that each photograph of a batch is painted in; its content features serve them all."""
    sequences: int = 2
    """Sequences in a batch (all but itn)."""
    unroll: int = 4
    """Frames of a sequence that are learned from; vtn and lstm feed the output of each to the next, with
    gradients through time. Two are the report's two-frame training of reconet."""
    warm_up: int = 4
    """At most so many frames are painted before those, without learning: deeper states are met (vtn,
    lstm)."""
    judged: int = 0
    """So many of the unrolled frames of a sequence, drawn at random, are shown to the loss network, which
    is most of a step's work; the temporal loss ties the others to them. 0: all (all but itn)."""
    memory: tuple[int, ...] = (1, 2, 4)
    """How many frames back the previous painting is looked for, as a render does (vtn)."""
    empty: float = 0.5
    """Share of batches that are photographs, without a past (all but itn)."""
    synthetic: float = 0.5
    """Share of sequences that are synthetic scenes and camera moves, with exact motion (all but itn)."""
    least_change: float = 0.0
    """Real sequences whose neighbouring frames differ by less, on average (0..1), are passed over (all but
    itn)."""
    steps: int = 5000
    """Optimiser steps in all."""
    learning_rate: float = 1e-3
    """Adam's, at the start."""
    final_learning_rate: float = 2e-4
    """Adam's, at the end; between them it falls along a cosine."""
    frozen: bool = False
    """Train the styles' scales and shifts alone; the convolutions stay as they were begun with."""
    averaging: float = 0.998
    """Decay a step of the running mean of the parameters, which is what is exported. 0: the last ones."""
    content_weight: float = 1.0
    """α, on the content loss relative to the frame's own energy."""
    style_weight: float = 30.0
    """β, on the style loss relative to the painting's own energy."""
    variation_weight: float = 1.0
    """On the total variation of the output, 0..1."""
    temporal_weight: float = 60.0
    """γ, on the temporal loss of outputs in −1..1; reconet's λ_o, on the one with the luminance constraint,
    which is a sum over three channels and so three times as large (all but itn)."""
    feature_weight: float = 1.0
    """λ_f, on the temporal loss of the encoder's features relative to their energy (reconet)."""
    ageing: int = 0
    """At most so many times the last painting before the learned frames is shifted by a part of a pixel and
    back: paint that a long pan has carried is met, and learned to be painted anew in time (vtn)."""
    renewal: float = 0.0
    """Share of squares that are painted anew at a frame though the past is seen, as a render does with what
    is worn: new paint learns to go on where the old left off (vtn with a gate)."""
    feedback_noise: float = 0.02
    """Largest deviation of the noise added to the painting that is fed back, −1..1, so that the network
    learns to put right what went wrong before (lstm)."""
    restart: float = 0.1
    """Share of the unrolled frames at which the memory is emptied, as at a cut. What begins anew is held
    against what went on by the temporal loss, so both have to stay the same painting (lstm)."""
    brightness: float = 0.04
    """Each frame's brightness is scaled by up to so much, at random (all but itn)."""
    noise: float = 0.02
    """Largest deviation of the noise added to frames of a sequence, 0..1 (all but itn)."""
    precision: str = "bf16"
    """bf16, fp16 (CUDA) or fp32 for the networks' arithmetic; parameters, losses and what is fed back are
    fp32."""
    seed: int = 0
    """Of everything that is random."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            known = f"{', '.join(MODES[:-1])} or {MODES[-1]}"
            raise UsageError(f"mode {self.mode!r} cannot be trained; give {known}")
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision is {self.precision!r}; expected {', '.join(PRECISIONS)}")
        if self.gate and self.mode not in WITH_PAST:
            raise UsageError(
                f"gate keeps some of the past, and {self.mode} has none; leave it out, or train "
                f"{' or '.join(WITH_PAST)}"
            )
        for name in ("anchor", "restart", "renewal"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}; expected a share, 0 to 1")
        if not self.styles:
            raise UsageError("the recipe has no style; give at least one with a picture")
        names = [style.name for style in self.styles]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"style {twice!r} is there twice; give each a name of its own")
        if not self.memory or self.memory[0] != 1 or list(self.memory) != sorted(set(self.memory)):
            raise UsageError(f"memory is {self.memory}; expected rising distances that begin with 1")
        if self.unroll < 2 or not 0 <= self.judged <= self.unroll:
            raise UsageError(
                f"unroll is {self.unroll} and judged {self.judged}; expected 2 or more, and 0 up to unroll"
            )

    @property
    def variant(self) -> Variant:
        """The body's variant.

        Raises:
            VstError: for one that does not exist.
        """
        from vst.nn.body import TABLE_4_1, Variant  # torch: not for those who only read a recipe
        from vst.nn.reconet import REPORT

        plain = REPORT if self.mode == "reconet" else TABLE_4_1
        remembers = self.mode == "lstm"
        return Variant(
            plain.blocks if self.blocks is None else self.blocks,
            self.norm,
            self.upsampling,
            self.output,
            self.gate and self.mode in WITH_PAST,
            self.anchor if remembers or self.gate else plain.anchor,
            self.motion if remembers else plain.motion,
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dataclasses.asdict(self)

    def digest(self) -> str:
        """Twelve hexadecimal digits that name this recipe."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]
