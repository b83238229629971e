"""A pool of pairs on disk: making them takes longer than learning from them, so each serves many times."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vst.errors import Interrupted
from vst.modes.training import to_unit
from vst.motion import create_estimator
from vst.motion.estimators.refined import INITIAL_ESTIMATORS
from vst.train.flow_pairs import flow_pair
from vst.train.flow_recipe import FlowRecipe
from vst.train.picture_files import Loadable

_PHOTOS = 4
"""At most this many different photographs are in a scene."""

_KEPT = 20
"""After this many pairs the count on disk is updated."""


@dataclass(frozen=True)
class Known:
    """A pair of the pool.

    Attributes:
        frames: 2×3×H×W, uint8.
        flow: 2×3×2×H×W, float16: both directions; of each the true flow and that of ``INITIAL_ESTIMATORS``.
    """

    frames: np.ndarray
    flow: np.ndarray


class FlowPool:
    """Pairs in two files that are read through memory maps.

    Pair n depends on the recipe's seed and on n alone, so an interrupted pool is continued.

    Args:
        folder: Where ``frames.npy``, ``flow.npy`` and ``pool.json`` are or go.
        recipe: What pairs are like, and how many there are.
    """

    def __init__(self, folder: Path, recipe: FlowRecipe) -> None:
        self._folder, self._recipe = folder, recipe
        size = recipe.pairs, 2, 3, recipe.frame_height, recipe.frame_width
        self._frames = _array(folder / "frames.npy", size, np.uint8)
        self._flow = _array(
            folder / "flow.npy", (size[0], 2, 1 + len(INITIAL_ESTIMATORS), 2, *size[3:]), np.float16
        )
        self._note = folder / "pool.json"

    def __len__(self) -> int:
        return self._recipe.pairs

    def __getitem__(self, index: int) -> Known:
        return Known(self._frames[index], self._flow[index])

    def made(self) -> int:
        """How many pairs are there."""
        note = json.loads(self._note.read_text(encoding="utf-8")) if self._note.exists() else {}
        return int(note["made"]) if note.get("pool") == self._recipe.pool_digest() else 0

    def fill(
        self, photos: Sequence[Loadable], say: Callable[[str], None], stop: threading.Event | None = None
    ) -> None:
        """Make the pairs that are not there yet.

        Raises:
            Interrupted: ``stop`` was set; what was made is kept.
            MediaError: A photograph cannot be read.
        """
        stages = [create_estimator(name) for name in INITIAL_ESTIMATORS]
        for index in range(self.made(), len(self)):
            if stop is not None and stop.is_set():
                self._keep(index)
                raise Interrupted(f"stopped after pair {index}; the same command continues from there")
            rng = np.random.default_rng((self._recipe.seed, 1, index))
            chosen = [photos[int(each)].load() for each in rng.integers(len(photos), size=_PHOTOS)]
            recipe = self._recipe
            pair = flow_pair(chosen, recipe.frame_width, recipe.frame_height, recipe.fastest, rng)
            first, second = to_unit(pair.frames)
            found = [torch.stack(stage.estimate_pair(first, second)) for stage in stages]
            self._frames[index] = pair.frames.numpy()
            self._flow[index] = torch.stack((pair.flow, *found), dim=1).numpy()
            if (index + 1) % _KEPT == 0 or index + 1 == len(self):
                self._keep(index + 1)
                if (index + 1) % (10 * _KEPT) == 0:
                    say(f"pair {index + 1} of {len(self)}")

    def _keep(self, made: int) -> None:
        self._frames.flush()
        self._flow.flush()
        note = {"made": made, "pool": self._recipe.pool_digest()}
        self._note.write_text(json.dumps(note) + "\n", encoding="utf-8")


def _array(path: Path, shape: tuple[int, ...], kind: type[np.generic]) -> np.memmap:
    """A file as an array; created at its final size if there is none of this shape."""
    if path.exists():
        there = np.lib.format.open_memmap(path, mode="r+")
        if there.shape == shape and there.dtype == kind:
            return there
    path.parent.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
