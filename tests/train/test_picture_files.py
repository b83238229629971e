import tarfile

import cv2
import numpy as np
import pytest

from vst.errors import MediaError
from vst.train.clips import find_clips
from vst.train.picture_files import find_pictures, random_crop


def write(path, value=100, height=20, width=30):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), (10, 20, value), np.uint8))


def test_a_folder_is_searched_whole_and_sorted(tmp_path):
    for name in ("b.png", "sub/a.jpg", "notes.txt"):
        write(tmp_path / name) if not name.endswith("txt") else (tmp_path / name).write_text("x")
    assert [picture.name for picture in find_pictures([str(tmp_path)])] == ["b.png", "sub/a.jpg"]


def test_a_tar_file_is_read_in_place_as_a_folder_would_be(tmp_path):
    write(tmp_path / "in" / "clip" / "1.png", 77)
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(tmp_path / "in", "in")
    (picture,) = find_pictures([str(tmp_path / "all.tar")])
    image = picture.load()
    assert image.shape == (20, 30, 3)
    assert tuple(image[0, 0]) == (77, 20, 10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.tar", "in"]


def test_clips_are_folders_of_frames_and_short_ones_are_left_out(tmp_path):
    for name in ("long/1.png", "long/2.png", "long/3.png", "short/1.png"):
        write(tmp_path / name)
    (clip,) = find_clips([str(tmp_path)], shortest=2)
    assert [picture.name for picture in clip.pictures] == ["long/1.png", "long/2.png", "long/3.png"]


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("no tar")])
def test_data_that_is_none_is_refused_by_name(tmp_path, make):
    path = tmp_path / "data"
    make(path)
    with pytest.raises(MediaError, match="data"):
        find_pictures([str(path)])


def test_a_broken_picture_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 nothing")
    (picture,) = find_pictures([str(tmp_path)])
    with pytest.raises(MediaError, match=r"bad\.jpg"):
        picture.load()


@pytest.mark.parametrize("shape", [(40, 60), (16, 16), (10, 50)])
def test_a_crop_has_the_size_asked_for_whatever_the_picture(shape):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    for seed in range(5):
        assert random_crop(image, 16, np.random.default_rng(seed)).shape == (16, 16, 3)
