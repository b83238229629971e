"""A mode with its motion, that can go back to where it was."""

from __future__ import annotations

import time
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vst.device import choose_device, choose_precision
from vst.frame import Frame
from vst.host.protocol import Request
from vst.modes import Mode, check_mode, create_mode
from vst.modes.base import StatelessMode
from vst.motion import create_estimator
from vst.motion.estimator import Estimator
from vst.motion.tracking import Tracker
from vst.pipeline.memory_estimate import explained_memory
from vst.styles import load_catalogue, parse_blend

State = tuple[Any, Any]
"""Snapshots of the mode and of its motion."""

_MOST_STUDIOS = 4
"""Networks that stay loaded; a small one is 7 MB, a device's share of flow networks more."""


class Studio:
    """Paints frame after frame of a shot, from any frame whose state is at hand.

    Args:
        mode: Paints.
        estimator: Gives the motion that the mode wants, if any.
        device: Where it paints.
        identity: What the pixels depend on beside the frames: style, weights, device, precision, estimator.
    """

    def __init__(
        self, mode: Mode, estimator: Estimator | None, device: torch.device, identity: bytes
    ) -> None:
        self.identity = identity
        self.remembers = not isinstance(mode, StatelessMode)
        """Whether a frame depends on those before it."""
        self.seconds = 0.0
        """Time spent in the networks so far."""
        self._mode = mode
        self._device = device
        self._tracker = Tracker(estimator, mode.distances) if estimator and mode.distances else None
        self._state: State | None = None

    def step(self, image: Tensor, state: State | None, position: int, seed: int) -> tuple[Tensor, State]:
        """Paint the next frame of a shot.

        Args:
            image: 3×H×W, R'G'B', nominally 0..1, as large as it is painted.
            state: After the frame before; None at the shot's start.
            position: In the shot, from 0.
            seed: Of what a mode draws at random.

        Returns:
            The painting, 3×H×W, 0..1, on the CPU, and the state after it.
        """
        began = time.monotonic()
        if state is None:
            self._mode.reset()
            if self._tracker is not None:
                self._tracker.clear()
        elif state is not self._state:
            self._mode.restore(state[0])
            if self._tracker is not None:
                self._tracker.restore(state[1])
        self._state = None  # a step that fails leaves nothing to go on from
        torch.manual_seed(seed + position)
        with explained_memory(self._device):
            motions = {} if self._tracker is None else self._tracker.advance(image)
            frame = Frame(position, Fraction(position), Fraction(1), image)
            painted = self._mode.step(frame, motions)
        after = (self._mode.snapshot(), None if self._tracker is None else self._tracker.snapshot())
        self._state = after
        self.seconds += time.monotonic() - began
        return painted, after


class Studios:
    """The studios that were asked for last, each loaded once."""

    def __init__(self) -> None:
        self._studios: OrderedDict[bytes, Studio] = OrderedDict()
        self._files: dict[tuple[str, str, Path | None], tuple[Path, ...]] = {}

    def find(self, request: Request) -> Studio:
        """The studio that paints as `vst render` would with these settings.

        Raises:
            VstError: for a style, mode or device that is not there, and for damaged weights.
        """
        check_mode(request.mode)
        device = choose_device(request.device)
        precision = choose_precision("auto", device)
        identity = repr(
            (request.style, request.mode, str(device), precision, torch.__version__, self._stamps(request))
        ).encode()
        studio = self._studios.get(identity)
        if studio is None:
            mode = create_mode(
                request.mode,
                request.style,
                device=device,
                precision=precision,
                weights_dir=request.weights_dir,
            )
            estimator = None
            if mode.distances:
                estimator = create_estimator("auto", device=device, precision=precision)
            studio = Studio(
                mode, estimator, device, identity + (estimator.name if estimator else "").encode()
            )
            self._studios[identity] = studio
            while len(self._studios) > _MOST_STUDIOS:
                self._studios.popitem(last=False)
        self._studios.move_to_end(identity)
        return studio

    def _stamps(self, request: Request) -> list[tuple[str, int, int]]:
        """Which weight files are meant, and which version of them."""
        key = (request.style, request.mode, request.weights_dir)
        try:
            return _stamps(self._files[key])
        except (KeyError, OSError):
            blend = parse_blend(request.style)
            chosen = load_catalogue(request.weights_dir).choose(blend, request.mode)
            self._files[key] = tuple(info.path for info in chosen.files)
            return _stamps(self._files[key])


def _stamps(files: tuple[Path, ...]) -> list[tuple[str, int, int]]:
    stats = [(str(path), path.stat()) for path in files]
    return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]
