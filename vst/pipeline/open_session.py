"""The session of a render: what stylizes its frames, and where their motion comes from."""

from __future__ import annotations

import logging

import torch

from vst.keyframe_interval import AUTO
from vst.keyframes import Schedule
from vst.media import Reader
from vst.modes import Stylizer, create_stylizer
from vst.modes.backend_choice import AUTO as AUTO_BACKEND
from vst.modes.backend_choice import BackendRequest
from vst.modes.create import create_optimiser
from vst.motion import open_motion
from vst.motion.files.recorded import is_recorded
from vst.nn.backends import TORCH
from vst.pipeline.optimisation import config_of
from vst.pipeline.plan import RenderPlan, stylized_frames
from vst.pipeline.session import StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.postprocess import Postprocess
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle

_log = logging.getLogger(__name__)


def open_session(
    plan: RenderPlan,
    reader: Reader,
    size: tuple[int, int],
    working: tuple[int, int] | None,
    recorded: str | None = None,
) -> StylizerSession:
    """The session of a render: its network loaded and its motion source open.

    Args:
        plan: What to render.
        reader: The clip.
        size: Width and height of the output.
        working: Width and height at which frames are stylized.
        recorded: The backend that an earlier run chose.
    """
    info, settings = reader.info, plan.settings
    stylizer = motion = keyframes = None
    if plan.stylizes:
        request = BackendRequest(settings.backend, working, stylized_frames(plan, info), recorded)
        stylizer = open_stylizer(plan.style, settings, plan.device, plan.precision, request)
        interval = settings.keyframe_interval
        if interval is None:
            interval = AUTO if stylizer.conditioned else 1
        if interval != 1:
            keyframes = Schedule(interval, settings.look_ahead != "0")
        moves = stylizer.conditioned or keyframes is not None
        if moves and not (info.is_still and is_recorded(settings.flow)):
            motion = open_motion(
                settings.flow,
                clip=info.first_file,
                size=(info.width, info.height),
                frames=info.frames,
                device=plan.device,
                precision=plan.precision,
            )
    return StylizerSession(
        stylizer,
        motion,
        Postprocess(settings.strength, settings.keep_color, settings.follow_light),
        working,
        size,
        keep_borders=settings.keep_borders,
        inside_working=plan.inside_working,
        keyframes=keyframes,
    )


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
    """
    if isinstance(style, PaintingStyle):
        if backend.name not in (TORCH, AUTO_BACKEND):
            _log.warning("mode %s runs on torch: it takes no other backend", style.mode)
        return create_optimiser(
            style,
            config_of(settings),
            device=device,
            precision=precision,
            pooling=settings.pooling,
        )
    return create_stylizer(style, device=device, precision=precision, tile=settings.tile, backend=backend)
