"""Pictures of synthetic scenes, to train on without photographs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vst.synthetic import Scene, SceneConfig

PICTURES = 400
"""Number of different pictures."""


@dataclass(frozen=True)
class SyntheticPicture:
    """One frame of a synthetic scene: textures, shapes and gradients, without a single photograph."""

    seed: int

    def load(self) -> np.ndarray:
        """H×W×3, uint8, RGB."""
        scene = Scene(
            SceneConfig(
                width=384,
                height=288,
                frames=1,
                seed=self.seed,
                objects=2 + self.seed % 8,
                min_size=0.06,
                max_size=0.4,
                noise=0.0,
            )
        )
        pixels = (scene.frame(0).clamp(0, 1) * 255).round().byte()
        return pixels.permute(1, 2, 0).numpy()


def synthetic_pictures() -> list[SyntheticPicture]:
    """All of them."""
    return [SyntheticPicture(seed) for seed in range(PICTURES)]
