"""Operations on tensors give OpenCV's numbers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from vst.keyframes.array_operations import ARRAYS
from vst.keyframes.operations import operations, operations_on
from vst.keyframes.tensor_operations import TensorOperations

TENSORS = TensorOperations(torch.device("cpu"))
SIZES = [(48, 64), (37, 53), (2, 3), (1, 1), (5, 1)]
ROUNDING = {"atol": 3e-5, "rtol": 0.0}

exact_coordinates = pytest.mark.skipif(
    int(cv2.__version__.partition(".")[0]) < 5, reason="OpenCV before 5 rounds coordinates to 1/32 pixel"
)

sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def mask(*shape: int, share: float = 0.5) -> np.ndarray:
    return (noise(*shape) < share).astype(np.uint8)


def motion(height: int, width: int) -> np.ndarray:
    """Some of it points out of the frame, and far."""
    flow = np.random.default_rng(1).normal(0, 6, (height, width, 2)).astype(np.float32)
    flow[0, 0] = 1e5, -1e5
    return flow


def places(height: int, width: int) -> np.ndarray:
    """Where that points."""
    return ARRAYS.places(motion(height, width))


def same(name: str, *arguments: np.ndarray | int, **keywords: bool) -> None:
    """Whether an operation gives the same, of the same type."""
    wanted = getattr(ARRAYS, name)(*arguments, **keywords)
    given = (torch.from_numpy(each) if isinstance(each, np.ndarray) else each for each in arguments)
    found = getattr(TENSORS, name)(*given, **keywords).numpy()
    assert found.dtype == wanted.dtype
    if wanted.dtype == np.float32:
        np.testing.assert_allclose(found, wanted, **ROUNDING)
    else:
        np.testing.assert_array_equal(found, wanted)


@exact_coordinates
@sizes
@pytest.mark.parametrize("channels", [(), (2,), (3,)], ids=str)
def test_bilinear_samples(size, channels):
    same("sample", noise(*size, *channels), places(*size))


@exact_coordinates
@sizes
def test_bilinear_samples_of_whole_numbers_are_rounded(size):
    same("sample", mask(*size), places(*size))
    luma, where = (noise(*size) * 255).astype(np.uint8), places(*size)
    found = TENSORS.sample(torch.from_numpy(luma), torch.from_numpy(where)).numpy()
    # Coordinates within 1e-5 pixel: what is just a half may be rounded the other way.
    difference = np.abs(found.astype(int) - ARRAYS.sample(luma, where))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.002


@sizes
def test_nearest_samples(size):
    same("sample", noise(*size, 2), places(*size), nearest=True)
    halves = (np.round(places(*size) * 2) / 2).astype(np.float32)
    same("sample", noise(*size, 2), halves, nearest=True)


@sizes
def test_what_is_inside(size):
    same("is_inside", places(*size), *size)
    same("is_inside", ARRAYS.places(np.zeros((*size, 2), np.float32)), *size)


@sizes
def test_places(size):
    same("places", motion(*size))


@sizes
@pytest.mark.parametrize("channels", [2, 3])
def test_weighted_pixels(size, channels):
    same("times", noise(*size, channels), noise(*size))


@sizes
def test_lanczos_enlargement(size):
    same("doubled", noise(*size, 3))


@exact_coordinates
@sizes
def test_cubic_samples_of_what_is_enlarged(size):
    height, width = size
    same("sample_doubled", noise(2 * height, 2 * width, 3), motion(*size))


@sizes
@pytest.mark.parametrize("side", [3, 5, 21])
@pytest.mark.parametrize("channels", [(), (3,), (4,)], ids=str)
def test_means_of_neighbourhoods(size, side, channels):
    same("mean_around", noise(*size, *channels), side)


@sizes
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_masks_are_filtered(size, share):
    same("majority", mask(*size, share=share), 5)
    same("opened", mask(*size, share=share), 3)
    same("widened", mask(*size, share=share), 9)


@sizes
@pytest.mark.parametrize("larger", [(4, 4), (4, 5), (1, 1), (0.25, 0.25)], ids=str)
def test_other_sizes(size, larger):
    height, width = (max(int(side * times), 1) for side, times in zip(size, larger, strict=True))
    same("resized", noise(*size), height, width)
    same("resized", noise(*size, 2), height, width)
    same("resized_mask", mask(*size), height, width)


def test_masks_are_enlarged_alike_from_any_size_to_any_other():
    for own in range(1, 60):
        for length in range(4 * own - 3, 4 * own + 4):
            same("resized_mask", mask(own, 3), length, 11)


@sizes
def test_a_quarter_of_the_size(size):
    same("quartered", noise(*size))


@sizes
def test_luma(size):
    image = torch.from_numpy(noise(3, *size) * 1.2 - 0.1)
    np.testing.assert_array_equal(TENSORS.luma(image).numpy(), ARRAYS.luma(image))
    same("gray", noise(*size, 3))


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_medians(count):
    numbers = noise(count, 3)
    assert float(TENSORS.median(torch.from_numpy(numbers))) == float(ARRAYS.median(numbers))
    whole = (numbers * 9 - 5).astype(np.int16)
    medians = TENSORS.median(torch.from_numpy(whole)), ARRAYS.median(whole)
    assert int(TENSORS.integers(medians[0])) == int(ARRAYS.integers(medians[1]))


def test_choices():
    same("where", mask(8, 9), noise(8, 9, 2), 1 - noise(8, 9, 2))
    same("where", mask(8, 9) > 0, noise(8, 9), 1 - noise(8, 9))
    same("larger", noise(8, 9), 1 - noise(8, 9))


@sizes
def test_fields_and_tensors_of_planes_are_converted_both_ways(size):
    planes = torch.from_numpy(noise(3, *size))
    for on in (ARRAYS, TENSORS):
        assert on.field(planes.half()).shape == (*size, 3)
        assert torch.equal(on.tensor(on.field(planes)), planes)
        assert on.tensor(on.field(planes)[..., 0]).shape == (1, *size)
        assert torch.equal(on.saved(on.restored(planes)), planes)


def test_operations_are_chosen_by_the_kind_of_field_and_by_the_device():
    assert operations(noise(2, 2)) is ARRAYS
    assert operations(torch.zeros(2, 2)) == TENSORS
    assert operations_on(torch.device("cpu")) is ARRAYS
    assert operations_on(torch.device("cuda", 1)) == TensorOperations(torch.device("cuda", 1))
