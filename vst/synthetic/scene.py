"""A synthetic clip whose motion and occlusion are known exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vst.frame import Frame, Motion
from vst.synthetic.config import SceneConfig
from vst.synthetic.paths import Matrix, scale_of
from vst.synthetic.world import SceneLayer, World, random_world, sample

_GRACE = 5e-4
"""By how much of a pixel a point may lie outside of the frame by rounding; as in ``vst.motion.inside``."""

Floats = NDArray[np.float64]


class Scene:
    """Textured layers under a moving camera, rendered frame by frame in any order.

    Every frame is a pure function of the configuration and its number, so a scene can be pickled, shared by
    workers and asked for any frame at any time. Coordinates are pixels with whole numbers at the centres.
    A layer shows at a point where the point is within its outline and within no nearer one's.

    Args:
        config: What the scene is made of.
        worlds: The shots, one, or two if the configuration has a cut; None makes random ones.
    """

    def __init__(self, config: SceneConfig, worlds: tuple[World, ...] | None = None) -> None:
        shots = 1 if config.cut is None else 2
        if worlds is None:
            rng = np.random.default_rng((config.seed, 0))
            worlds = tuple(random_world(config, rng) for _ in range(shots))
        if len(worlds) != shots:
            raise ValueError(
                f"a scene with {shots - 1} cuts was given {len(worlds)} worlds; expected {shots}"
            )
        self.config = config
        self.worlds = worlds
        rng = np.random.default_rng((config.seed, 1))
        self._light_periods = rng.uniform(40, 120, 5)
        self._light_phases = rng.uniform(0, 2 * math.pi, 5)

    def __len__(self) -> int:
        return self.config.frames

    def shot(self, t: float) -> int:
        """Which shot frame t belongs to: 0, or 1 from the cut on.

        Raises:
            IndexError: There is no such frame.
        """
        if not 0 <= t < self.config.frames:
            raise IndexError(f"frame {t} of a scene with frames 0 to {self.config.frames - 1}")
        return int(self.config.cut is not None and t >= self.config.cut)

    def shot_start(self, t: int) -> int:
        """The first frame of the shot that frame t belongs to."""
        return self.config.cut if self.config.cut is not None and t >= self.config.cut else 0

    # --- pictures ----------------------------------------------------------------------------------

    def clean(self, t: float) -> Tensor:
        """Frame t, or a moment between two, in constant light and without noise: 3×H×W, 0..1."""
        world = self.worlds[self.shot(t)]
        image = np.empty((3, self.config.height, self.config.width), np.float32)
        for layer, matrix, box in self._seen(world, t):
            x, y = _own_coordinates(matrix, box, np.float32)
            colours = sample(layer.texture, x, y)
            part = image[:, box[0], box[1]]
            if layer.shape is None:
                part[:] = colours
            else:
                # An edge one pixel wide, half covered on the outline itself.
                cover = 0.5 - layer.shape.distance(x, y) * scale_of(matrix)
                part += cover.clip(0, 1).astype(np.float32) * (colours - part)
        return torch.from_numpy(image.clip(0, 1, out=image))

    def frame(self, t: int) -> Tensor:
        """Frame t as the camera records it, with the light of the moment and the sensor's noise.

        Returns:
            3×H×W, clipped to 0..1.
        """
        image = self.clean(t)
        if self.config.lighting > 0:
            image *= self.light(t)
        if self.config.noise > 0:
            noise = torch.Generator().manual_seed(
                int(np.random.SeedSequence((self.config.seed, 2, t)).generate_state(1)[0])
            )
            image += self.config.noise * torch.randn(image.shape, generator=noise)
        return image.clamp_(0, 1)

    def light(self, t: int) -> Tensor:
        """What the light multiplies frame t with: 3×H×W, within 1 ± ``config.lighting``."""
        wave = np.sin(2 * math.pi * t / self._light_periods + self._light_phases)
        # Parts of the whole: brightness 0.6, tint 0.2, and a slope over the picture of 0.2.
        of_channel = 0.6 * wave[0] + 0.2 * np.array([wave[1], 0.0, -wave[1]])
        x = (np.linspace(-0.1, 0.1, self.config.width) * wave[2])[None, None, :]
        rest = (
            of_channel[:, None, None]
            + (np.linspace(-0.1, 0.1, self.config.height) * wave[3])[None, :, None]
        )
        amount = self.config.lighting
        return torch.from_numpy((1 + amount * rest).astype(np.float32) + (amount * x).astype(np.float32))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """The clip, or frames ``start`` up to ``stop`` of it, one by one."""
        for t in range(start, self.config.frames if stop is None else stop):
            yield Frame(t, Fraction(t) / self.config.rate, 1 / Fraction(self.config.rate), self.frame(t))

    # --- motion ------------------------------------------------------------------------------------

    def layers(self, t: int) -> Tensor:
        """Which layer every pixel of frame t shows: 1×H×W uint8, 0 the background, the nearest highest."""
        return torch.from_numpy(self._ids(self.worlds[self.shot(t)], t))[None]

    def flow(self, t: int, s: int) -> Tensor:
        """Where what frame t shows was in frame s, for any two frames.

        Returns:
            2×H×W, pixels, x then y: pixel p of frame t shows what was at p + flow(p) in frame s, whether
            it could be seen there or not. Zero between two shots, where nothing corresponds.
        """
        if self.shot(t) != self.shot(s):
            return torch.zeros(2, self.config.height, self.config.width)
        world = self.worlds[self.shot(t)]
        x, y = self._targets(world, self._ids(world, t), t, s)
        rows, columns = self._pixels()
        return torch.from_numpy(np.stack((x - columns, y - rows)).astype(np.float32))

    def visible(self, t: int, s: int, margin: float = 0.0) -> Tensor:
        """Where frame s shows what frame t shows.

        Args:
            t: The frame on whose grid the answer is.
            s: Any other frame.
            margin: Where an outline passes closer than this many pixels in either frame, nothing is taken
                as visible: colours there are mixtures of two things, in the frame or by interpolation.

        Returns:
            1×H×W float, 1 where the point seen at pixel p of frame t is in the picture and unhidden in
            frame s, exactly, between pixels too; 0 elsewhere, and everywhere between two shots.
        """
        shape = (self.config.height, self.config.width)
        if self.shot(t) != self.shot(s):
            return torch.zeros(1, *shape)
        world = self.worlds[self.shot(t)]
        ids = self._ids(world, t)
        x, y = self._targets(world, ids, t, s)
        seen = (x >= -_GRACE) & (x <= shape[1] - 1 + _GRACE) & (y >= -_GRACE) & (y <= shape[0] - 1 + _GRACE)
        rows, columns = self._pixels()
        here = (np.broadcast_to(columns, shape), np.broadcast_to(rows, shape))
        for index, layer in enumerate(world.layers):
            if layer.shape is None:
                continue
            for (px, py), time in (((x, y), s), (here, t)):
                if time == t and margin <= 0:
                    continue  # what hides a pixel at t is what the pixel shows
                matrix = world.matrix(index, time)
                reach = layer.shape.radius * scale_of(matrix) + max(margin, 0.0)
                near = (
                    seen
                    & (ids <= index)
                    & ((px - matrix[0, 2]) ** 2 + (py - matrix[1, 2]) ** 2 <= reach**2)
                )
                at = np.nonzero(near)
                if not len(at[0]):
                    continue
                back = np.linalg.inv(matrix)
                u = back[0, 0] * px[at] + back[0, 1] * py[at] + back[0, 2]
                v = back[1, 0] * px[at] + back[1, 1] * py[at] + back[1, 2]
                distance = layer.shape.distance(u, v) * scale_of(matrix)
                bad = (distance <= 0) & (ids[at] < index)
                if margin > 0:
                    bad |= np.abs(distance) < margin
                seen[at] &= ~bad
        return torch.from_numpy(seen.astype(np.float32))[None]

    def motion(self, t: int, distance: int = 1, margin: float = 0.0) -> Motion:
        """How frame t relates to the frame ``distance`` earlier: exact flow, and as mask the visibility.

        Raises:
            IndexError: There is no such earlier frame.
        """
        return Motion(self.flow(t, t - distance), self.visible(t, t - distance, margin), distance)

    def motions(self, t: int, distances: Iterable[int], margin: float = 0.0) -> dict[int, Motion]:
        """The motions of frame t to those of the earlier frames that its shot has."""
        start = self.shot_start(t)
        return {d: self.motion(t, d, margin) for d in distances if t - d >= start}

    def reappearing(self, t: int, gap: int, margin: float = 0.0) -> Tensor:
        """Where frame t shows again what was hidden for exactly ``gap`` frames before it.

        Args:
            t: The frame.
            gap: For how many frames.
            margin: As in ``visible``, for the frames before and after.

        Returns:
            1×H×W float, 1 where the point at p can be seen at t and at t − gap − 1, and in none of the
            frames between; all 0 where the shot does not go back so far.
        """
        region = torch.zeros(1, self.config.height, self.config.width)
        if t - gap - 1 < self.shot_start(t):
            return region
        region += self.visible(t, t - gap - 1, margin)
        for s in range(t - gap, t):
            if not region.any():
                break
            region *= 1 - self.visible(t, s)
        return region

    # --- geometry ----------------------------------------------------------------------------------

    def _pixels(self) -> tuple[Floats, Floats]:
        """Row numbers H×1 and column numbers 1×W."""
        return (
            np.arange(self.config.height, dtype=np.float64)[:, None],
            np.arange(self.config.width, dtype=np.float64)[None, :],
        )

    def _seen(self, world: World, t: float) -> Iterator[tuple[SceneLayer, Matrix, tuple[slice, slice]]]:
        """From far to near: each layer that may show at t, its matrix, and the pixels it may cover."""
        for index, layer in enumerate(world.layers):
            matrix = world.matrix(index, t)
            rows, columns = slice(0, self.config.height), slice(0, self.config.width)
            if layer.shape is not None:
                reach = layer.shape.radius * scale_of(matrix) + 1
                rows = _span(matrix[1, 2], reach, self.config.height)
                columns = _span(matrix[0, 2], reach, self.config.width)
            if rows.start < rows.stop and columns.start < columns.stop:
                yield layer, matrix, (rows, columns)

    def _ids(self, world: World, t: int) -> NDArray[np.uint8]:
        ids = np.zeros((self.config.height, self.config.width), np.uint8)
        index = {id(layer): i for i, layer in enumerate(world.layers)}
        for layer, matrix, box in self._seen(world, t):
            if layer.shape is not None:
                ids[box][layer.shape.distance(*_own_coordinates(matrix, box)) <= 0] = index[id(layer)]
        return ids

    def _targets(self, world: World, ids: NDArray[np.uint8], t: int, s: int) -> tuple[Floats, Floats]:
        """Where in frame s every pixel's point of frame t is: x and y, H×W."""
        rows, columns = self._pixels()
        x, y = np.empty(ids.shape), np.empty(ids.shape)
        for index in range(len(world.layers)):
            here = ids == index
            if not here.any():
                continue
            m = world.matrix(index, s) @ np.linalg.inv(world.matrix(index, t))
            if s == t:
                m = np.eye(3)
            np.copyto(x, m[0, 0] * columns + m[0, 1] * rows + m[0, 2], where=here)
            np.copyto(y, m[1, 0] * columns + m[1, 1] * rows + m[1, 2], where=here)
        return x, y


def _own_coordinates(
    matrix: Matrix, box: tuple[slice, slice], dtype: type[np.floating] = np.float64
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """A layer's own coordinates of the pixels in a box of rows and columns."""
    back = np.linalg.inv(matrix)
    y = np.arange(box[0].start, box[0].stop, dtype=np.float64)[:, None]
    x = np.arange(box[1].start, box[1].stop, dtype=np.float64)[None, :]
    u = (back[0, 0] * x + back[0, 2]).astype(dtype) + (back[0, 1] * y).astype(dtype)
    v = (back[1, 0] * x + back[1, 2]).astype(dtype) + (back[1, 1] * y).astype(dtype)
    return u, v


def _span(middle: float, reach: float, size: int) -> slice:
    """The pixels of 0..size−1 within ``reach`` of ``middle``."""
    return slice(max(0, math.ceil(middle - reach)), max(0, min(size, math.floor(middle + reach) + 1)))
