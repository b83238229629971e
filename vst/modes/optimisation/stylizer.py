"""Stylizes frames by optimising their pixels: what the modes without a network share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.device import deterministic
from vst.frame import Frame, Past
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.features import SMALLEST_SIDE, FeatureSource, padded_if_small, reach_of
from vst.modes.optimisation.level import Level
from vst.modes.optimisation.memory import optimisation_memory
from vst.modes.optimisation.minimise import Minimum, Step, Watch, minimise
from vst.modes.optimisation.objective import Objective
from vst.modes.optimisation.paintings import Paintings, painting_side
from vst.modes.optimisation.regions import (
    RegionPart,
    Regions,
    RegionStyle,
    even_shares,
    parts_of,
    shares_at,
)
from vst.modes.optimisation.schedule import level_sizes, level_steps, pass_cost, propagated_steps
from vst.modes.optimisation.terms import (
    STYLE_LAYERS,
    ContentTerm,
    FeatureTerm,
    PixelTerm,
    TemporalTerm,
    content_layers,
    style_layers,
)
from vst.modes.optimisation.timing import MEASURED_SIDE, seconds_a_step
from vst.modes.stylizer import Stylizer
from vst.modes.tiling import MemoryEstimate

T = TypeVar("T")

_LEAST_TRUST = 1e-3
"""Where less of a pixel is trusted nothing of it is: no division by 0."""

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
        part: Which frame of a shot it is, in words; "" where frames come one at a time.
    """

    number: int
    steps: int
    losses: Mapping[str, float]
    image: Tensor
    done: float
    part: str = ""


class OptimisingStylizer(ABC):
    """Optimises each frame from coarse to fine; a mode says what is minimised.

    Many attributes: what a mode is made of, and what a caller asks of it and learns from it.

    Args:
        source: The loss network.
        paintings: What is matched; unused with regions.
        config: The options.
        start: Makes the first picture; None: it is the frame, or noise.
        regions: Parts of the frames that are matched with paintings of their own.

    Attributes:
        steps: Evaluations for each frame; may be changed between frames.
        watch: Called after every evaluation; returns False to stop with the picture so far.
        interrupted: Whether `watch` stopped the last frame.
        part: As in `FrameStep`.
    """

    every_frame = False
    whole_shot = False
    conditioned = True

    matching_steps: int | None = None
    """After so many steps the terms are made anew, from the picture so far; None: once at each size."""

    compared_layers: Sequence[str] = STYLE_LAYERS
    """Where style is compared unless the options say; those that the loss network has are taken."""

    def __init__(
        self,
        source: FeatureSource,
        paintings: Paintings,
        config: OptimisationConfig,
        start: Stylizer | None = None,
        regions: Regions | None = None,
    ) -> None:
        self.source, self.config = source, config
        self.styles = (RegionStyle(paintings, config.style_scale),) if regions is None else regions.styles
        self._regions = regions
        self.steps = config.steps
        self.watch: Callable[[FrameStep], bool] | None = None
        self.interrupted, self.part = False, ""
        self._start = start
        self.conditioned = self.conditioned and config.temporal_weight > 0
        self._content_layers = content_layers(config, source.layers)
        self._style_layers = style_layers(config, source.layers, self.compared_layers)
        self._of_paintings: dict[tuple[int, int, int | None], Any] = {}

    @abstractmethod
    def terms(self, level: Level) -> tuple[Sequence[FeatureTerm], Sequence[PixelTerm]]:
        """What is minimised at one size of a frame, beside the distance from its past."""

    @property
    def layers(self) -> Sequence[str]:
        """The layers that the terms look at."""
        return tuple(dict.fromkeys((*self._content_layers, *self._style_layers)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the paintings, one line each."""
        return tuple(dict.fromkeys(note for each in self.styles for note in each.paintings.notes))

    def parts(self, level: Level) -> list[RegionPart]:
        """The regions of the frame at one size of it: one, unless there are others."""
        return parts_of(self.styles, level.painting_sides, level.shares)

    def of_paintings(self, part: RegionPart, tile: int | None, compute: Callable[[], T]) -> T:
        """What a mode computes of the paintings of a region at a size; computed once for each size."""
        key = part.number, part.painting_side, tile
        if key not in self._of_paintings:
            self._of_paintings[key] = compute()
        found: T = self._of_paintings[key]
        return found

    def content_terms(self, level: Level) -> list[FeatureTerm]:
        """The distance from the content of the frame, unless it has no weight."""
        if not self.config.content_weight:
            return []
        targets = self.source.features(level.frame, tuple(self._content_layers), level.tile)
        return [ContentTerm(self.config.content_weight, self._content_layers, targets)]

    @property
    def device(self) -> torch.device:
        """Where the loss network is; see `vst.modes.stylizer.device_for`."""
        return self.source.device

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`."""
        image = self._padded(frame.image)
        propagated = None if past is None else self._propagated(past)
        steps = self.steps
        if propagated is not None:
            steps = propagated_steps(steps, float(propagated[1].mean()))
        with deterministic(self.device):
            first = self.first_picture(frame, image, past)
            if propagated is not None:
                first = first + (propagated[1] * (propagated[0] - first))[0]
            shares = self._shares(frame)
            found = self.optimise(image, first, propagated, self.config.levels, steps, shares)
        return self._finished(found, frame)

    def _shares(self, frame: Frame) -> Tensor | None:
        """Where the regions of a frame are, K×H×W, where it is optimised."""
        shares = None if self._regions is None else self._regions.shares_of(frame)
        return None if shares is None else padded_if_small(shares.to(self.device).float())

    def _padded(self, image: Tensor) -> Tensor:
        """A frame, 0..1, where it is optimised."""
        return padded_if_small(image.to(self.device).float().clamp(0, 1).clone())

    def _finished(self, image: Tensor, frame: Frame) -> Tensor:
        """A picture of `optimise` as `Stylizer.stylize` returns it."""
        height, width = frame.image.shape[-2:]
        return (image[:, :height, :width].clamp(0, 1) * 2 - 1).to(frame.image.device).contiguous()

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
            return padded_if_small(stylized.to(image.device))
        return image

    def _propagated(self, past: Past) -> tuple[Tensor, Tensor]:
        """A past as 1×3×H×W, 0..1, and trust 1×1×H×W, where it is optimised."""
        warped, trust = (padded_if_small(each.to(self.device).float()) for each in (past.image, past.trust))
        return ((warped + 1) / 2)[None], trust[None]

    def optimise(
        self,
        image: Tensor,
        first: Tensor,
        past: tuple[Tensor, Tensor] | None,
        levels: int,
        steps: int,
        shares: Tensor | None = None,
    ) -> Tensor:
        """Optimise a picture, from coarse to fine.

        At the sizes after the first what is propagated begins as it is, and the rest as the size before
        left it.

        Args:
            image: The frame, 3×H×W, 0..1.
            first: The first picture, likewise.
            past: As in `Level`, at this size.
            levels: Number of sizes.
            steps: Over all sizes.
            shares: As in `Level`, at this size.

        Returns:
            3×H×W, not clamped.
        """
        height, width = image.shape[-2:]
        sizes = level_sizes(width, height, levels)
        done, found = 0, first
        self.interrupted, work = False, 0.0
        counts = level_steps(steps, len(sizes))
        whole = max(1, sum(count * w * h for count, (w, h) in zip(counts, sizes, strict=True)))
        for (w, h), count in zip(sizes, counts, strict=True):
            propagated = None if past is None else _past_at(*past, h, w)
            found = resized(found, h, w)
            if propagated is not None and (w, h) != sizes[0]:
                found = found + (propagated[1] * (propagated[0] - found))[0]
            for part in self._rounds(count):
                level = Level(
                    resized(image, h, w),
                    w / width,
                    self._painting_sides(width, height, w / width),
                    self.memory(w, h).tile,
                    found,
                    propagated,
                    shares_at(shares, h, w),
                )
                each = w * h / whole
                least = self._minimise(level, part, self._watching(done, steps, work, each))
                found, done, work = least.image, done + part, work + part * each
                if least.stopped:
                    self.interrupted = True
                    return resized(found, height, width)
        return resized(found, height, width)

    def _painting_sides(self, width: int, height: int, scale: float) -> tuple[int, ...]:
        """Longer side of the paintings of each region, for a frame of a size that is scaled."""
        sides = (painting_side(width, height, each.style_scale) for each in self.styles)
        return tuple(max(1, round(side * scale)) for side in sides)

    def _rounds(self, steps: int) -> list[int]:
        """The steps of a size, in parts with the same terms."""
        most = self.matching_steps or max(steps, 1)
        parts = max(1, round(steps / most))
        return [steps * (number + 1) // parts - steps * number // parts for number in range(parts)]

    def _minimise(self, level: Level, steps: int, watch: Watch) -> Minimum:
        objective = self.objective(level)
        return minimise(
            objective,
            level.picture,
            steps,
            watch,
            optimizer=self.config.optimizer,
            weight=objective.weight,
        )

    def objective(self, level: Level) -> Objective:
        """What is minimised at one size of a frame."""
        with torch.no_grad():
            features, pixels = self.terms(level)
        if level.past is not None:
            pixels = (*pixels, TemporalTerm(self.config.temporal_weight, *level.past))
        return Objective(self.source, features, pixels, level.tile)

    def _watching(self, number: int, steps: int, done: float, each: float) -> Watch:
        """Reports steps after `number`; `done` is the share of the work before, `each` that of a step."""

        def report(step: Step) -> bool:
            if self.watch is None:
                return True
            image, now = step.image.clamp(0, 1), done + each * step.number
            return self.watch(FrameStep(number + step.number, steps, step.losses, image, now, self.part))

        return report

    def seconds_a_step(self, width: int, height: int) -> float:
        """Seconds of one step at the frame's own size, by a few steps at a smaller one.

        Args:
            width: Of the frame, in pixels.
            height: Of the frame, in pixels.
        """
        factor = min(1.0, MEASURED_SIDE / min(width, height))
        w, h = max(SMALLEST_SIDE, round(width * factor)), max(SMALLEST_SIDE, round(height * factor))
        generator = torch.Generator().manual_seed(0)
        picture = torch.rand((3, h, w), generator=generator).to(self.device)
        sides = self._painting_sides(width, height, w / width)
        shares = even_shares(len(self.styles), h, w)
        shares = None if shares is None else shares.to(self.device)
        objective = self.objective(Level(picture, w / width, sides, None, picture, None, shares))
        tile = self.memory(width, height).tile
        return seconds_a_step(objective, picture, (width, height), tile, max(map(reach_of, self.layers)))

    def share(self, frames: int, width: int, height: int) -> float:
        """About how many frames could be optimised from nothing in the time of so many of a clip.

        Args:
            frames: Those that are optimised: keyframes, or all.
            width: Of the frames, in pixels.
            height: Of the frames, in pixels.
        """
        if not self.conditioned:
            return frames
        return pass_cost(frames, self.steps)

    def reset(self) -> None:
        """Forget what the last frame left."""
        self.interrupted, self.part = False, ""

    def snapshot(self) -> tuple[Tensor, ...]:
        """There is no state."""
        return ()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Frames do not depend on those before."""
        self.reset()

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        deepest = max(self.layers, key=reach_of)
        regions = len(self.styles)
        return optimisation_memory(width, height, self.source.precision, deepest, self.config.tile, regions)


def resized(image: Tensor, height: int, width: int) -> Tensor:
    """A picture C×H×W in another size: bicubic, antialiased; not clamped."""
    if image.shape[-2:] == (height, width):
        return image
    return F.interpolate(image[None], size=(height, width), mode="bicubic", antialias=True)[0]


def _past_at(past: Tensor, trust: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Past and trust, 1×C×H×W, in a smaller size: the mean of what is trusted, and the share that is."""
    if past.shape[-2:] == (height, width):
        return past, trust
    size = (height, width)
    share = F.interpolate(trust, size=size, mode="area")
    return F.interpolate(past * trust, size=size, mode="area") / share.clamp_min(_LEAST_TRUST), share
