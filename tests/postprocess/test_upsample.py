"""A painting at the frame's size: its strokes as they are, its edges the frame's."""

from __future__ import annotations

import pytest
import torch

from vst.postprocess import at_frame_size, guided_upsample, resize
from vst.postprocess.colour import luminance

SMALL, FULL = (24, 32), (72, 96)


def disc(size: tuple[int, int], inside: float, outside: float) -> torch.Tensor:
    """A grey disc with a hard edge."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in size), indexing="ij")
    return torch.where(y**2 + x**2 < 0.5, inside, outside).expand(3, *size).contiguous()


def strokes(size: tuple[int, int]) -> torch.Tensor:
    """Paint that has nothing to do with any frame."""
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(1))


def off(a: torch.Tensor, b: torch.Tensor) -> float:
    return (a - b).square().mean().sqrt().item()


def test_a_painting_of_one_colour_stays_one_colour():
    frame = strokes(FULL)
    painted = torch.tensor([0.9, 0.5, 0.1]).view(3, 1, 1).expand(3, *SMALL)
    enlarged = guided_upsample(painted, resize(frame, SMALL), frame)
    torch.testing.assert_close(enlarged, painted[:, :1, :1].expand(3, *FULL), atol=1e-5, rtol=0)


@pytest.mark.parametrize("negative", [False, True], ids=["same", "negative"])
def test_a_painting_that_is_the_frame_becomes_the_full_size_frame_again(negative):
    frame = disc(FULL, 0.8, 0.2)
    seen = resize(frame, SMALL)
    painted, wanted = (1 - seen, 1 - frame) if negative else (seen, frame)
    plain, guided = resize(painted, FULL), guided_upsample(painted, seen, frame)
    assert off(guided, wanted) < off(plain, wanted) / 3
    assert off(guided, wanted) < 0.02


def test_an_edge_gets_the_frames_sharpness_in_the_paintings_colours_and_no_halo():
    frame = disc(FULL, 0.7, 0.3)
    seen = resize(frame, SMALL)
    inside = ((seen[:1] - 0.3) / 0.4).clamp(0, 1)
    red, blue = torch.tensor([0.8, 0.1, 0.1]).view(3, 1, 1), torch.tensor([0.1, 0.2, 0.7]).view(3, 1, 1)
    painted = blue + (red - blue) * inside
    plain, guided = resize(painted, FULL), guided_upsample(painted, seen, frame)

    def steepest(image: torch.Tensor) -> float:
        return image[0].diff(dim=1).abs().max().item()

    assert steepest(guided) > 1.5 * steepest(plain)
    assert (guided - blue)[0].min() > -0.05
    assert (guided - red)[0].max() < 0.05


def test_strokes_that_are_not_in_the_frame_are_enlarged_as_they_are():
    frame, painted = torch.full((3, *FULL), 0.4), strokes(SMALL)
    enlarged = guided_upsample(painted, resize(frame, SMALL), frame)
    torch.testing.assert_close(enlarged, resize(painted, FULL).clamp(0, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("deviation", [0.005, 0.02, 0.05])
def test_noise_of_a_flat_frame_does_not_get_into_the_paint(deviation):
    torch.manual_seed(2)
    frame, painted = 0.5 + deviation * torch.randn(3, *FULL), 0.3 + 0.4 * strokes(SMALL)
    enlarged = guided_upsample(painted, resize(frame, SMALL), frame)
    assert off(enlarged, resize(painted, FULL)) < 0.01 * luminance(frame).std()


def test_texture_that_the_strokes_do_not_follow_does_not_show_through_them():
    torch.manual_seed(2)
    frame = resize(0.5 + 0.06 * torch.randn(3, 36, 48), FULL)
    painted = 0.3 + 0.4 * strokes(SMALL)
    enlarged = guided_upsample(painted, resize(frame, SMALL), frame)
    assert off(enlarged, resize(painted, FULL)) < 0.06 * luminance(frame).std()


def test_texture_finer_than_the_paintings_pixels_stays_out():
    checks = (torch.arange(FULL[0])[:, None] + torch.arange(FULL[1])) % 2
    frame = (disc(FULL, 0.6, 0.4) + 0.6 * (checks - 0.5)).contiguous()
    painted = disc(SMALL, 0.8, 0.2)
    enlarged = guided_upsample(painted, resize(frame, SMALL), frame)
    assert off(enlarged, resize(painted, FULL)) < 0.1 * off(frame, disc(FULL, 0.6, 0.4))


def test_the_result_is_within_range_whatever_the_frame():
    frame = 4 * strokes(FULL) - 1.5
    seen = resize(frame, SMALL)
    for painted in (strokes(SMALL).round(), seen.clamp(0, 1), 1 - seen.clamp(0, 1)):
        enlarged = guided_upsample(painted, seen, frame)
        assert 0 <= enlarged.min() <= enlarged.max() <= 1


def test_what_stands_still_stays_still():
    frame, painted = strokes(FULL), strokes(SMALL)
    seen = resize(frame, SMALL)
    first = guided_upsample(painted, seen, frame)
    assert torch.equal(guided_upsample(painted.clone(), seen.clone(), frame.clone()), first)


def test_one_side_may_have_its_size_already():
    frame = strokes((72, 97))
    enlarged = at_frame_size(strokes((72, 96)), resize(frame, (72, 96)), frame)
    assert enlarged.shape == frame.shape


def test_a_painting_of_the_frames_size_is_not_touched():
    painted, frame = strokes(SMALL), disc(SMALL, 1.0, 0.0)
    assert at_frame_size(painted, frame, frame) is painted


def test_a_larger_painting_is_reduced_without_aliasing_or_overshoot():
    checks = ((torch.arange(FULL[0])[:, None] + torch.arange(FULL[1])) % 2).float().expand(3, *FULL)
    reduced = at_frame_size(checks, checks, disc(SMALL, 1.0, 0.0))
    assert reduced.shape == (3, *SMALL)
    assert (reduced[:, 4:-4, 4:-4] - 0.5).abs().max() < 0.05
    hard = at_frame_size(disc(FULL, 1.0, 0.0), disc(FULL, 1.0, 0.0), disc(SMALL, 1.0, 0.0))
    assert 0 <= hard.min() <= hard.max() <= 1
