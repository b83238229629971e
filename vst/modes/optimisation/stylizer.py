"""Stylizes frames by optimising their pixels: what the modes without a network share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.device import deterministic
from vst.frame import Frame, Past
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.features import FeatureSource, reach_of
from vst.modes.optimisation.memory import optimisation_memory
from vst.modes.optimisation.minimise import Step, minimise
from vst.modes.optimisation.objective import Objective
from vst.modes.optimisation.paintings import Paintings, painting_side
from vst.modes.optimisation.schedule import level_sizes, level_steps
from vst.modes.optimisation.terms import FeatureTerm, PixelTerm
from vst.modes.stylizer import Stylizer
from vst.modes.tiling import MemoryEstimate

SMALLEST_SIDE = 32
"""Pixels on the shorter side: smaller frames are padded by repeating their edges."""

_MEASURED_SIDE, _MEASURED_STEPS = 192, 2
"""Shorter side in pixels of the picture that steps are timed with, and how many are."""

_NOISE = 0.5
"""Half the range of the noise around grey that a picture may begin as."""


@dataclass(frozen=True)
class FrameStep:
    """How far the optimisation of one frame is.

    Attributes:
        number: Steps done, over all sizes.
        steps: Steps in all.
        losses: By name, without weights.
        image: The picture so far, 3×h×w, 0..1, at the size of the moment.
        done: Share of the work that is done, 0..1: steps at small sizes are less of it.
    """

    number: int
    steps: int
    losses: Mapping[str, float]
    image: Tensor
    done: float


@dataclass(frozen=True)
class Level:
    """One size of a frame.

    Attributes:
        frame: 3×h×w, 0..1.
        scale: Of this size, relative to the last one.
        painting_side: Longer side of the paintings, in pixels.
        tile: Side of tiles in pixels; None: no tiles.
        past: Earlier stylized frames warped to this one, 0..1, and where they can be trusted; or None.
    """

    frame: Tensor
    scale: float
    painting_side: int
    tile: int | None
    past: tuple[Tensor, Tensor] | None = None


class OptimisingStylizer(ABC):
    """Optimises each frame from coarse to fine; a mode says what is minimised.

    Args:
        source: The loss network.
        paintings: What is matched.
        config: The options.
        start: Makes the first picture; None: it is the frame, or noise.

    Attributes:
        steps: Evaluations for each frame; may be changed between frames.
        watch: Called after every evaluation; returns False to stop with the picture so far.
        interrupted: Whether `watch` stopped the last frame.
    """

    every_frame = False
    whole_shot = False
    conditioned = False

    def __init__(
        self,
        source: FeatureSource,
        paintings: Paintings,
        config: OptimisationConfig,
        start: Stylizer | None = None,
    ) -> None:
        self.source, self.paintings, self.config = source, paintings, config
        self.steps = config.steps
        self.watch: Callable[[FrameStep], bool] | None = None
        self.interrupted = False
        self._start = start

    @abstractmethod
    def terms(self, level: Level) -> tuple[Sequence[FeatureTerm], Sequence[PixelTerm]]:
        """What is minimised at one size of a frame."""

    @property
    @abstractmethod
    def layers(self) -> Sequence[str]:
        """The layers that the terms look at."""

    @property
    def device(self) -> torch.device:
        """Where the loss network is; see `vst.modes.stylizer.device_for`."""
        return self.source.device

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`."""
        image = frame.image.to(self.device).float().clamp(0, 1).clone()
        height, width = image.shape[-2:]
        image = _large_enough(image)
        with deterministic(self.device):
            found = self._optimise(image, self.first_picture(frame, image, past), self._past(past, image))
        return (found[:, :height, :width].clamp(0, 1) * 2 - 1).to(frame.image.device).contiguous()

    def first_picture(self, frame: Frame, image: Tensor, past: Past | None) -> Tensor:
        """Where the optimisation begins.

        Args:
            frame: The frame as it was given.
            image: 3×H×W, 0..1, the frame on the device, padded where it is small.
            past: As for `stylize`.

        Returns:
            3×H×W, 0..1.
        """
        if self.config.from_noise:
            generator = torch.Generator().manual_seed(frame.index)
            noise = torch.rand(image.shape, generator=generator).to(image.device) - 0.5
            return 0.5 + 2 * _NOISE * noise
        if self._start is not None:
            stylized = (self._start.stylize(frame, None) + 1) / 2
            return _large_enough(stylized.to(image.device))
        return image

    def _past(self, past: Past | None, image: Tensor) -> tuple[Tensor, Tensor] | None:
        if past is None:
            return None
        warped, trust = (_large_enough(each.to(image.device).float()) for each in (past.image, past.trust))
        return (warped + 1) / 2, trust

    def _optimise(self, image: Tensor, first: Tensor, past: tuple[Tensor, Tensor] | None) -> Tensor:
        height, width = image.shape[-2:]
        sizes = level_sizes(width, height, self.config.levels)
        side, done, found = painting_side(width, height, self.config.style_scale), 0, first
        self.interrupted = False
        for (w, h), steps in zip(sizes, level_steps(self.steps, len(sizes)), strict=True):
            level = Level(
                resized(image, h, w),
                w / width,
                max(1, round(side * w / width)),
                self.memory(w, h).tile,
                None if past is None else (resized(past[0], h, w), resized(past[1], h, w)),
            )
            objective = self.objective(level)
            least = minimise(
                objective,
                resized(found, h, w),
                steps,
                self._watching(sizes, done, w * h),
                optimizer=self.config.optimizer,
                weight=objective.weight,
            )
            found, done = least.image, done + steps
            if least.stopped:
                self.interrupted = True
                break
        return resized(found, height, width)

    def objective(self, level: Level) -> Objective:
        """What is minimised at one size of a frame."""
        with torch.no_grad():
            features, pixels = self.terms(level)
        return Objective(self.source, features, pixels, level.tile)

    def _watching(
        self, sizes: Sequence[tuple[int, int]], before: int, pixels: int
    ) -> Callable[[Step], bool]:
        costs = [w * h for w, h in sizes]
        work = [
            count * each for count, each in zip(level_steps(self.steps, len(sizes)), costs, strict=True)
        ]
        earlier = sum(work[: costs.index(pixels)])

        def report(step: Step) -> bool:
            if self.watch is None:
                return True
            number, image = before + step.number, step.image.clamp(0, 1)
            done = (earlier + step.number * pixels) / sum(work)
            return self.watch(FrameStep(number, self.steps, step.losses, image, done))

        return report

    def seconds_a_step(self, width: int, height: int) -> float:
        """Seconds of one step at the frame's own size, by a few steps at a smaller one.

        Args:
            width: Of the frame, in pixels.
            height: Of the frame, in pixels.
        """
        factor = min(1.0, _MEASURED_SIDE / min(width, height))
        w, h = max(SMALLEST_SIDE, round(width * factor)), max(SMALLEST_SIDE, round(height * factor))
        generator = torch.Generator().manual_seed(0)
        picture = torch.rand((3, h, w), generator=generator).to(self.device)
        side = round(painting_side(width, height, self.config.style_scale) * w / width)
        objective = self.objective(Level(picture, w / width, max(1, side), None))
        objective(picture)  # the first run chooses kernels and fills caches
        _wait_for(self.device)
        began = time.perf_counter()
        for _ in range(_MEASURED_STEPS):
            objective(picture)
        _wait_for(self.device)
        each = (time.perf_counter() - began) / _MEASURED_STEPS * (width * height) / (w * h)
        # Tiles see beyond their sides, and compute what they see twice.
        tile = self.memory(width, height).tile
        if tile is None:
            return each
        seen = tile + 2 * max(map(reach_of, self.layers))
        return each * 4 / 3 * (seen / tile) ** 2

    def reset(self) -> None:
        """Forget what the last frame left."""
        self.interrupted = False

    def snapshot(self) -> tuple[Tensor, ...]:
        """There is no state."""
        return ()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Frames do not depend on those before."""
        self.reset()

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        deepest = max(self.layers, key=reach_of)
        return optimisation_memory(width, height, self.source.precision, deepest, self.config.tile)


def resized(image: Tensor, height: int, width: int) -> Tensor:
    """A picture C×H×W in another size: bicubic, antialiased; not clamped."""
    if image.shape[-2:] == (height, width):
        return image
    return F.interpolate(image[None], size=(height, width), mode="bicubic", antialias=True)[0]


def _large_enough(image: Tensor) -> Tensor:
    right, down = (max(SMALLEST_SIDE - side, 0) for side in (image.shape[-1], image.shape[-2]))
    return F.pad(image[None], (0, right, 0, down), mode="replicate")[0] if right or down else image


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
