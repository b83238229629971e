"""The session of a render: what stylizes its frames, their motion, and what changes over the clip."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from vst.colour_modes import LUMINANCE
from vst.errors import UsageError
from vst.frame import Frame
from vst.keyframe_interval import AUTO
from vst.keyframes import Schedule
from vst.media import ClipInfo, Reader
from vst.modes import backend_of, create_stylizer
from vst.modes.adapters import GrayStylizer, IndependentStylizer
from vst.modes.backend_choice import AUTO as AUTO_BACKEND
from vst.modes.backend_choice import BackendRequest
from vst.modes.create import create_optimiser
from vst.modes.stylizer import Stylizer
from vst.motion import MotionSource, open_motion
from vst.motion.files.recorded import is_recorded
from vst.nn.backends import TORCH
from vst.pipeline.control.frame_control import Clock, FrameControl
from vst.pipeline.control.timeline import Timeline
from vst.pipeline.loop import close_loop
from vst.pipeline.luminance_mode import KEYFRAMES_FROM
from vst.pipeline.optimisation import config_of
from vst.pipeline.plan import RenderPlan, stylized_frames
from vst.pipeline.regions.frame_masks import RegionMasks
from vst.pipeline.regions.region_stylizer import RegionStylizer, ScaledStylizer
from vst.pipeline.session import StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.pipeline.shot_files import ShotFiles
from vst.pipeline.working_frame import WorkingFrame
from vst.postprocess import Postprocess
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle

_log = logging.getLogger(__name__)


def open_session(
    plan: RenderPlan,
    reader: Reader,
    size: tuple[int, int],
    working: tuple[int, int] | None,
    *,
    recorded: str | None = None,
    shots: ShotFiles | None = None,
    masks: RegionMasks | None = None,
) -> StylizerSession:
    """The session of a render: its network loaded and its motion source open.

    Args:
        plan: What to render.
        reader: The clip.
        size: Width and height of the output.
        working: Width and height at which frames are stylized.
        recorded: The backend that an earlier run chose.
        shots: Where shots are stored, for modes that work on whole ones.
        masks: Which part of the picture is stylized how; None: frames are not stylized, or all alike.

    Raises:
        UsageError: The mode does not have the steadiness, cannot close a loop, or works on whole shots and
            there is no place for them.
        WeightsError: A weight file is damaged.
        VstError: The flow estimator is not available.
    """
    info, settings = reader.info, plan.settings
    stylizer = motion = keyframes = control = None
    if plan.stylizes:
        control = _control(plan, info)
        frames = stylized_frames(plan, info)
        request = BackendRequest(settings.backend, working, frames, recorded)
        stylizer = _stylizer(plan, request)
        keyframes = keyframe_schedule(settings, stylizer)
        moves = stylizer.conditioned or stylizer.whole_shot or keyframes is not None
        if moves and not (info.is_still and is_recorded(settings.flow)):
            motion = _motion(plan, info)
    strength = 1.0 if isinstance(settings.strength, Timeline) else settings.strength
    session = StylizerSession(
        stylizer,
        motion,
        Postprocess(strength if plan.stylizes else 0.0, settings.chosen_colour, settings.follow_light),
        working,
        size,
        keep_borders=settings.keep_borders,
        inside_working=plan.inside_working,
        keyframes=keyframes,
        control=control,
        hold=settings.hold if plan.stylizes else 1,
        shots=shots,
        masks=masks,
    )
    if settings.loop:
        close_loop(plan, reader, session)
    return session


def _control(plan: RenderPlan, clip: ClipInfo) -> FrameControl | None:
    """What changes over the clip; None if nothing does."""
    settings = plan.settings
    if settings.style_change is None and not isinstance(settings.strength, Timeline):
        return None
    styles = plan.style.selection.styles if isinstance(plan.style, ResolvedStyle) else ()
    return FrameControl(styles, Clock.of(clip), settings.style_change, settings.strength)


def _stylizer(plan: RenderPlan, backend: BackendRequest) -> Stylizer:
    """What stylizes the frames: of regions, a stylizer for each of their stylizations."""
    settings, device, precision = plan.settings, plan.device, plan.precision
    if plan.layers is None or not plan.region_styles:
        return open_stylizer(plan.style, settings, device, precision, backend)
    if isinstance(plan.style, PaintingStyle):
        return _optimiser(plan.style, settings, device, precision, backend, _painted(plan))
    parts: list[Stylizer] = []
    for stylization, style in zip(plan.layers.stylizations, plan.region_styles, strict=True):
        part = open_stylizer(style, settings, device, precision, backend)
        if stylization.style_scale is not None:
            part = ScaledStylizer(part, stylization.style_scale)
        parts.append(part)
        # What `auto` chose for the first serves all: a render has one backend.
        backend = replace(backend, name=backend_of(parts[0]).name)
    return parts[0] if len(parts) == 1 else RegionStylizer(parts)


def open_stylizer(
    style: ResolvedStyle | PaintingStyle,
    settings: RenderSettings,
    device: torch.device,
    precision: torch.dtype,
    backend: BackendRequest = BackendRequest(),  # noqa: B008 — frozen
) -> Stylizer:
    """What stylizes frames: a network, or what optimises their pixels.

    Args:
        style: From `vst.pipeline.optimisation.resolve`.
        settings: With everything else.
        device: Where networks run.
        precision: Of the networks.
        backend: What runs a network on whole frames.

    Raises:
        UsageError: The mode does not have the steadiness.
    """
    if isinstance(style, PaintingStyle):
        return _optimiser(style, settings, device, precision, backend)
    stylizer: Stylizer = create_stylizer(
        style,
        device=device,
        precision=precision,
        tile=settings.tile,
        backend=backend,
        mixture_of=None if settings.style_change is None else _mixture_of,
    )
    if settings.chosen_colour == LUMINANCE:
        stylizer = GrayStylizer(stylizer)
    if settings.steadiness == 0:
        return IndependentStylizer(stylizer)
    if settings.steadiness < 1 and stylizer.every_frame:
        raise UsageError(
            f"steadiness is {settings.steadiness:g}; mode {settings.mode} has a memory of its own and "
            "takes 0 or 1: give --mode vtn for what is between"
        )
    return stylizer


def _painted(plan: RenderPlan) -> list[tuple[PaintingStyle, float | None]]:
    """What each stylization of the regions is matched with, and the size of its strokes."""
    assert plan.layers is not None
    return [
        (style, stylization.style_scale)
        for stylization, style in zip(plan.layers.stylizations, plan.region_styles, strict=True)
        if isinstance(style, PaintingStyle)
    ]


def _optimiser(
    style: PaintingStyle,
    settings: RenderSettings,
    device: torch.device,
    precision: torch.dtype,
    backend: BackendRequest,
    regions: Sequence[tuple[PaintingStyle, float | None]] = (),
) -> Stylizer:
    if backend.name not in (TORCH, AUTO_BACKEND):
        _log.warning("mode %s runs on torch: it takes no other backend", style.mode)
    return create_optimiser(
        style,
        config_of(settings),
        device=device,
        precision=precision,
        pooling=settings.pooling,
        regions=regions,
        shares_of=_shares_of,
    )


def _shares_of(frame: Frame) -> Tensor | None:
    return frame.shares if isinstance(frame, WorkingFrame) else None


def _mixture_of(frame: Frame) -> Sequence[float] | None:
    return frame.mixture if isinstance(frame, WorkingFrame) else None


def keyframe_schedule(settings: RenderSettings, stylizer: Stylizer) -> Schedule | None:
    """Which frames are keyframes; None: each is stylized, from the one before if the stylizer takes it."""
    if settings.steadiness == 0:
        return None
    interval = settings.keyframe_interval
    if interval is None:
        interval = AUTO if stylizer.conditioned or settings.mode in KEYFRAMES_FROM else 1
    if interval == 1 and (settings.steadiness == 1 or not stylizer.conditioned):
        return None
    return Schedule(interval, settings.look_ahead != "0", settings.steadiness)


def _motion(plan: RenderPlan, clip: ClipInfo) -> MotionSource:
    return open_motion(
        plan.settings.flow,
        clip=clip.first_file,
        size=(clip.width, clip.height),
        frames=clip.frames,
        device=plan.device,
        precision=plan.precision,
    )
