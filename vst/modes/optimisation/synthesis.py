"""Makes pictures from noise: textures, and pictures that have the features of another one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vst.device import deterministic
from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.features import FeatureSource, reach_of
from vst.modes.optimisation.memory import optimisation_memory
from vst.modes.optimisation.minimise import Minimum, Step, minimise
from vst.modes.optimisation.objective import Objective
from vst.modes.optimisation.paintings import Paintings
from vst.modes.optimisation.periodic import PeriodicFeatures, periodic_sides, resized_periodic
from vst.modes.optimisation.schedule import cost, level_sizes, level_steps
from vst.modes.optimisation.stylizer import FrameStep, resized
from vst.modes.optimisation.terms import (
    ContentTerm,
    FeatureTerm,
    PixelTerm,
    RangeTerm,
    StyleTerm,
    VariationTerm,
    content_layers,
    style_layers,
    style_targets,
)
from vst.modes.optimisation.timing import MEASURED_SIDE, seconds_a_step
from vst.modes.tiling import MemoryEstimate

RANGE_WEIGHT = 100.0
"""As of mode gatys."""

_NOISE = 0.1
"""Standard deviation of the noise that a picture begins as, around grey."""


class Canvas(NamedTuple):
    """One size of a picture.

    Attributes:
        width: In pixels.
        height: In pixels.
        scale: Relative to the last size.
        tile: Side of tiles in pixels; None: no tiles.
    """

    width: int
    height: int
    scale: float
    tile: int | None


class Synthesis(ABC):
    """Optimises a picture from noise, coarse to fine; a subclass says what is minimised.

    Args:
        source: The loss network.
        config: The options.
        periodic: Whether the picture has to fit to itself at opposite sides.

    Attributes:
        watch: Called after every evaluation; returns False to stop with the picture so far.
        interrupted: Whether it did.
    """

    def __init__(self, source: FeatureSource, config: OptimisationConfig, periodic: bool = False) -> None:
        self.own, self.config, self.periodic = source, config, periodic
        self.source = PeriodicFeatures(source) if periodic else source
        self.watch: Callable[[FrameStep], bool] | None = None
        self.interrupted = False

    @property
    @abstractmethod
    def layers(self) -> Sequence[str]:
        """The layers that the terms look at."""

    @abstractmethod
    def terms(self, canvas: Canvas) -> Sequence[FeatureTerm]:
        """What of the features is minimised at one size."""

    @property
    def device(self) -> torch.device:
        """Where the loss network is."""
        return self.source.device

    def picture(self, width: int, height: int, steps: int, seed: int = 0) -> Tensor:
        """A picture from noise.

        Args:
            width: In pixels.
            height: In pixels.
            steps: Evaluations, over all sizes.
            seed: Of the noise.

        Returns:
            3×H×W, 0..1, on the device.
        """
        sizes = self.sizes(width, height)
        counts = level_steps(steps, len(sizes))
        whole, done, work = cost(sizes, steps), 0, 0.0
        generator = torch.Generator().manual_seed(seed)
        first = torch.randn((3, sizes[0][1], sizes[0][0]), generator=generator).to(self.device)
        found = 0.5 + _NOISE * first
        self.interrupted = False
        with deterministic(self.device):
            for (w, h), count in zip(sizes, counts, strict=True):
                each = (w * h) / (width * height)

                def report(step: Step, done: int = done, work: float = work, each: float = each) -> bool:
                    if self.watch is None:
                        return True
                    share = (work + step.number * each) / whole
                    image = step.image.clamp(0, 1)
                    return self.watch(FrameStep(done + step.number, steps, step.losses, image, share))

                canvas = Canvas(w, h, w / width, self.memory(w, h).tile)
                least = self.minimise(canvas, self.resized(found, h, w), count, report)
                found, done, work = least.image, done + count, work + count * each
                if least.stopped:
                    self.interrupted = True
                    break
        return self.resized(found, height, width).clamp(0, 1)

    def minimise(
        self,
        canvas: Canvas,
        start: Tensor,
        steps: int,
        watch: Callable[[Step], bool],
        pixels: Sequence[PixelTerm] = (),
    ) -> Minimum:
        """Optimise a picture at one size.

        Args:
            canvas: The size.
            start: 3×H×W, 0..1.
            steps: Evaluations.
            watch: Follows it.
            pixels: Further terms.
        """
        objective = self.objective(canvas, pixels)
        optimizer = self.config.optimizer
        return minimise(objective, start, steps, watch, optimizer=optimizer, weight=objective.weight)

    def objective(self, canvas: Canvas, pixels: Sequence[PixelTerm] = ()) -> Objective:
        """What is minimised at one size, with further terms."""
        with torch.no_grad():
            features = self.terms(canvas)
        smooth = VariationTerm(self.config.variation_weight, self.periodic)
        return Objective(self.source, features, [smooth, RangeTerm(RANGE_WEIGHT), *pixels], canvas.tile)

    def resized(self, image: Tensor, height: int, width: int) -> Tensor:
        """A picture in another size."""
        return (resized_periodic if self.periodic else resized)(image, height, width)

    def sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """Width and height of each size, from coarse to fine."""
        sizes = level_sizes(width, height, self.config.levels)
        return [periodic_sides(*each) for each in sizes] if self.periodic else sizes

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """The memory of optimising a picture of this size in pixels."""
        deepest = max(self.layers, key=reach_of)
        return optimisation_memory(width, height, self.source.precision, deepest, self.config.tile)

    def seconds_a_step(self, width: int, height: int) -> float:
        """Seconds of one step at a size in pixels, by a few steps at a smaller one."""
        factor = min(1.0, MEASURED_SIDE / min(width, height))
        w, h = periodic_sides(round(width * factor), round(height * factor))
        generator = torch.Generator().manual_seed(0)
        picture = torch.rand((3, h, w), generator=generator).to(self.device)
        objective = self.objective(Canvas(w, h, w / width, None))
        tile = self.memory(width, height).tile
        return seconds_a_step(objective, picture, (width, height), tile, max(map(reach_of, self.layers)))


class TextureSynthesis(Synthesis):
    """Pictures with the statistics of paintings and nothing else of them (Gatys 2015).

    Args:
        source: The loss network.
        config: The options.
        paintings: What is matched.
        painting_side: Longer side of the paintings, in pixels, beside the finished texture.
        periodic: As for `Synthesis`.
    """

    def __init__(
        self,
        source: FeatureSource,
        config: OptimisationConfig,
        paintings: Paintings,
        painting_side: int,
        periodic: bool = False,
    ) -> None:
        super().__init__(source, config, periodic)
        self.paintings, self._side = paintings, painting_side
        self._layers = style_layers(config, source.layers)
        self._targets: dict[int, dict[str, Tensor]] = {}

    @property
    def layers(self) -> Sequence[str]:
        """See `Synthesis.layers`."""
        return tuple(self._layers)

    def terms(self, canvas: Canvas) -> Sequence[FeatureTerm]:
        """See `Synthesis.terms`."""
        side = max(1, round(self._side * canvas.scale))
        if side not in self._targets:
            # Paintings do not repeat.
            self._targets[side] = style_targets(
                self.own,
                [each.to(self.device) for each in self.paintings.at(side)],
                self.paintings.shares,
                self.layers,
                self.config.style_loss,
                self.memory(side, side).tile,
                self.paintings.masks_at(side),
            )
        statistic = STYLE_LOSSES[self.config.style_loss]
        return [StyleTerm(statistic, self.config.style_weight, self._layers, self._targets[side])]


class ContentReconstruction(Synthesis):
    """A picture with the features of another one (Mahendran & Vedaldi 2015; Gatys 2015, figure 1).

    Args:
        source: The loss network.
        config: The options.
        image: 3×H×W, 0..1: the other one.
    """

    def __init__(self, source: FeatureSource, config: OptimisationConfig, image: Tensor) -> None:
        super().__init__(source, config)
        self._image = image.to(self.device)
        self._layers = content_layers(config, source.layers)

    @property
    def layers(self) -> Sequence[str]:
        """See `Synthesis.layers`."""
        return tuple(self._layers)

    def terms(self, canvas: Canvas) -> Sequence[FeatureTerm]:
        """See `Synthesis.terms`."""
        image = resized(self._image, canvas.height, canvas.width).clamp(0, 1)
        targets = self.source.features(image, self.layers, canvas.tile)
        return [ContentTerm(self.config.content_weight, self._layers, targets)]
