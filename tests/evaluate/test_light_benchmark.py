"""The light benchmark shows the means of clips with known light."""

from __future__ import annotations

import numpy as np
import pytest

SIZE = (48, 96, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fade out", {0: 128, 10: 64, 20: 0, 23: 0}),
        ("fade in", {0: 0, 10: 64, 23: 128}),
        ("black", {0: 0, 23: 0}),
        ("flash", {9: 128, 10: 255, 11: 128}),
    ],
)
def test_clips_have_the_light_of_their_name(tmp_path, name, expected):
    from benchmarks.light import FRAMES, LIGHTS, means, write_clip

    path = tmp_path / "clip.mkv"
    write_clip(path, np.full(SIZE, 128 / 255, np.float32), LIGHTS[name])
    found = means(path)
    assert len(found) == FRAMES
    for frame, mean in expected.items():
        assert found[frame] == pytest.approx(mean, abs=1)
