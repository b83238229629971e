"""Everything about a render that can be decided, and refused, before a file is opened."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path

import torch

from vst.device import choose_device, choose_precision
from vst.errors import UsageError
from vst.keyframe_interval import AUTO as AUTO_INTERVAL
from vst.keyframes import Schedule
from vst.media import ClipInfo, Reader
from vst.media.decode.clip_range import ClipRange
from vst.modes import check_mode, find_mode
from vst.modes.backend_choice import AUTO
from vst.motion import check_estimator
from vst.motion.files.recorded import is_recorded
from vst.nn import backends
from vst.nn.backends import TORCH
from vst.pipeline.output_path import output_path
from vst.pipeline.settings import RenderSettings
from vst.stream_paths import is_output_stream, is_stream
from vst.styles import ResolvedStyle, resolve_style


@dataclass(frozen=True)
class RenderPlan:
    """A render that can begin.

    Attributes:
        source: The clip, picture or image sequence.
        target: The output.
        settings: The user's settings.
        clip_range: The part of the clip that is rendered.
        style: The style or blend with its weight files.
        device: Where networks run.
        precision: Of the networks.
    """

    source: Path
    target: Path
    settings: RenderSettings
    clip_range: ClipRange
    style: ResolvedStyle
    device: torch.device
    precision: torch.dtype

    @property
    def stylizes(self) -> bool:
        """Whether anything is stylized: at strength 0 nothing is."""
        return self.settings.strength > 0

    @property
    def resumes(self) -> bool:
        """Whether the same render can go on after it was stopped: not if a stream is read or written."""
        return not (is_stream(self.source) or is_output_stream(self.target))

    def open_reader(self, stop: threading.Event | None = None, like: Reader | None = None) -> Reader:
        """The clip, opened from its beginning.

        Args:
            stop: Ends the waiting for a stream once it is set.
            like: An earlier reader, so that the clip is not described again.
        """
        return Reader(
            self.source,
            max_damaged=self.settings.max_damaged,
            fps=self.settings.fps,
            hdr=self.settings.hdr,
            deinterlace=self.settings.deinterlace,
            hwaccel=self.settings.hwaccel,
            input_color=self.settings.input_color,
            for_exr=self.target.suffix.lower() == ".exr",
            stop=stop,
            like=like,
        )


def plan_render(source: Path | str, settings: RenderSettings, output: Path | str | None) -> RenderPlan:
    """Resolve style, device and output.

    Raises:
        UsageError: An unknown style, mode, device or flow estimator, or a backend on a GPU.
        VstError: The device, backend or estimator is not available.
    """
    source = Path(source)
    target = output_path(source, settings, None if output is None else Path(output))
    clip_range = settings.clip_range
    check_mode(settings.mode)
    style = resolve_style(
        settings.style, settings.mode, quality=settings.quality, weights_dir=settings.weights_dir
    )
    device = choose_device(settings.device)
    precision = choose_precision(settings.precision, device)
    check_backend(settings.backend, device)
    check_estimator(settings.flow)
    if is_stream(source) and is_recorded(settings.flow):
        raise UsageError(f"{source} is a stream, which has no recorded flow: leave --flow out")
    return RenderPlan(source, target, settings, clip_range, style, device, precision)


def check_backend(name: str, device: torch.device) -> None:
    """Refuse a backend that is not installed, or not for a device.

    Raises:
        UsageError: A backend of the CPU is to run on a GPU.
        VstError: Its package is missing.
    """
    if name in (AUTO, TORCH):
        return
    backends.check_backend(name)
    if device.type != "cpu":
        raise UsageError(f"backend {name} is for the CPU: use --device cpu or --backend {TORCH}")


def stylized_frames(plan: RenderPlan, clip: ClipInfo) -> int | None:
    """About how many frames a network stylizes; None if that is unknown.

    Args:
        plan: What to render.
        clip: The clip.
    """
    frames = plan.clip_range.count(0, clip.start, clip)
    interval = plan.settings.keyframe_interval
    if interval is None:
        interval = AUTO_INTERVAL if find_mode(plan.settings.mode).temporal else 1
    if frames is None or not clip.average_rate:
        return frames
    return math.ceil(frames / Schedule(interval).longest(1 / clip.average_rate))
