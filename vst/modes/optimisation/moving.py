"""Moving textures: stationary in time, and looping.

Every pixel follows a flow that never changes. What it advects is a still texture, which the flow would
shear more and more. So two copies are advected, half a period apart, and each fades out where it has been
advected for long. When that happens differs from place to place: no frame is special, and after one period
all is as it was. Frames are then optimised one after another, each held to the one before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vst.device import deterministic
from vst.modes.optimisation.minimise import Step
from vst.modes.optimisation.periodic import sampled_periodic
from vst.modes.optimisation.synthesis import Canvas, Synthesis
from vst.modes.optimisation.terms import TemporalTerm

WARM_UP = 4
"""Frames before the first one, which are thrown away: until then frames become better."""

CLOSING = 48
"""The last frames of a loop, at most, which become the first one as it was before."""

FRAMES_A_TURN = 96
"""After about so many frames a pixel has been given another piece of the still texture."""

DEFAULT_SPEED = 1 / 320
"""Of the shorter side of the picture, in a frame: root mean square of the flow."""

_WAVES = 3
"""The largest frequency of the flow: that many waves across the picture."""

_WALK = 24
"""The most steps by which a place is advected along the flow."""

_TO_GUIDE = 0.15
"""Of each frame's start, what comes of the still texture; the rest is the frame before."""

_HELD = 300.0
"""Weight of the squared distance from the start."""

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Motion:
    """How a texture moves.

    Attributes:
        frames: Number of frames.
        speed: Pixels a frame, root mean square.
        loop: Whether the first frame follows the last one.
        steps: Evaluations for each frame.
        seed: Of the flow.
    """

    frames: int
    speed: float
    loop: bool
    steps: int
    seed: int = 0

    @property
    def period(self) -> int:
        """Frames after which all is as it was."""
        return self.frames if self.loop else 2 * self.frames

    @property
    def turns(self) -> int:
        """How often, in a period, every pixel is given another piece of the still texture."""
        return max(1, round(self.period / FRAMES_A_TURN))

    def closing(self, number: int) -> float:
        """How much of a frame, 0..1, is the first one, advected back from the end of the loop.

        The frame before has some of it already, so this is what makes the whole of it grow evenly.
        """
        left = self.frames - number
        return 1 / (left + 1) if left <= CLOSING else 0.0


class AdvectedTexture:
    """A still texture that a flow advects, at any time of a period.

    Args:
        still: 3×H×W, 0..1, without a seam where it repeats.
        motion: How it moves.

    Attributes:
        velocity: 2×H×W, pixels a frame, x then y; without sources, and periodic.
    """

    def __init__(self, still: Tensor, motion: Motion) -> None:
        self._still, self._motion = still, motion
        height, width = still.shape[-2:]
        generator = torch.Generator().manual_seed(motion.seed)
        stream = smooth_field(width, height, generator)
        # The curl of a stream function has no sources: nothing is squeezed or thinned out.
        down, across = _slopes(stream)
        velocity = torch.stack((down, -across)).to(still.device)
        length = velocity.square().sum(0).mean().sqrt().clamp_min(1e-9)
        self.velocity = velocity * (motion.speed / length)
        phase = smooth_field(width, height, generator)
        # Ranks instead of values: at every time as many pixels are at each phase.
        order = phase.flatten().argsort().argsort().reshape(phase.shape)
        self._phase = (order / phase.numel()).to(still)
        self._mean = still.mean((1, 2), keepdim=True)

    def at(self, number: int) -> Tensor:
        """The advected texture of a frame, 3×H×W; contrast is that of the still one."""
        motion = self._motion
        turn = (number % motion.period) / motion.period * motion.turns
        total, squares = torch.zeros_like(self._still), torch.zeros_like(self._phase)
        for half in (0.0, 0.5):
            whole = turn + half + self._phase
            share = whole.remainder(1.0)
            weight = 1 - (2 * share - 1).abs()
            x, y = self._advected((share - 0.5) * (motion.period / motion.turns))
            # Both copies, and each turn, show another piece; the first one comes again after the last.
            piece = (whole.floor().remainder(motion.turns) + half) * _GOLDEN
            height, width = self._still.shape[-2:]
            found = sampled_periodic(self._still, x + piece * width, y + piece * height)
            total += weight * (found - self._mean)
            squares += weight.square()
        return (self._mean + total / squares.sqrt().clamp_min(1e-6)).clamp(0, 1)

    def advect(self, picture: Tensor, frames: int) -> Tensor:
        """A picture, 3×H×W, advected by so many frames, or back by as many."""
        return sampled_periodic(picture, *self._advected(torch.full_like(self._phase, frames)))

    def _grid(self) -> tuple[Tensor, Tensor]:
        height, width = self._still.shape[-2:]
        rows = torch.arange(height, device=self._still.device, dtype=self._still.dtype)
        columns = torch.arange(width, device=self._still.device, dtype=self._still.dtype)
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        return x, y

    def _advected(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Where what is seen at each place was, so many frames before, H×W."""
        x, y = self._grid()
        count = min(_WALK, max(1, math.ceil(float(frames.abs().max()))))
        step = frames / count
        for _ in range(count):
            # The midpoint method.
            u, v = sampled_periodic(self.velocity, x, y, "bilinear")
            u, v = sampled_periodic(self.velocity, x - step * u / 2, y - step * v / 2, "bilinear")
            x, y = x - step * u, y - step * v
        return x, y


def moving_texture(
    synthesis: Synthesis,
    still: Tensor,
    motion: Motion,
    watch: Callable[[Step], bool] | None = None,
) -> Iterator[Tensor]:
    """The frames of a moving texture, one after another.

    Args:
        synthesis: Of periodic pictures.
        still: From its `picture`.
        motion: How it moves.
        watch: Called after every evaluation; returns False to stop: no frame follows.

    Yields:
        3×H×W, 0..1.
    """
    advected = AdvectedTexture(still, motion)
    first: Tensor | None = None
    before: Tensor | None = None
    height, width = still.shape[-2:]
    canvas = Canvas(width, height, 1.0, synthesis.memory(width, height).tile)
    trust = still.new_ones(1, 1, height, width)
    with deterministic(still.device):
        for number in range(-WARM_UP, motion.frames):
            start = advected.at(number)
            if before is not None:
                start = _mixed(advected.advect(before, 1), start, _TO_GUIDE)
            if first is not None and motion.loop and (share := motion.closing(number)):
                start = _mixed(start, advected.advect(first, number - motion.frames), share)
            held = TemporalTerm(_HELD, start[None], trust)
            found = synthesis.minimise(canvas, start, motion.steps, watch or _go_on, [held])
            if found.stopped:
                return
            before = found.image
            if number == 0:
                first = before
            if number >= 0:
                yield before.clamp(0, 1)


def _mixed(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Two pictures, 3×H×W, with a share of the other, and the contrast that they have."""
    mixed = torch.lerp(one, other, share)
    first, second = (each.std((1, 2), keepdim=True) for each in (one, other))
    wanted = torch.lerp(first, second, share)
    mean, found = mixed.mean((1, 2), keepdim=True), mixed.std((1, 2), keepdim=True)
    return mean + (mixed - mean) * (wanted / found.clamp_min(1e-6))


def smooth_field(width: int, height: int, generator: torch.Generator) -> Tensor:
    """Random waves of few frequencies, H×W in fp32, that repeat at the sides."""
    rows, columns = torch.arange(height) / height, torch.arange(width) / width
    total = torch.zeros(height, width)
    for down in range(_WAVES + 1):
        for across in range(-_WAVES, _WAVES + 1):
            square = down**2 + across**2
            if not 0 < square <= _WAVES**2:
                continue
            height_of_wave, angle = (
                torch.randn((), generator=generator),
                torch.rand((), generator=generator),
            )
            waves = down * rows[:, None] + across * columns + angle
            total += height_of_wave / square * torch.cos(2 * math.pi * waves)
    return total


def _slopes(field: Tensor) -> tuple[Tensor, Tensor]:
    """Down and across, by differences of neighbours on both sides."""
    slopes: Sequence[Tensor] = [(field.roll(-1, axis) - field.roll(1, axis)) / 2 for axis in (0, 1)]
    return slopes[0], slopes[1]


def _go_on(step: Step) -> bool:
    return True
