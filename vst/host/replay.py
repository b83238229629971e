"""Sessions that stylize from any frame whose preceding state is cached."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from vst.borders import NONE, Borders, Look, ShotBorders, follow
from vst.device import choose_device, choose_precision
from vst.frame import Frame
from vst.host.protocol import Request
from vst.keyframes import Schedule
from vst.modes import check_mode, create_stylizer
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.memory_estimate import explained_memory
from vst.pipeline.session import ShotState, StylizerSession
from vst.styles import ResolvedStyle, resolve_style

_MAX_SESSIONS = 4
"""Sessions that stay loaded. A small network takes 7 MB; flow networks on a GPU take more."""


KEYFRAMES = Schedule(8, look_ahead=False)
"""Of modes that are conditioned on the past: no frame waits for later ones, which many hosts do not give,
and the interval is that of 24 frames a second, since hosts do not say how many there are."""

_LESS_MEMORY = "use smaller frames, or larger strokes with --style-scale"
"""What to do when an editor's frame does not fit into memory."""


class SourceFrame(Protocol):
    """A frame of the host's clip; what it is asked for may have to be fetched."""

    @property
    def look(self) -> Look:
        """What the frame says about borders."""
        ...

    def holds(self, borders: Borders) -> bool:
        """Whether borders are still borders in this frame."""
        ...

    def image(self, borders: Borders) -> Tensor:
        """The picture inside of borders, 3×h×w, R'G'B', nominally 0..1, at working resolution."""
        ...


@dataclass(frozen=True)
class ReplayStep:
    """A stylized frame of a shot.

    Attributes:
        stylized: The picture inside the borders, 3×h×w, 0..1, on the CPU.
        borders: That are left as they are.
        state: After the frame.
    """

    stylized: Tensor
    borders: Borders
    state: ShotState


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
        self.keeps_borders = session.keeps_borders
        """Whether borders of one colour are left as they are."""
        self.seconds = 0.0
        """Time spent stylizing so far."""
        self._session = session
        self._device = device
        self._state: ShotState | None = None

    def step(self, frame: SourceFrame, state: ShotState | None, position: int, seed: int) -> ReplayStep:
        """Stylize the next frame of a shot.

        Args:
            frame: From the host.
            state: After the previous frame; None at the start of the shot.
            position: In the shot, from 0.
            seed: For modes that draw random numbers.
        """
        borders = self._borders_at(frame, state, position)
        # Fetching it may answer other requests, so the session is not touched before.
        image = frame.image(NONE if borders is None else borders.borders)
        started = time.monotonic()
        self._take_up(state, borders)
        torch.manual_seed(seed + position)
        with explained_memory(self._device, _LESS_MEMORY):
            stylized = self._session.advance(Frame(position, Fraction(position), Fraction(1), image))
        self._state = self._session.snapshot()
        self.seconds += time.monotonic() - started
        return ReplayStep(stylized, NONE if borders is None else borders.borders, self._state)

    def skip(self, frame: SourceFrame, state: ShotState | None, position: int) -> ShotState:
        """The state after a frame that is not stylized; for modes whose frames share only borders."""
        borders = self._borders_at(frame, state, position)
        self._take_up(state, borders)
        self._state = self._session.snapshot()
        return self._state

    def replay(
        self,
        frame_at: Callable[[int], SourceFrame],
        numbers: range,
        state: ShotState | None,
        position: int,
        seed: int,
    ) -> Iterator[tuple[int, ReplayStep | ShotState]]:
        """Stylize up to a frame, with what its stylization needs of the frames before.

        Args:
            frame_at: Gets a frame from the host.
            numbers: The frames after the one with the state; the last is stylized.
            state: After the frame before; None at the start of the shot.
            position: In the shot, of the first of them.
            seed: For modes that draw random numbers.

        Yields:
            The number of each frame, with its step, or with the state after it if it was not stylized.
        """
        for place, number in enumerate(numbers, position):
            frame = frame_at(number)
            if number < numbers[-1] and not self.temporal:
                state = self.skip(frame, state, place)
                yield number, state
                continue
            step = self.step(frame, state, place, seed)
            state = step.state
            yield number, step

    def _borders_at(self, frame: SourceFrame, state: ShotState | None, position: int) -> ShotBorders | None:
        if not self.keeps_borders:
            return None
        before = None if state is None else self._session.borders_in(state)
        return follow(before, frame.look, frame.holds, position)

    def _take_up(self, state: ShotState | None, borders: ShotBorders | None) -> None:
        if state is None:
            self._session.begin_shot()
        elif state is not self._state:
            self._session.restore(state)
        self._state = None  # a step that fails leaves no valid state
        if borders is not None:
            self._session.enter(borders)


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
            request.settings.keep_borders,
            KEYFRAMES,
        )
        key = repr(settings).encode()
        found = self._sessions.get(key)
        if found is None:
            stylizer = create_stylizer(style, device=device, precision=precision)
            motion = None
            if stylizer.conditioned:
                motion = EstimatedMotion(create_estimator("auto", device=device, precision=precision))
            name = "" if motion is None else motion.name
            session = StylizerSession(
                stylizer,
                motion,
                keep_borders=request.settings.keep_borders,
                keyframes=KEYFRAMES if stylizer.conditioned else None,
            )
            found = ReplaySession(session, device, key + name.encode())
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
