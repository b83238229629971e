"""Scenes by name, each made to show one thing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vst.errors import UsageError, suggestion
from vst.synthetic.config import SceneConfig
from vst.synthetic.paths import STILL, Camera, Pose, Wave
from vst.synthetic.scene import Scene
from vst.synthetic.shapes import random_shape, rectangle
from vst.synthetic.world import World, background, random_world, thing, to_and_fro


def cut(width: int = 640, height: int = 360, frames: int = 80, seed: int = 7) -> Scene:
    """Everything at once: parallax, crossings, drifting light, noise and, past the middle, a hard cut."""
    return Scene(SceneConfig(width, height, frames, seed=seed, objects=5, cut=frames * 9 // 16))


def crossing(width: int = 640, height: int = 360, frames: int = 80, seed: int = 11) -> Scene:
    """Things that cross, hide each other and come back, at 3 pixels a frame or more; a still camera."""
    config = SceneConfig(
        width,
        height,
        frames,
        seed=seed,
        objects=5,
        min_speed=3.0,
        max_speed=5.0,
        spin=0.0,
        pan=0.0,
        zoom=0.0,
        roll=0.0,
        lighting=0.03,
        noise=0.005,
    )
    rng = np.random.default_rng((seed, 0))
    camera = _still_camera(config)
    layers = [background(config, rng, camera)]
    short = min(width, height)
    for i in range(config.objects):
        speed = rng.uniform(config.min_speed, config.max_speed)
        direction = math.pi * (i / config.objects + rng.uniform(-0.05, 0.05))
        middle = (
            width / 2 + 0.1 * short * rng.uniform(-1, 1),
            height / 2 + 0.1 * short * rng.uniform(-1, 1),
        )
        x, y = to_and_fro(middle, direction, 0.45 * short, speed, rng.uniform(0, 2 * math.pi))
        shape = random_shape(rng, short * rng.uniform(0.12, 0.22))
        layers.append(thing(config, rng, camera, shape, Pose(x, y)))
    return Scene(config, (World(tuple(layers), camera),))


def hidden(width: int = 640, height: int = 360, frames: int = 80, seed: int = 13, gap: int = 8) -> Scene:
    """A wall goes to and fro and hides what it passes for exactly ``gap`` frames; the camera pans slowly.

    ``Scene.reappearing(t, gap)`` tells what has just come back. The gap is another one only where the wall
    turns round.
    """
    if gap < 1:
        raise ValueError(f"a gap of {gap} frames; expected at least 1")
    config = SceneConfig(width, height, frames, seed=seed, objects=1, lighting=0.03, noise=0.005)
    rng = np.random.default_rng((seed, 0))
    camera = replace(_still_camera(config), x=Wave(rate=0.3), y=Wave(rate=-0.1))
    speed = max(2.0, min(0.03 * width, 0.4 * width / gap))
    wall = rectangle(gap * speed, 0.7 * height)
    # Both places off the grid: no pixel lies on the wall's edge, where rounding would decide.
    reach = 0.35 * width + 0.2371
    x, _ = to_and_fro(((width - 1) / 2, 0.0), 0.0, reach, speed, 0.0)
    layers = (
        background(config, rng, camera),
        thing(config, rng, camera, wall, Pose(x, Wave((height - 1) / 2 + 0.0371))),
    )
    return Scene(config, (World(layers, camera),))


def still_noisy(width: int = 640, height: int = 360, frames: int = 80, seed: int = 17) -> Scene:
    """Nothing moves, but there is noise and the light drifts: every change of the output is flicker."""
    config = SceneConfig(
        width, height, frames, seed=seed, objects=3, pan=0.0, zoom=0.0, roll=0.0, lighting=0.04, noise=0.02
    )
    world = random_world(config, np.random.default_rng((seed, 0)))
    frozen = tuple(
        replace(layer, pose=Pose(*(Wave(c.at(0)) for c in (p.x, p.y, p.angle, p.log_scale))))
        for layer in world.layers
        for p in (layer.pose,)
    )
    return Scene(config, (World(frozen, _still_camera(config)),))


def pan(width: int = 640, height: int = 360, frames: int = 80, seed: int = 19) -> Scene:
    """The camera pans steadily, near things pass faster; nothing else moves."""
    config = SceneConfig(width, height, frames, seed=seed, objects=4, lighting=0.0, noise=0.005)
    return _with_camera(config, x=Wave(rate=1.7), y=Wave(rate=0.4))


def zoom(width: int = 640, height: int = 360, frames: int = 80, seed: int = 23) -> Scene:
    """The camera zooms in steadily, by a half over 80 frames; nothing else moves."""
    config = SceneConfig(width, height, frames, seed=seed, objects=4, lighting=0.0, noise=0.005)
    return _with_camera(config, log_zoom=Wave(rate=math.log(1.5) / 80))


PRESETS: dict[str, Callable[..., Scene]] = {
    "cut": cut,
    "crossing": crossing,
    "hidden": hidden,
    "still_noisy": still_noisy,
    "pan": pan,
    "zoom": zoom,
}
"""The scenes by name. Each takes width, height, frames and seed; ``hidden`` takes a gap as well."""


def create_scene(name: str, **options: int) -> Scene:
    """A scene by name.

    Args:
        name: A key of ``PRESETS``.
        options: width, height, frames, seed; gap for ``hidden``.

    Raises:
        UsageError: There is no scene of that name.
    """
    if name not in PRESETS:
        raise UsageError(f"unknown scene '{name}': {suggestion(name, PRESETS)}")
    return PRESETS[name](**options)


def _still_camera(config: SceneConfig) -> Camera:
    return Camera(((config.width - 1) / 2, (config.height - 1) / 2))


def _with_camera(config: SceneConfig, x: Wave = STILL, y: Wave = STILL, log_zoom: Wave = STILL) -> Scene:
    """Things at rest, spread over the picture, under a camera that moves."""
    rng = np.random.default_rng((config.seed, 0))
    camera = replace(_still_camera(config), x=x, y=y, log_zoom=log_zoom)
    layers = [background(config, rng, camera)]
    short = min(config.width, config.height)
    for i in range(config.objects):
        place = (
            config.width * (i + rng.uniform(0.3, 0.7)) / config.objects,
            config.height * rng.uniform(0.25, 0.75),
        )
        nearness = 1 + config.parallax * (i + 1) / config.objects
        shape = random_shape(rng, short * rng.uniform(config.min_size, config.max_size))
        pose = Pose(Wave(place[0]), Wave(place[1]), Wave(rng.uniform(-40, 40)))
        layers.append(thing(config, rng, camera, shape, pose, nearness))
    return Scene(config, (World(tuple(layers), camera),))
