"""A painting of two colours."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    """60×40 pixels of red and blue stripes with grain."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0] = 220
    pixels[:, ::8] = pixels[:, 1::8] = (20, 40, 200)
    grain = np.random.default_rng(0).integers(0, 30, pixels.shape, np.uint8)
    path = tmp_path / "stripes.png"
    Image.fromarray(pixels + grain).save(path)
    return path
