"""Everything about a render that can be decided, and refused, before a file is opened."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from vst.device import choose_device
from vst.errors import UsageError
from vst.keyframe_interval import AUTO as AUTO_INTERVAL
from vst.keyframes import Schedule
from vst.media import ClipInfo, Reader
from vst.media.decode.clip_range import ClipRange
from vst.modes import find_mode
from vst.modes.backend_choice import AUTO
from vst.motion import check_estimator
from vst.motion.files.recorded import is_recorded
from vst.nn import backends
from vst.nn.backends import TORCH
from vst.pipeline.frame_size import inside_working_size, working_size
from vst.pipeline.optimisation import CPU_SIDE, check_preview, precision_of
from vst.pipeline.output_path import output_path
from vst.pipeline.regions.layers import Layers
from vst.pipeline.regions.styles import resolve_styles
from vst.pipeline.settings import RenderSettings
from vst.stream_paths import is_output_stream, is_stream
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle


@dataclass(frozen=True)
class RenderPlan:
    """A render that can begin.

    Attributes:
        source: The clip, picture or image sequence.
        target: The output.
        settings: The user's settings.
        clip_range: The part of the clip that is rendered.
        style: The style or blend with its weight files, or with its paintings.
        device: Where networks run.
        precision: Of the networks.
        layers: Masks and regions; None if there are none, or they change nothing.
        region_styles: The style of each of their stylizations, likewise.
    """

    source: Path
    target: Path
    settings: RenderSettings
    clip_range: ClipRange
    style: ResolvedStyle | PaintingStyle
    device: torch.device
    precision: torch.dtype
    layers: Layers | None = None
    region_styles: tuple[ResolvedStyle | PaintingStyle, ...] = ()

    @property
    def styles(self) -> tuple[ResolvedStyle | PaintingStyle, ...]:
        """Everything that is stylized with: nothing at strength 0."""
        if not self.stylizes:
            return ()
        return self.region_styles or (self.style,)

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The weight files of all styles, each once."""
        return tuple(dict.fromkeys(path for style in self.styles for path in style.files))

    @property
    def stylizes(self) -> bool:
        """Whether anything is stylized; see `RenderSettings.stylizes`."""
        return self.settings.stylizes

    @property
    def default_side(self) -> int | None:
        """The longest short side of frames if no size is given; None: any."""
        slow = self.stylizes and isinstance(self.style, PaintingStyle) and self.device.type == "cpu"
        return CPU_SIDE if slow else None

    def working(self, width: int, height: int) -> tuple[int, int] | None:
        """Width and height at which frames of an output size are stylized; None: they are not.

        Networks have strokes of a fixed size in pixels; optimisation takes paintings of a size that suits
        the frame.

        Raises:
            UsageError: as `working_size`.
        """
        if not self.stylizes:
            return None
        if isinstance(self.style, PaintingStyle):
            return width, height
        return working_size(width, height, self.settings.style_scale)

    @property
    def inside_working(self) -> Callable[[int, int], tuple[int, int]] | None:
        """The same for the picture inside borders; None: its own size."""
        if isinstance(self.style, PaintingStyle):
            return None
        return partial(inside_working_size, style_scale=self.settings.style_scale)

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
    style, region_styles, layers = resolve_styles(settings)
    device = choose_device(settings.device)
    precision = precision_of(settings, device)
    check_backend(settings.backend, device)
    if isinstance(style, PaintingStyle):
        pictures = tuple(path for each in (style, *region_styles) for path in each.files)
        check_preview(settings, source, target, pictures)
    check_estimator(settings.flow)
    if is_stream(source) and settings.loop:
        raise UsageError(f"{source} is a stream, which cannot be a loop: leave --loop out")
    if is_stream(source) and is_recorded(settings.flow):
        raise UsageError(f"{source} is a stream, which has no recorded flow: leave --flow out")
    return RenderPlan(source, target, settings, clip_range, style, device, precision, layers, region_styles)


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
    frames = plan.clip_range.count(*plan.clip_range.expected_start(clip), clip)
    interval = plan.settings.keyframe_interval
    if interval is None:
        mode = find_mode(plan.settings.mode)
        held = mode.temporal and not (mode.optimises and plan.settings.temporal_weight == 0)
        interval = AUTO_INTERVAL if held and not mode.whole_shot else 1
    if frames is None or not clip.average_rate:
        return frames
    return math.ceil(frames / Schedule(interval).longest(1 / clip.average_rate))
