"""The configuration of a synthetic scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from torch import Tensor


@dataclass(frozen=True)
class SceneConfig:
    """Configures a scene; equal configurations give equal frames, on every machine and in any order.

    Many attributes: one for each property of a scene.
    """

    width: int = 640
    """Width of a frame, pixels."""

    height: int = 360
    """Height of a frame, pixels."""

    frames: int = 80
    """Number of frames."""

    rate: Fraction = Fraction(25)
    """Frames a second."""

    seed: int = 0
    """Of all random numbers."""

    textures: Sequence[Tensor] | None = field(default=None, compare=False, repr=False)
    """Pictures to cut the layers from, float 3×h×w, 0..1, such as photographs; None: synthetic textures."""

    objects: int = 4
    """Number of things in front of the background."""

    min_size: float = 0.12
    """Radius of the smallest thing, as a part of the frame's shorter side."""

    max_size: float = 0.3
    """Radius of the largest thing, as a part of the frame's shorter side."""

    min_speed: float = 1.0
    """Peak speed of the slowest thing, pixels a frame, before the camera's own motion."""

    max_speed: float = 4.0
    """Peak speed of the fastest thing, pixels a frame."""

    spin: float = 1.0
    """Peak speed at which a thing turns, degrees a frame."""

    pan: float = 1.5
    """Peak speed of the camera sideways and up, pixels a frame at the background."""

    zoom: float = 0.08
    """How far the camera zooms in and out, as a part of its focal length."""

    roll: float = 1.5
    """How far the camera tilts to either side, degrees."""

    parallax: float = 0.6
    """How much faster than the background the nearest thing passes in a pan: 0.6 is 60 % more."""

    lighting: float = 0.06
    """Largest change of brightness by the drift of the light, to either side; 0 is constant light."""

    noise: float = 0.01
    """Standard deviation of the sensor's noise, on values 0..1."""

    softness: float = 0.6
    """Gaussian blur of the textures, pixels at the widest zoom: no detail beyond what pixels hold."""

    cut: int | None = None
    """First frame of a second, wholly different shot; None for a single shot."""

    def __post_init__(self) -> None:
        if self.width < 8 or self.height < 8 or self.frames < 1:
            raise ValueError(
                f"a scene has {self.frames} frames of {self.width}×{self.height}; expected 1 or more of 8×8"
            )
        if self.cut is not None and not 0 < self.cut < self.frames:
            raise ValueError(f"the cut is at frame {self.cut}; expected 1 to {self.frames - 1}, or None")
        if not 0 <= self.objects <= 254:
            raise ValueError(f"a scene has {self.objects} objects; expected 0 to 254")
        if not 0 < self.min_size <= self.max_size or not 0 <= self.min_speed <= self.max_speed:
            raise ValueError("the smallest size or speed of a scene is above the largest, or below nothing")
        if not 0 <= self.zoom < 0.9:
            raise ValueError(f"zoom is {self.zoom}; expected 0 up to 0.9")
        if self.textures is not None:
            for texture in self.textures:
                if texture.dim() != 3 or texture.shape[0] != 3 or min(texture.shape[1:]) < 8:
                    raise ValueError(
                        f"a texture has shape {tuple(texture.shape)}; expected 3×h×w, 8×8 or more"
                    )
            if not self.textures:
                raise ValueError("the list of textures is empty; expected at least one, or None")
