"""Disoccluded pixels get the flow of their neighbours, and scattered pixels are not trusted."""

from __future__ import annotations

from fractions import Fraction

import torch

from vst.frame import Frame
from vst.motion import create_estimator, track
from vst.motion.infilling import MAX_INFILL_DISTANCE, coherent, infill_flow


def field(x, y, height=60, width=90):
    return torch.tensor((x, y), dtype=torch.float32).view(2, 1, 1).expand(2, height, width).clone()


def texture(seed, height=60, width=90):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, height, width, generator=generator)


def test_pixels_that_move_with_their_neighbours_are_coherent_even_in_a_narrow_strip():
    strip = torch.zeros(1, 60, 90)
    strip[..., 40:48] = 1
    assert torch.equal(coherent(field(3, -1), strip)[..., 2:-2, :], strip[..., 2:-2, :])


def test_random_flow_and_scattered_pixels_are_not_coherent():
    generator = torch.Generator().manual_seed(1)
    flow = 4 * torch.randn(2, 60, 90, generator=generator)
    assert coherent(flow, torch.ones(1, 60, 90)).mean() < 0.01
    lone = (torch.rand(1, 60, 90, generator=generator) < 0.2).float()
    assert coherent(field(3, -1), lone).sum() < 0.1 * lone.sum()


def test_flow_is_infilled_where_the_frames_look_alike_under_it():
    earlier = texture(2)
    current = earlier.roll((-2, 5), (-2, -1))  # what is at p was at p + (-5, 2)
    flow, mask = field(-5, 2), torch.ones(1, 60, 90)
    hole = (slice(None), slice(20, 40), slice(30, 50))
    mask[hole] = 0
    flow[hole] = 11
    got, residual = infill_flow(flow, mask, current, earlier)
    assert torch.equal(got[hole], field(-5, 2)[hole])
    assert residual[hole].max() < 1e-5
    assert residual[mask > 0.5].isinf().all()


def test_flow_is_not_infilled_where_the_frames_differ_under_it():
    flow, mask = field(-5, 2), torch.ones(1, 60, 90)
    mask[:, 20:40, 30:50] = 0
    current = texture(2).roll((-2, 5), (-2, -1))
    current[:, 20:40, 30:50] = texture(3)[:, 20:40, 30:50]
    got, residual = infill_flow(flow, mask, current, texture(2))
    assert residual[:, 22:38, 32:48].isfinite().float().mean() < 0.02
    assert torch.equal(got, flow)


def test_flow_is_not_infilled_over_a_large_distance_or_from_outside_of_the_frame():
    picture = texture(4, 60, 3 * MAX_INFILL_DISTANCE)
    flow, mask = field(0, 0, 60, 3 * MAX_INFILL_DISTANCE), torch.zeros(1, 60, 3 * MAX_INFILL_DISTANCE)
    mask[..., :10] = 1
    _, residual = infill_flow(flow, mask, picture, picture)
    assert residual[..., 10 : 10 + MAX_INFILL_DISTANCE].isfinite().all()
    assert residual[..., 10 + MAX_INFILL_DISTANCE :].isinf().all()
    flow[0, :, :10] = -40
    _, residual = infill_flow(flow, mask, torch.full_like(picture, 0.5), torch.full_like(picture, 0.5))
    assert residual[..., 10:40].isinf().all()


def test_a_change_of_overall_brightness_does_not_prevent_infilling():
    picture = 0.8 * texture(5)
    mask = torch.ones(1, 60, 90)
    mask[:, 20:40, 30:50] = 0
    _, residual = infill_flow(field(0, 0), mask, picture + 0.1, picture)
    assert residual[:, 20:40, 30:50].max() < 1e-5


def test_most_of_what_a_disc_uncovers_gets_correct_motion(make_world):
    world = make_world(disc=lambda t: (-60.0 + 6 * t, 0.0, 20.0))
    frames = ((Frame(t, Fraction(t), Fraction(1), world.frame(t)), t == 0) for t in range(13))
    motions = list(track(frames, create_estimator("dis")))[12].motions
    back = world.hidden(12, 11) & (motions[1].mask < 0.5)
    right = torch.zeros_like(back)
    wrong = torch.zeros_like(back)
    for distance, motion in motions.items():
        there = back & (motion.mask > 0.5) & ~right & ~wrong
        good = (motion.flow - world.flow(12, 12 - distance)).norm(dim=0, keepdim=True) < 1
        good &= ~world.hidden(12, 12 - distance)
        right |= there & good
        wrong |= there & ~good
    assert back.sum() > 100
    assert right.sum() > 0.75 * back.sum()
    assert wrong.sum() < 0.1 * back.sum()
