"""What the tests of the benchmarks share: a random loss network, tiny photographs and style pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmarks are no part of the package."""
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`photos/` with three photographs of 64×48, and `styles/` with pictures of 60×40, red and blue."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, shape, blur in (
        ("photos/a", (48, 64, 3), 3), ("photos/b", (48, 64, 3), 2), ("photos/c", (64, 48, 3), 4),
        ("styles/red", (40, 60, 3), 1), ("styles/blue", (40, 60, 3), 2),
    ):  # fmt: skip
        picture = cv2.GaussianBlur(rng.integers(0, 255, shape, dtype=np.uint8), (0, 0), blur)
        (folder / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    return folder
