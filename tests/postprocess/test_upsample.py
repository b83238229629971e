"""Upsampling of stylized frames to the size of the source frame, with the edges of the source frame."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vst.postprocess import at_frame_size, guided_upsample, resize
from vst.postprocess.colour import luminance

SMALL, FULL = (24, 32), (72, 96)


def disc(size: tuple[int, int], inside: float, outside: float) -> torch.Tensor:
    """A grey disc with a hard edge."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in size), indexing="ij")
    return torch.where(y**2 + x**2 < 0.5, inside, outside).expand(3, *size).contiguous()


def strokes(size: tuple[int, int]) -> torch.Tensor:
    """A texture that is unrelated to any frame."""
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(1))


def rms_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return (a - b).square().mean().sqrt().item()


@pytest.mark.parametrize("size", [(72, 96), (25, 32), (61, 33)])
def test_a_picture_is_enlarged_as_on_a_gpu(size):
    # Not contiguous, as a part of a larger frame is.
    picture = strokes((SMALL[0], SMALL[1] + 5))[..., 2:-3]
    on_gpu = F.interpolate(picture[None], size, mode="bicubic", align_corners=False)[0]
    torch.testing.assert_close(resize(picture, size), on_gpu, atol=1e-5, rtol=0)


def test_one_colour_stays_one_colour():
    frame = strokes(FULL)
    stylized = torch.tensor([0.9, 0.5, 0.1]).view(3, 1, 1).expand(3, *SMALL)
    upsampled = guided_upsample(stylized, resize(frame, SMALL), frame)
    torch.testing.assert_close(upsampled, stylized[:, :1, :1].expand(3, *FULL), atol=1e-5, rtol=0)


@pytest.mark.parametrize("negative", [False, True], ids=["same", "negative"])
def test_a_resized_frame_becomes_the_full_size_frame_again(negative):
    frame = disc(FULL, 0.8, 0.2)
    resized = resize(frame, SMALL)
    stylized, expected = (1 - resized, 1 - frame) if negative else (resized, frame)
    plain, guided = resize(stylized, FULL), guided_upsample(stylized, resized, frame)
    assert rms_difference(guided, expected) < rms_difference(plain, expected) / 3
    assert rms_difference(guided, expected) < 0.02


def test_an_edge_gets_the_sharpness_of_the_frame_in_the_stylized_colours_without_a_halo():
    frame = disc(FULL, 0.7, 0.3)
    resized = resize(frame, SMALL)
    inside = ((resized[:1] - 0.3) / 0.4).clamp(0, 1)
    red, blue = torch.tensor([0.8, 0.1, 0.1]).view(3, 1, 1), torch.tensor([0.1, 0.2, 0.7]).view(3, 1, 1)
    stylized = blue + (red - blue) * inside
    plain, guided = resize(stylized, FULL), guided_upsample(stylized, resized, frame)

    def steepest(image: torch.Tensor) -> float:
        return image[0].diff(dim=1).abs().max().item()

    assert steepest(guided) > 1.5 * steepest(plain)
    assert (guided - blue)[0].min() > -0.05
    assert (guided - red)[0].max() < 0.05


def test_strokes_that_are_not_in_the_frame_are_upsampled_as_by_resizing():
    frame, stylized = torch.full((3, *FULL), 0.4), strokes(SMALL)
    upsampled = guided_upsample(stylized, resize(frame, SMALL), frame)
    torch.testing.assert_close(upsampled, resize(stylized, FULL).clamp(0, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.05])
def test_noise_of_a_flat_frame_is_not_transferred(deviation):
    torch.manual_seed(2)
    frame, stylized = 0.5 + deviation * torch.randn(3, *FULL), 0.3 + 0.4 * strokes(SMALL)
    upsampled = guided_upsample(stylized, resize(frame, SMALL), frame)
    assert rms_difference(upsampled, resize(stylized, FULL)) < 0.01 * luminance(frame).std()


def test_texture_that_is_unrelated_to_the_strokes_is_not_transferred():
    torch.manual_seed(2)
    frame = resize(0.5 + 0.06 * torch.randn(3, 36, 48), FULL)
    stylized = 0.3 + 0.4 * strokes(SMALL)
    upsampled = guided_upsample(stylized, resize(frame, SMALL), frame)
    assert rms_difference(upsampled, resize(stylized, FULL)) < 0.06 * luminance(frame).std()


def test_texture_finer_than_the_stylized_pixels_is_not_transferred():
    checks = (torch.arange(FULL[0])[:, None] + torch.arange(FULL[1])) % 2
    frame = (disc(FULL, 0.6, 0.4) + 0.6 * (checks - 0.5)).contiguous()
    stylized = disc(SMALL, 0.8, 0.2)
    upsampled = guided_upsample(stylized, resize(frame, SMALL), frame)
    assert rms_difference(upsampled, resize(stylized, FULL)) < 0.1 * rms_difference(
        frame, disc(FULL, 0.6, 0.4)
    )


def test_the_result_is_in_range_for_any_frame():
    frame = 4 * strokes(FULL) - 1.5
    resized = resize(frame, SMALL)
    for stylized in (strokes(SMALL).round(), resized.clamp(0, 1), 1 - resized.clamp(0, 1)):
        upsampled = guided_upsample(stylized, resized, frame)
        assert 0 <= upsampled.min() <= upsampled.max() <= 1


def test_equal_inputs_give_equal_outputs():
    frame, stylized = strokes(FULL), strokes(SMALL)
    resized = resize(frame, SMALL)
    first = guided_upsample(stylized, resized, frame)
    assert torch.equal(guided_upsample(stylized.clone(), resized.clone(), frame.clone()), first)


def test_one_side_may_have_the_size_of_the_frame():
    frame = strokes((72, 97))
    upsampled = at_frame_size(strokes((72, 96)), resize(frame, (72, 96)), frame)
    assert upsampled.shape == frame.shape


def test_a_stylized_frame_of_the_same_size_is_returned_unchanged():
    stylized, frame = strokes(SMALL), disc(SMALL, 1.0, 0.0)
    assert at_frame_size(stylized, frame, frame) is stylized


def test_a_larger_stylized_frame_is_reduced_without_aliasing_or_overshoot():
    checks = ((torch.arange(FULL[0])[:, None] + torch.arange(FULL[1])) % 2).float().expand(3, *FULL)
    reduced = at_frame_size(checks, checks, disc(SMALL, 1.0, 0.0))
    assert reduced.shape == (3, *SMALL)
    assert (reduced[:, 4:-4, 4:-4] - 0.5).abs().max() < 0.05
    hard = at_frame_size(disc(FULL, 1.0, 0.0), disc(FULL, 1.0, 0.0), disc(SMALL, 1.0, 0.0))
    assert 0 <= hard.min() <= hard.max() <= 1
