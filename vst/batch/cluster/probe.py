"""Whether two machines make the same bits: what they are, and the hash of a frame that both stylize."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from vst.device import choose_device
from vst.frame import Frame
from vst.modes.backend_choice import AUTO, BackendChoice, BackendRequest
from vst.motion import MotionSource, open_motion
from vst.motion.files.recorded import is_recorded
from vst.nn.backends import BACKENDS, TORCH
from vst.pipeline.fingerprint import Fingerprint, changes, machine_fingerprint
from vst.pipeline.open_session import keyframe_schedule, open_stylizer
from vst.pipeline.optimisation import precision_of
from vst.pipeline.regions.styles import resolve_styles
from vst.pipeline.session import StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.pipeline.threads import arithmetic_threads
from vst.postprocess import Postprocess
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle

_WIDTH, _HEIGHT, _BLOCK, _FRAMES = 256, 160, 8, 3


@dataclass(frozen=True)
class MachineReport:
    """What a machine makes of settings.

    Attributes:
        fingerprint: Hardware, weights and versions.
        frame_hash: SHA-256 of stylized probe frames.
    """

    fingerprint: Fingerprint
    frame_hash: str

    def differences(self, other: MachineReport) -> list[str]:
        """Why another machine makes other bits than this one; nothing if it makes the same."""
        found = changes(self.fingerprint, other.fingerprint)
        if not found and self.frame_hash != other.frame_hash:
            found = ["its processor rounds differently: a probe frame has another hash"]
        return found


def probe(settings: RenderSettings) -> MachineReport:
    """Stylize a few probe frames as a render would; in modes that optimise pixels, only say what is here.

    Which backend is the quickest is for the plan to decide: where that is left to it, each is tried.

    Args:
        settings: Of the render.

    Raises:
        UsageError: The style, mode or estimator is unknown here.
        VstError: The device or estimator is not available.
    """
    device = choose_device(settings.device)
    precision = precision_of(settings, device)
    digest = hashlib.sha256()
    with arithmetic_threads(settings.threads):
        weights: tuple[Path, ...] = ()
        motion: MotionSource | None = None
        versions: dict[str, str] = {}
        if settings.stylizes:
            style, others, _ = resolve_styles(settings)
            weights = tuple(dict.fromkeys(path for each in (others or (style,)) for path in each.files))
            for name in _backends(settings, device):
                motion = None
                if isinstance(style, PaintingStyle):
                    break
                session = _session(settings, style, device, precision, name)
                motion = session.motion
                versions |= {} if name == TORCH else {name: BACKENDS[name].version}
                # With recorded flow, a conditioned network has no past here: the first frame of a shot.
                for frame in session.process(list(_frames())[: 1 if motion is None else _FRAMES]):
                    digest.update(frame.image.contiguous().numpy().tobytes())
        choice = BackendChoice(settings.backend)
        found = machine_fingerprint(device, precision, weights, motion, choice) | versions
    return MachineReport(found, digest.hexdigest())


def _backends(settings: RenderSettings, device: torch.device) -> list[str]:
    """The backends that may run the network."""
    if settings.backend != AUTO:
        return [settings.backend]
    others = [name for name, entry in BACKENDS.items() if name != TORCH and entry.missing is None]
    return [TORCH, *(others if device.type == "cpu" else ())]


def _session(
    settings: RenderSettings,
    style: ResolvedStyle,
    device: torch.device,
    precision: torch.dtype,
    backend: str,
) -> StylizerSession:
    stylizer = open_stylizer(style, settings, device, precision, BackendRequest(backend))
    keyframes, motion = keyframe_schedule(settings, stylizer), None
    if (keyframes is not None or stylizer.conditioned) and not is_recorded(settings.flow):
        size = (_WIDTH, _HEIGHT)
        motion = open_motion(
            settings.flow, clip=Path(), size=size, frames=_FRAMES, device=device, precision=precision
        )
    postprocess = Postprocess(1.0, settings.chosen_colour, settings.follow_light)
    return StylizerSession(stylizer, motion, postprocess, keyframes=None if motion is None else keyframes)


def _frames() -> Iterator[Frame]:
    """Blocks of random colours that move; made of integers, so equal everywhere."""
    blocks = np.random.default_rng(7).integers(0, 256, (3, _HEIGHT // _BLOCK, _WIDTH // _BLOCK))
    picture = blocks.repeat(_BLOCK, 1).repeat(_BLOCK, 2).astype(np.float32) / np.float32(255)
    for index in range(_FRAMES):
        moved = np.ascontiguousarray(np.roll(picture, 3 * index, 2))
        yield Frame(index, Fraction(index, 25), Fraction(1, 25), torch.from_numpy(moved))
