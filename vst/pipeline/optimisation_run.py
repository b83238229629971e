"""Optimisation of pixels in a render: steps and time before the start, progress, preview and stopping."""

from __future__ import annotations

import io
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from vst.errors import MediaError
from vst.files import write_whole
from vst.modes.optimisation.schedule import cost, level_sizes, steps_within
from vst.modes.stylizer import Stylizer
from vst.pipeline.optimisation import PREVIEWS
from vst.pipeline.options import flag_of
from vst.pipeline.plan import RenderPlan
from vst.pipeline.settings import RenderSettings
from vst.progress import Progress, StepProgress
from vst.styles.painting_style import PaintingStyle

if TYPE_CHECKING:
    from vst.modes.optimisation.stylizer import FrameStep, OptimisingStylizer

_log = logging.getLogger(__name__)

PREVIEW_SECONDS = 3.0
"""Between two previews."""


@dataclass(frozen=True)
class Optimisation:
    """The optimisation of a render's frames, ready to begin.

    Attributes:
        stylizer: Its steps are settled.
        settings: Of the render.
        size: Width and height of the frames that are optimised.
        seconds: About how many a frame takes.
        reduced: Whether the frames are smaller than the clip because no size was given.
    """

    stylizer: OptimisingStylizer
    settings: RenderSettings
    size: tuple[int, int]
    seconds: float
    reduced: bool

    @property
    def settled(self) -> RenderSettings:
        """The settings with the steps that seconds became."""
        return replace(self.settings, seconds=None, steps=self.stylizer.steps)

    def watch(
        self,
        stop: threading.Event | None,
        progress: Callable[[Progress], None] | None,
        frames: int | None,
    ) -> Callable[[Progress], None]:
        """Follow the steps of every frame; returns the callback for finished frames.

        Args:
            stop: Set by the caller to stop.
            progress: Called after every step and every frame.
            frames: Number of frames in all, if known.
        """
        watcher = StepWatcher(stop, progress, self.settings.preview, frames)
        self.stylizer.watch = watcher
        return watcher.counting(progress)

    def notes(self, frames: int | None) -> Iterator[str]:
        """What the user should know before the start.

        Args:
            frames: About how many are optimised, if known.
        """
        yield from self.stylizer.notes
        width, height = self.size
        if self.reduced:
            yield (
                f"optimised at {width}×{height}, because larger frames take long on a CPU; --size changes "
                "that"
            )
        what = "each frame" if frames is None else f"{frames} frame" + ("" if frames == 1 else "s")
        seconds = self.seconds * self.stylizer.share(frames or 1, width, height)
        yield f"{self.stylizer.steps} steps: about {duration(seconds)} for {what} at {width}×{height}"


def begin_optimisation(
    plan: RenderPlan,
    stylizer: Stylizer | None,
    size: tuple[int, int],
    earlier: Mapping[str, Any] | None,
) -> Optimisation | None:
    """Time a few steps, and make a number of steps of the seconds that a frame may take.

    A stopped render goes on with the number that it had.

    Args:
        plan: With `steps` or `seconds` in its settings.
        stylizer: What stylizes; the steps of one that optimises pixels are set.
        size: Width and height of the frames that are optimised.
        earlier: The description of an unfinished render of the same output, if there is one.

    Returns:
        None for other modes.
    """
    optimiser = _optimiser(plan, stylizer)
    if optimiser is None:
        return None
    settings = plan.settings
    each = optimiser.seconds_a_step(*size)
    sizes = level_sizes(*size, settings.levels)
    if settings.seconds is not None:
        known = _recorded_steps(settings, earlier)
        optimiser.steps = steps_within(settings.seconds / each, sizes) if known is None else known
    reduced = plan.default_side == min(size) and settings.size is None and settings.scale is None
    return Optimisation(optimiser, settings, size, each * cost(sizes, optimiser.steps), reduced)


def optimisation_fingerprint(plan: RenderPlan, stylizer: Stylizer | None) -> dict[str, str]:
    """What seconds became: time decides nothing after that. Empty for other modes."""
    optimiser = _optimiser(plan, stylizer)
    return {} if optimiser is None else {flag_of("steps"): str(optimiser.steps)}


def _optimiser(plan: RenderPlan, stylizer: Stylizer | None) -> OptimisingStylizer | None:
    """What stylizes, if it optimises pixels."""
    if not isinstance(plan.style, PaintingStyle):
        return None
    from vst.modes.optimisation.stylizer import OptimisingStylizer  # here: networks do without

    return stylizer if isinstance(stylizer, OptimisingStylizer) else None


def _recorded_steps(settings: RenderSettings, earlier: Mapping[str, Any] | None) -> int | None:
    """The steps that an unfinished render with the same seconds had."""
    found = {} if earlier is None else earlier.get("fingerprint")
    if not isinstance(found, dict) or found.get(flag_of("seconds")) != str(settings.seconds):
        return None
    text = found.get(flag_of("steps"))
    return int(text) if isinstance(text, str) and text.isdecimal() and 0 < len(text) < 7 else None


def duration(seconds: float) -> str:
    """``20 seconds``, ``3 minutes``, ``2.5 hours``: as exact as an estimate is."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            value = seconds / length
            return f"{value:.1f} {unit}s" if value < 3 else f"{round(value)} {unit}s"
    whole = max(1, math.ceil(seconds))
    return f"{whole} second" + ("" if whole == 1 else "s")


class StepWatcher:
    """Follows the optimisation of frames: progress, preview, and the user's wish to stop.

    Args:
        stop: Set by the caller to stop.
        progress: Called after every step.
        preview: The picture to write every few seconds.
        frames: Number of frames in all, if known.
    """

    def __init__(
        self,
        stop: threading.Event | None,
        progress: Callable[[Progress], None] | None,
        preview: Path | None,
        frames: int | None,
    ) -> None:
        self._stop, self._progress, self._preview, self._frames = stop, progress, preview, frames
        self._began = self._written = time.monotonic()
        self._first = 0.0
        self._done = 0

    def __call__(self, step: FrameStep) -> bool:
        """Called after each evaluation; returns False to stop."""
        now = time.monotonic()
        if step.number <= 1:
            self._began, self._first = now, step.done
        if self._progress is not None:
            work = step.done - self._first
            left = (now - self._began) / work * (1 - step.done) if work else None
            steps = StepProgress(step.number, step.steps, dict(step.losses), left, step.part)
            self._progress(Progress(self._done, self._frames, 0.0, None, "stylize", steps))
        last = step.number == step.steps
        if self._preview is not None and (last or now - self._written >= PREVIEW_SECONDS):
            self._write(self._preview, step.image)
            self._written = time.monotonic()
        return self._stop is None or not self._stop.is_set()

    def counting(self, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
        """The callback for finished frames: counts them, and passes them on."""

        def finished(now: Progress) -> None:
            self._done = now.frame
            if progress is not None:
                progress(now)

        return finished

    def _write(self, path: Path, image: torch.Tensor) -> None:

        pixels = (image.cpu() * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, PREVIEWS[path.suffix.lower()], quality=92)
        try:
            write_whole(path, data.getvalue())
        except MediaError as error:  # a render does not end because nobody can look at it
            _log.warning("%s; the render goes on without a preview", error)
            self._preview = None
