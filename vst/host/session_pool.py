"""The sessions of an engine: each loaded once, for the settings of the requests that use it."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import torch

from vst.device import choose_device, choose_precision
from vst.errors import UsageError
from vst.host.protocol import Request
from vst.host.replay import ReplaySession
from vst.keyframes import Schedule
from vst.modes import create_stylizer, find_mode
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.session import StylizerSession
from vst.styles import ResolvedStyle, resolve_style

_MAX_SESSIONS = 4
"""Sessions that stay loaded. A small network takes 7 MB; flow networks on a GPU take more."""

AUTO_INTERVAL = 8
"""Frames from a keyframe to the next where the host does not say the frame rate."""

_MAX_DENOMINATOR = 1001
"""Hosts give the frame rate as a number; the exact one is a fraction such as 30000/1001."""


def check_mode_for_editors(name: str) -> None:
    """Refuse a mode that does not exist, or that frames of an editor cannot have.

    Raises:
        UsageError: with what to do.
    """
    mode = find_mode(name)
    if mode.whole_shot:
        raise UsageError(
            f"mode {name} needs all frames of a shot at once, which editors do not give: choose another "
            "mode, or use vst render"
        )
    if mode.optimises:
        raise UsageError(
            f"mode {name} takes minutes for a frame: choose a mode with a network, or use vst render"
        )


class SessionPool:
    """The most recently used sessions, each loaded once."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[bytes, ReplaySession] = OrderedDict()
        self._styles: dict[tuple[str, str, Path | None], tuple[ResolvedStyle, list[_Stamp]]] = {}

    def find(self, request: Request) -> ReplaySession:
        """The session that stylizes as `vst render` does with these settings.

        Raises:
            VstError: The style, mode or device does not exist, or weights are damaged.
        """
        check_mode_for_editors(request.settings.mode)
        device = choose_device(request.settings.device)
        precision = choose_precision("auto", device)
        style, stamps = self._resolve(request)
        settings = (
            request.settings.style,
            request.settings.mode,
            str(device),
            precision,
            torch.__version__,
            stamps,
            request.settings.keep_borders,
            request.settings.keyframe_interval or f"auto {automatic_interval(request.clip.frame_rate)}",
        )
        key = repr(settings).encode()
        found = self._sessions.get(key)
        if found is None:
            found = _load(request, style, device, precision, key)
            self._sessions[key] = found
            while len(self._sessions) > _MAX_SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(key)
        return found

    def _resolve(self, request: Request) -> tuple[ResolvedStyle, list[_Stamp]]:
        """The weight files of the request, resolved again when one of them has changed."""
        key = (request.settings.style, request.settings.mode, request.settings.weights_dir)
        known = self._styles.get(key)
        if known is not None and known[1] == _stamps(known[0].files):
            return known
        style = resolve_style(
            request.settings.style, request.settings.mode, weights_dir=request.settings.weights_dir
        )
        self._styles[key] = style, _stamps(style.files)
        return self._styles[key]


def automatic_interval(frame_rate: float) -> int:
    """Frames from a keyframe to the next that `--keyframe-interval auto` takes.

    Args:
        frame_rate: Of the clip, in frames a second; 0 if the host does not say it.
    """
    if frame_rate <= 0:
        return AUTO_INTERVAL
    rate = Fraction(frame_rate).limit_denominator(_MAX_DENOMINATOR) or Fraction(frame_rate)
    return Schedule().longest(1 / rate)


def _load(
    request: Request, style: ResolvedStyle, device: torch.device, precision: torch.dtype, key: bytes
) -> ReplaySession:
    """Load what a request is stylized with.

    Args:
        request: The request.
        style: Its style.
        device: Where networks run.
        precision: Of the networks.
        key: Of the settings, for the fingerprint.
    """
    stylizer = create_stylizer(style, device=device, precision=precision)
    interval = request.settings.keyframe_interval
    if interval is None:
        interval = automatic_interval(request.clip.frame_rate) if stylizer.conditioned else 1
    motion = None
    if stylizer.conditioned or interval > 1:
        motion = EstimatedMotion(create_estimator("auto", device=device, precision=precision))

    def session(look_ahead: bool) -> StylizerSession:
        return StylizerSession(
            stylizer,
            motion,
            keep_borders=request.settings.keep_borders,
            keyframes=Schedule(interval, look_ahead) if interval > 1 else None,
        )

    name = "" if motion is None else motion.name
    waiting = session(look_ahead=True) if interval > 1 else None
    return ReplaySession(session(look_ahead=False), device, key + name.encode(), waiting, interval)


_Stamp = tuple[str, int, int]
"""Path, time of modification and size of a file."""


def _stamps(files: tuple[Path, ...]) -> list[_Stamp]:
    try:
        stats = [(str(path), path.stat()) for path in files]
    except OSError:
        return []  # resolving says what is missing
    return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]
