"""Sessions that stylize from any frame whose preceding state is cached."""

from __future__ import annotations

import time
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from vst.device import choose_device, choose_precision
from vst.frame import Frame
from vst.host.protocol import Request
from vst.modes import check_mode, create_stylizer
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.session import ShotState, StylizerSession
from vst.styles import ResolvedStyle, resolve_style

_MAX_SESSIONS = 4
"""Sessions that stay loaded. A small network takes 7 MB; flow networks on a GPU take more."""


_LESS_MEMORY = "use smaller frames, or larger strokes with --style-scale"
"""What to do when an editor's frame does not fit into memory."""


class ReplaySession:
    """Stylizes the frames of a shot, from any frame whose preceding state is cached.

    Args:
        session: Stylizes one frame after the other.
        device: The device of its networks.
        fingerprint: Of all that the pixels depend on except the frames: style, weights, device, precision
            and flow estimator.
    """

    def __init__(self, session: StylizerSession, device: torch.device, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self.temporal = session.temporal
        """Whether a stylized frame depends on those before it."""
        self.seconds = 0.0
        """Time spent stylizing so far."""
        self._session = session
        self._device = device
        self._state: ShotState | None = None

    def step(
        self, image: Tensor, state: ShotState | None, position: int, seed: int
    ) -> tuple[Tensor, ShotState]:
        """Stylize the next frame of a shot.

        Args:
            image: 3×H×W, R'G'B', nominally 0..1, at working resolution.
            state: After the previous frame; None at the start of the shot.
            position: In the shot, from 0.
            seed: For modes that draw random numbers.

        Returns:
            The stylized frame, 3×H×W, 0..1, on the CPU, and the state after it.
        """
        started = time.monotonic()
        if state is None:
            self._session.begin_shot()
        elif state is not self._state:
            self._session.restore(state)
        self._state = None  # a step that fails leaves no valid state
        torch.manual_seed(seed + position)
        with explained_memory(self._device, _LESS_MEMORY):
            stylized = self._session.advance(Frame(position, Fraction(position), Fraction(1), image))
        self._state = self._session.snapshot()
        self.seconds += time.monotonic() - started
        return stylized, self._state


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
        check_mode(request.settings.mode)
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
        )
        key = repr(settings).encode()
        found = self._sessions.get(key)
        if found is None:
            stylizer = create_stylizer(style, device=device, precision=precision)
            motion = None
            if stylizer.conditioned:
                motion = EstimatedMotion(create_estimator("auto", device=device, precision=precision))
            name = "" if motion is None else motion.name
            found = ReplaySession(StylizerSession(stylizer, motion), device, key + name.encode())
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


_Stamp = tuple[str, int, int]
"""Path, time of modification and size of a file."""


def _stamps(files: tuple[Path, ...]) -> list[_Stamp]:
    try:
        stats = [(str(path), path.stat()) for path in files]
    except OSError:
        return []  # resolving says what is missing
    return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]
