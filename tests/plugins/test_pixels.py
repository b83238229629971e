"""Half-precision floats and frame hashes of the C client, called as a library."""

from __future__ import annotations

import ctypes
import subprocess

import numpy as np
import pytest

from vst.host.plugin_build import find_compiler, source_folder


class Image(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("row_bytes", ctypes.c_ssize_t),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("depth", ctypes.c_int),
        ("components", ctypes.c_int),
        ("premultiplied", ctypes.c_int),
    )


@pytest.fixture(scope="module")
def pixels(tmp_path_factory) -> ctypes.CDLL:
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("pixels") / "pixels.so"
    sources = [str(source_folder() / "client" / name) for name in ("pixels.c", "frame_hash.c")]
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", *sources, "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.vst_from_half.restype = ctypes.c_float
    loaded.vst_to_half.argtypes = [ctypes.c_float]
    loaded.vst_to_half.restype = ctypes.c_uint16
    return loaded


def read_half(pixels: ctypes.CDLL, picture: np.ndarray, premultiplied: int = 0) -> np.ndarray:
    """Planes of a picture that a host rounded to halves."""
    halves = np.ascontiguousarray(picture, np.float16)
    height, width, components = halves.shape
    image = Image(halves.ctypes.data, halves.strides[0], width, height, 2, components, premultiplied)
    planes, digest = np.empty((3, height, width), np.float32), ctypes.create_string_buffer(16)
    pixels.vst_read(ctypes.byref(image), planes.ctypes.data_as(ctypes.c_void_p), digest)
    return planes


def read(pixels: ctypes.CDLL, picture: np.ndarray, rows: int = 1) -> tuple[np.ndarray, bytes]:
    picture = np.ascontiguousarray(picture, np.float32)
    height, width, components = picture.shape
    stride = picture.strides[0]
    start = picture.ctypes.data + (0 if rows > 0 else stride * (height - 1))
    image = Image(start, rows * stride, width, height, 3, components, 0)
    planes, digest = np.empty((3, height, width), np.float32), ctypes.create_string_buffer(16)
    pixels.vst_read(ctypes.byref(image), planes.ctypes.data_as(ctypes.c_void_p), digest)
    return planes, digest.raw


def test_halves_survive_the_conversion_to_float_and_back(pixels):
    for bits in range(0, 65536, 7):
        value = pixels.vst_from_half(bits)
        expected = float(np.uint16(bits).view(np.float16))
        if expected == expected:
            assert value == expected
            assert pixels.vst_to_half(value) == bits


def test_halves_are_rounded_as_in_numpy(pixels):
    values = np.random.default_rng(1).normal(0, 1, 2000).astype(np.float32) ** 5
    values = np.concatenate([values, np.float32([1e-8, -6e-8, 65519, 65520, 1e9, -1e9, np.inf])])
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16).view(np.uint16)
    assert [pixels.vst_to_half(float(each)) for each in values] == expected.tolist()


def test_a_change_of_any_sample_changes_the_hash(pixels):
    picture = np.random.default_rng(2).random((7, 300, 4), np.float32)
    hashes = {read(pixels, picture)[1]}
    for y, x, c in [(0, 0, 0), (6, 299, 2), (3, 255, 1), (3, 256, 1), (5, 128, 0)]:
        changed = picture.copy()
        changed[y, x, c] = np.nextafter(changed[y, x, c], 2, dtype=np.float32)
        hashes.add(read(pixels, changed)[1])
    assert len(hashes) == 6


def test_the_hash_depends_on_order_and_shape_but_not_on_layout(pixels):
    picture = np.random.default_rng(3).random((6, 8, 4), np.float32)
    planes, digest = read(pixels, picture)
    assert np.array_equal(planes, picture.transpose(2, 0, 1)[:3])
    assert read(pixels, picture[..., :3])[1] == digest
    assert read(pixels, picture[::-1].copy(), rows=-1)[1] == digest
    assert read(pixels, picture[::-1])[1] != digest
    assert read(pixels, picture.reshape(8, 6, 4))[1] != digest


def test_halves_that_were_bytes_are_those_bytes(pixels):
    picture = np.random.default_rng(4).integers(0, 256, (5, 300, 4)).astype(np.float32) / np.float32(255)
    picture[..., 3] = 1
    expected = picture[..., :3].transpose(2, 0, 1)
    assert np.array_equal(read_half(pixels, picture), expected)
    assert np.array_equal(read_half(pixels, picture, premultiplied=1), expected)
    assert np.array_equal(read_half(pixels, picture[..., :3]), expected)


@pytest.mark.parametrize("value", [0.335, 1.5, -0.25, 2.0])
def test_other_halves_keep_their_values(pixels, value):
    picture = np.random.default_rng(4).integers(0, 256, (5, 30, 4)).astype(np.float32) / np.float32(255)
    picture[4, 29, 2], picture[..., 3] = value, 1
    expected = picture.astype(np.float16).astype(np.float32)[..., :3].transpose(2, 0, 1)
    assert np.array_equal(read_half(pixels, picture), expected)
