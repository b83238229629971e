"""One shot of a scene: textured layers, and a camera that looks at them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from vst.synthetic.config import SceneConfig
from vst.synthetic.paths import Camera, Curve, Matrix, Pose, Shuttle, Wave, scale_of
from vst.synthetic.shapes import Shape, random_shape
from vst.synthetic.textures import Image, band_limit, dead_leaves, from_photograph


@dataclass(frozen=True)
class SceneLayer:
    """A textured thing that moves. Its own coordinates are pixels at unit scale around its middle."""

    texture: Image
    """h×w×3, 0..1, one texel a pixel at unit scale; mirrored beyond its border."""
    pose: Pose
    """Its own coordinates to the world's."""
    shape: Shape | None = None
    """Its outline; None covers everything."""
    nearness: float = 1.0
    """How fast it passes when the camera pans, as a multiple of the background's speed."""


@dataclass(frozen=True)
class World:
    """Layers from far to near, and the camera."""

    layers: tuple[SceneLayer, ...]
    camera: Camera

    def matrix(self, layer: int, t: float) -> Matrix:
        """3×3 map from a layer's own coordinates to pixels at frame t."""
        each = self.layers[layer]
        return self.camera.at(t, each.nearness) @ each.pose.at(t)


def random_world(config: SceneConfig, rng: np.random.Generator) -> World:
    """Things of random shape and texture that cross each other in front of a background.

    Half of them go to and fro on a line through the middle of the picture, half wander on curves.
    """
    camera = random_camera(config, rng)
    layers = [background(config, rng, camera)]
    short = min(config.width, config.height)
    for i in range(config.objects):
        size = short * rng.uniform(config.min_size, config.max_size)
        speed = rng.uniform(config.min_speed, config.max_speed)
        middle = (
            config.width * rng.uniform(0.35, 0.65),
            config.height * rng.uniform(0.35, 0.65),
        )
        direction, phase = rng.uniform(0, 2 * math.pi), rng.uniform(0, 2 * math.pi)
        reach = rng.uniform(0.3, 0.6) * short
        x: Curve
        y: Curve
        if i % 2 == 0:
            x, y = to_and_fro(middle, direction, reach, speed, phase)
        else:
            x, y = wander(middle, direction, reach, speed, phase)
        spin = config.spin * rng.uniform(-1, 1)
        period = rng.uniform(40, 90)
        pose = Pose(
            x,
            y,
            Wave(amplitude=spin * period / (2 * math.pi), period=period, phase=phase),
            Wave(amplitude=rng.uniform(0, 0.1), period=period * 1.7, phase=direction),
        )
        nearness = 1 + config.parallax * (i + 1) / config.objects
        layers.append(thing(config, rng, camera, random_shape(rng, size), pose, nearness))
    return World(tuple(layers), camera)


def random_camera(config: SceneConfig, rng: np.random.Generator) -> Camera:
    """A camera that floats: slow waves sideways, up, in and out."""

    def wave(peak: float, period: float) -> Wave:
        """A wave whose fastest change is ``peak`` a frame."""
        return Wave(
            amplitude=peak * period / (2 * math.pi), period=period, phase=rng.uniform(0, 2 * math.pi)
        )

    share = rng.uniform(0.3, 0.95)
    return Camera(
        ((config.width - 1) / 2, (config.height - 1) / 2),
        wave(config.pan * share, rng.uniform(60, 140)),
        wave(config.pan * math.sqrt(1 - share**2), rng.uniform(60, 140)),
        Wave(
            amplitude=config.roll * rng.uniform(0.3, 1),
            period=rng.uniform(70, 150),
            phase=rng.uniform(0, 6),
        ),
        Wave(
            amplitude=math.log1p(config.zoom) * rng.uniform(0.3, 1),
            period=rng.uniform(70, 150),
            phase=rng.uniform(0, 6),
        ),
    )


def to_and_fro(
    middle: tuple[float, float], direction: float, reach: float, speed: float, phase: float
) -> tuple[Shuttle, Shuttle]:
    """A path on a line through ``middle``, ``reach`` pixels to either side, at constant speed."""
    period = 4 * reach / max(speed, 1e-3)
    return (
        Shuttle(middle[0], reach * math.cos(direction), period, phase),
        Shuttle(middle[1], reach * math.sin(direction), period, phase),
    )


def wander(
    middle: tuple[float, float], direction: float, reach: float, speed: float, phase: float
) -> tuple[Wave, Wave]:
    """A closed curve about ``middle`` (a Lissajous figure 1:2); no faster than ``speed``."""
    period = 2 * math.pi * reach * math.hypot(math.cos(direction), math.sin(direction)) / max(speed, 1e-3)
    return (
        Wave(middle[0], 0.0, reach * math.cos(direction), period, phase),
        Wave(middle[1], 0.0, reach * math.sin(direction) / 2, period / 2, phase + direction),
    )


def background(config: SceneConfig, rng: np.random.Generator, camera: Camera) -> SceneLayer:
    """A layer that covers everything, with some picture to spare beyond the frame."""
    spare = 1.4
    size = (math.ceil(config.width * spare), math.ceil(config.height * spare))
    pose = Pose(Wave(camera.centre[0]), Wave(camera.centre[1]))
    return SceneLayer(_texture(config, rng, camera, pose, size, 150), pose)


def thing(
    config: SceneConfig,
    rng: np.random.Generator,
    camera: Camera,
    shape: Shape,
    pose: Pose,
    nearness: float = 1.0,
) -> SceneLayer:
    """A layer with an outline, and a texture large enough for it."""
    side = math.ceil(2 * shape.radius) + 4
    return SceneLayer(_texture(config, rng, camera, pose, (side, side), 20), pose, shape, nearness)


def _texture(
    config: SceneConfig,
    rng: np.random.Generator,
    camera: Camera,
    pose: Pose,
    size: tuple[int, int],
    leaves: int,
) -> Image:
    """A picture of about ``size`` (width, height), soft enough for the widest zoom."""
    if config.textures is None:
        picture = dead_leaves(rng, *size, leaves)
    else:
        photo = config.textures[int(rng.integers(len(config.textures)))]
        picture = from_photograph(photo, rng, *size)
    least = min(
        scale_of(camera.at(t, 1.0)) * scale_of(pose.at(t))
        for t in np.linspace(0, config.frames - 1, 33).tolist()
    )
    return band_limit(picture, config.softness / min(least, 1.0))


def sample(texture: Image, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float32]:
    """A texture at points in its layer's coordinates: bicubic, 3×h×w."""
    h, w = texture.shape[:2]
    grid = np.stack((x * (2 / (w - 1)), y * (2 / (h - 1))), axis=-1).astype(np.float32)
    planes = torch.from_numpy(texture).permute(2, 0, 1)[None]
    # Bicubic reaches over the frame's border by two texels; "reflection" mirrors those as well.
    out = F.grid_sample(planes, torch.from_numpy(grid)[None], "bicubic", "reflection", align_corners=True)
    return out[0].numpy()
