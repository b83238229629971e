import os
import pickle
import struct
import tarfile
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from vst.errors import MediaError
from vst.train.clips import find_clips
from vst.train.picture_files import find_photos, find_pictures, random_crop
from vst.train.skipped import SkippedFiles


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


NO_PICTURE = "not a picture that can be read"
TOO_LARGE = "more than 134,217,728 pixels"
BROKEN = {
    "text.jpg": (lambda path: path.write_text("hello"), NO_PICTURE),
    "empty.png": (lambda path: path.touch(), "empty"),
    "._ok.png": (lambda path: path.write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X"), NO_PICTURE),
    "album.jpg": (lambda path: path.mkdir(), "a folder"),
    "link.jpg": (lambda path: path.symlink_to("nowhere"), "a broken link"),
    "loop.jpg": (lambda path: path.symlink_to("loop.jpg"), "a broken link"),
    "pipe.jpg": (os.mkfifo, "a named pipe, socket or device"),
    "thin.png": (lambda path: Image.new("RGB", (1, 600)).save(path), "smaller than 16×16 pixels"),
    "float.tif": (lambda path: Image.new("F", (60, 40)).save(path), "floating-point samples"),
    "bomb.png": (lambda path: path.write_bytes(png_header(60_000, 60_000)), TOO_LARGE),
    "large.png": (
        lambda path: path.write_bytes(png_header(12_000, 12_000)),
        "more than 134,217,728 pixels",
    ),
}
"""Files that are no pictures: how each is made, and why it is skipped; found by the header."""


def png_header(width, height):
    """The start of a PNG file."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 4) + b"IDAT" + bytes(8)


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_picture_is_skipped_and_named_before_the_training(tmp_path, name):
    write(tmp_path / "ok.png")
    make, reason = BROKEN[name]
    make(tmp_path / name)
    skipped = SkippedFiles()
    assert [photo.name for photo in find_pictures([str(tmp_path)], skipped)] == ["ok.png"]
    assert skipped.reasons() == {str(tmp_path / name): reason}


def test_a_tar_file_is_checked_as_a_folder_would_be(tmp_path):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "ok.png")
    for name, (make, _) in BROKEN.items():
        make(tmp_path / "in" / name)
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(tmp_path / "in", "in")
    skipped = SkippedFiles()
    assert [photo.name for photo in find_pictures([str(tmp_path / "all.tar")], skipped)] == ["in/ok.png"]
    special = dict.fromkeys(("link.jpg", "loop.jpg", "pipe.jpg"), "a link or another special file")
    assert skipped.reasons() == {
        f"{tmp_path / 'all.tar'}: in/{name}": special.get(name, reason)
        for name, (_, reason) in BROKEN.items()
    }


def test_a_tar_file_that_is_cut_off_gives_what_is_whole(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for number in range(3):
        (tmp_path / "in").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"in/{number}.png"), noise)
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        archive.add(tmp_path / "in", "in")
    data = (tmp_path / "all.tar").read_bytes()
    (tmp_path / "all.tar").write_bytes(data[: len(data) // 2])
    skipped = SkippedFiles()
    photos = find_photos([str(tmp_path / "all.tar")], skipped)
    assert {photo.load().shape for photo in photos} == {(64, 64, 3)}
    assert any("cut off" in reason for reason in skipped.reasons().values())


def test_a_compressed_tar_file_is_refused_in_a_line(tmp_path):
    write(tmp_path / "ok.png")
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "ok.png", "ok.png")
    with pytest.raises(MediaError, match="tar file that is compressed or cut off"):
        find_pictures([str(tmp_path / "all.tar.gz")])


def test_a_folder_with_a_suffix_is_searched(tmp_path):
    write(tmp_path / "album.jpg" / "a.png")
    skipped = SkippedFiles()
    assert [photo.name for photo in find_pictures([str(tmp_path)], skipped)] == ["album.jpg/a.png"]
    assert skipped.reasons() == {}


def test_a_source_without_a_usable_picture_is_one_line_that_names_the_files(tmp_path):
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_text("x")
    with pytest.raises(
        MediaError, match=r"not a picture that can be read \(8\): .*4\.jpg and 3 more"
    ) as error:
        find_pictures([str(tmp_path)])
    assert "\n" not in str(error.value)


def truncated(path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, quality=95)
    path.write_bytes(path.read_bytes()[:4000])


def test_a_truncated_picture_is_replaced_by_the_next_one_and_named(tmp_path):
    truncated(tmp_path / "a.jpg")
    write(tmp_path / "b.png", 77)
    skipped = SkippedFiles()
    photos = find_photos([str(tmp_path)], skipped)
    for photo in photos:
        assert tuple(photo.load()[0, 0]) == (77, 20, 10)
    assert list(skipped.lines()) == [f"skipped, damaged (1): {tmp_path / 'a.jpg'}"]


def test_photographs_of_which_none_can_be_decoded_are_refused_before_the_training(tmp_path):
    truncated(tmp_path / "a.jpg")
    truncated(tmp_path / "b.jpg")
    with pytest.raises(MediaError, match=r"none of the 2 pictures can be decoded: skipped, damaged \(2\)"):
        find_photos([str(tmp_path)], SkippedFiles())


def test_pictures_that_can_be_converted_are(tmp_path):
    Image.new("CMYK", (60, 40), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((40, 60, 3), (0, 0, 65535), np.uint16))
    glass = Image.new("P", (60, 40), 0)
    glass.putpalette([0, 255, 0, 255, 0, 0])
    glass.save(tmp_path / "glass.png", transparency=0)
    frames = [Image.new("RGB", (60, 40), each) for each in ("red", "blue")]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    Image.new("1", (60, 40), 1).save(tmp_path / "bilevel.tif")
    skipped = SkippedFiles()
    found = {photo.name: photo.load() for photo in find_pictures([str(tmp_path)], skipped)}
    assert skipped.reasons() == {}
    red, white = (255, 0, 0), (255, 255, 255)
    expected = {
        "cmyk.jpg": red,
        "deep.png": red,
        "glass.png": white,
        "moving.webp": red,
        "bilevel.tif": white,
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert np.abs(found[name].astype(int) - value).max() <= 2, name


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    write(tmp_path / "ok.png")
    (tmp_path / "private").mkdir()
    scan = os.scandir

    def scandir(path="."):
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    skipped = SkippedFiles()
    find_pictures([str(tmp_path)], skipped)
    assert skipped.reasons() == {str(tmp_path / "private"): "permission denied"}


def test_a_file_that_vanishes_is_skipped(tmp_path):
    for name in ("a.png", "b.png"):
        write(tmp_path / name)
    skipped = SkippedFiles()
    photos = find_photos([str(tmp_path)], skipped)
    (tmp_path / "a.png").unlink()
    assert photos[0].load().shape == (20, 30, 3)
    assert skipped.reasons() == {str(tmp_path / "a.png"): "no such file or directory"}


def test_what_other_processes_skip_is_known_through_the_record(tmp_path):
    (tmp_path / "skipped.txt").write_text("of an earlier run")
    skipped = SkippedFiles(tmp_path / "skipped.txt")
    assert skipped.reasons() == {}
    other = pickle.loads(pickle.dumps(skipped))
    other.add("b\nb.jpg", "damaged")
    other.add("b\nb.jpg", "damaged")
    other.add(os.fsdecode(b"\xff.jpg"), "empty")
    assert skipped.reasons() == {"b b.jpg": "damaged", os.fsdecode(b"\xff.jpg"): "empty"}
    assert len((tmp_path / "skipped.txt").read_bytes().splitlines()) == 2


@pytest.mark.parametrize("shape", [(40, 60), (16, 16), (10, 50)])
def test_a_crop_has_the_size_asked_for_whatever_the_picture(shape):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    for seed in range(5):
        assert random_crop(image, 16, np.random.default_rng(seed)).shape == (16, 16, 3)
