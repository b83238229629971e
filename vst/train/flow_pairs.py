"""Pairs of frames with exact flow, to train flow networks on: moving objects cut from photographs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vst.modes.training import to_unit
from vst.synthetic import Scene, SceneConfig
from vst.synthetic.paths import Camera, Pose, Wave
from vst.synthetic.shapes import random_shape
from vst.synthetic.world import World, background, thing

_SLOWEST = 0.7
"""Peak speed of the slowest scenes, pixels a frame."""

_PAIR = (1, 2)
"""The frames of a scene that are taken: there is time before and after them for an open shutter."""


@dataclass(frozen=True)
class Pair:
    """Two frames and how they are related.

    Attributes:
        frames: 2×3×H×W, uint8.
        flow: 2×2×H×W float32, pixels, x then y: from the first frame to the second on the first's grid, and
            from the second to the first on the second's. Exact, also where the other frame hides what this
            one shows.
    """

    frames: Tensor
    flow: Tensor


def flow_pair(
    photos: Sequence[np.ndarray], width: int, height: int, fastest: float, rng: np.random.Generator
) -> Pair:
    """A pair of its own scene: slow or fast, near objects before far ones, sometimes blurred by motion.

    Peak speed is drawn evenly on a scale of logarithms, so that small motion, which most clips have, and
    large, which is hard, are both met often.

    Args:
        photos: What objects are cut from, each H×W×3 uint8.
        width: Of the frames, pixels.
        height: Of the frames, pixels.
        fastest: The largest peak speed drawn, pixels a frame.
        rng: All that is random.
    """
    pace = math.exp(rng.uniform(math.log(_SLOWEST), math.log(fastest)))
    config = _config(photos, width, height, rng)
    scene = Scene(config, (_world(config, pace, rng),))
    # The shutter is open for this part of a frame's time; most are sharp.
    shutter = rng.uniform(0.2, 0.6) if rng.random() < 0.2 else 0.0
    grain = rng.uniform(0, 0.03) * rng.random()
    frames = []
    for t in _PAIR:
        image = _exposed(scene, t, shutter) * scene.light(t)
        image = image * float(1 + 0.03 * rng.standard_normal())
        image += grain * torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
        frames.append((image.clamp(0, 1) * 255).round().byte())
    return Pair(torch.stack(frames), torch.stack((scene.flow(*_PAIR), scene.flow(*_PAIR[::-1]))))


def _config(photos: Sequence[np.ndarray], width: int, height: int, rng: np.random.Generator) -> SceneConfig:
    textures = [to_unit(torch.from_numpy(photo.copy()).permute(2, 0, 1)) for photo in photos]
    return SceneConfig(
        width=width,
        height=height,
        frames=4,
        seed=int(rng.integers(2**31)),
        textures=textures if rng.random() < 0.9 else None,
        objects=int(rng.integers(2, 16)),
        min_size=0.04,
        max_size=float(rng.uniform(0.15, 0.5)),
        lighting=float(rng.uniform(0, 0.15)),
        softness=float(rng.uniform(0.3, 1.0)),
    )


def _world(config: SceneConfig, pace: float, rng: np.random.Generator) -> World:
    """Objects all over the picture under a moving camera; some are at rest."""
    centre = ((config.width - 1) / 2, (config.height - 1) / 2)
    right, down = _velocity(pace * rng.random(), rng)
    turn, swell = min(pace, 12.0), min(pace, 20.0)
    camera = Camera(
        centre,
        Wave(rate=right),
        Wave(rate=down),
        Wave(rate=0.2 * turn * rng.standard_normal()),
        Wave(rate=0.003 * swell * rng.standard_normal()),
    )
    layers = [background(config, rng, camera)]
    short = min(config.width, config.height)
    parallax = rng.uniform(0, 1.2)
    for i in range(config.objects):
        shape = random_shape(rng, short * rng.uniform(config.min_size, config.max_size))
        moving = float(rng.random() < 0.6)
        x, y = _velocity(moving * pace * rng.uniform(0.1, 1.5), rng)
        pose = Pose(
            Wave(config.width * rng.random(), x),
            Wave(config.height * rng.random(), y),
            Wave(rng.uniform(0, 360), moving * 0.4 * turn * rng.standard_normal()),
            Wave(0.0, moving * 0.004 * swell * rng.standard_normal()),
        )
        layers.append(thing(config, rng, camera, shape, pose, 1 + parallax * (i + 1) / config.objects))
    return World(tuple(layers), camera)


def _velocity(speed: float, rng: np.random.Generator) -> tuple[float, float]:
    angle = rng.uniform(0, 2 * math.pi)
    return speed * math.cos(angle), speed * math.sin(angle)


def _exposed(scene: Scene, t: int, shutter: float) -> Tensor:
    """A clean frame, 3×H×W, blurred by what moves while the shutter is open."""
    if shutter == 0:
        return scene.clean(t)
    moments = [t + shutter * (k / 4 - 0.5) for k in range(5)]
    return torch.stack([scene.clean(moment) for moment in moments]).mean(0)
