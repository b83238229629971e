import cv2
import numpy as np
import pytest

from vst.errors import MediaError, UsageError
from vst.styles.painting import find_painting, painting_of, read_painting


@pytest.fixture
def painting(tmp_path):
    """A picture of 64×40, red."""
    path = tmp_path / "storm.png"
    cv2.imwrite(str(path), np.full((40, 64, 3), (0, 0, 255), np.uint8))
    return path


def test_a_painting_is_shrunk_to_its_longer_side_and_never_enlarged(painting):
    assert read_painting(painting, 32).shape == (3, 20, 32)
    assert read_painting(painting, 512).shape == (3, 40, 64)


def test_a_painting_is_rgb_from_0_to_1(painting):
    assert read_painting(painting, 64).mean((1, 2)).tolist() == [1.0, 0.0, 0.0]


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    for name in ("text.png", "empty.png"):
        with pytest.raises(MediaError, match=f"{name} is not a picture"):
            read_painting(tmp_path / name, 32)
    with pytest.raises(MediaError, match=r"missing\.png cannot be read"):
        read_painting(tmp_path / "missing.png", 32)


def test_a_painting_is_found_by_its_style_or_given(painting, tmp_path):
    assert find_painting(tmp_path, "storm") == painting
    assert painting_of(str(painting), None) == painting
    assert painting_of("storm", tmp_path) == painting
    with pytest.raises(UsageError, match="no picture of 'calm'"):
        find_painting(tmp_path, "calm")
    with pytest.raises(UsageError, match="--style-images"):
        painting_of("storm", None)
