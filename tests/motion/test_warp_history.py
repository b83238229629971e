from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from vst.frame import Frame, Motion
from vst.motion import create_estimator, track
from vst.motion.warp_history import WarpHistory, compose_past

H, W = 8, 10


def motion(trusted: torch.Tensor, distance: int, x: float = 0.0) -> Motion:
    flow = torch.zeros(2, H, W)
    flow[0] = x
    return Motion(flow, trusted.float()[None], distance)


def test_each_pixel_comes_from_the_nearest_trusted_frame():
    columns = torch.arange(W).expand(H, W)
    motions = {4: motion(columns < 7, 4), 1: motion(columns < 3, 1), 2: motion(columns < 5, 2)}
    outputs = {distance: torch.full((3, H, W), distance / 10) for distance in motions}
    image, mask = compose_past(motions, outputs)
    expected = torch.tensor([0.1] * 3 + [0.2] * 2 + [0.4] * 2 + [0.0] * 3).expand(3, H, W)
    torch.testing.assert_close(image, expected)
    assert torch.equal(mask[0], (columns < 7).float())


def test_pixels_without_a_trusted_frame_are_zero():
    image, mask = compose_past({1: motion(torch.zeros(H, W), 1)}, {1: torch.ones(3, H, W)})
    assert image.eq(0).all()
    assert mask.eq(0).all()


def test_outputs_are_warped_by_the_motion_of_their_distance():
    ramp = torch.arange(float(W)).expand(3, H, W) / 10
    trusted, untrusted = torch.ones(H, W), torch.zeros(H, W)
    image, _ = compose_past({1: motion(untrusted, 1), 2: motion(trusted, 2, x=3.0)}, {1: ramp, 2: ramp})
    torch.testing.assert_close(image[..., : W - 3], ramp[..., 3:])


def test_a_distance_without_output_or_motion_is_ignored():
    trusted = torch.ones(H, W)
    image, _ = compose_past(
        {1: motion(trusted, 1), 2: motion(trusted, 2)},
        {2: torch.ones(3, H, W), 4: torch.zeros(3, H, W)},
    )
    torch.testing.assert_close(image, torch.ones(3, H, W))


def test_mappings_without_a_common_distance_are_refused():
    with pytest.raises(ValueError, match="one in common"):
        compose_past({1: motion(torch.ones(H, W), 1)}, {2: torch.ones(3, H, W)})


def test_a_region_hidden_for_eight_frames_is_composed_from_before_the_occlusion(make_world):
    """A disc passes and hides the middle of the picture for eight frames."""
    world = make_world(disc=lambda t: (-312.0 + 22.8 * t, 0.0, 96.0), height=360, width=640)
    count = 20
    hidden = [world.on_disc(t, torch.zeros(1), torch.zeros(1)).item() for t in range(count)]
    back = max(t for t in range(count) if hidden[t]) + 1
    assert sum(hidden) == 8

    images = [world.frame(t) for t in range(back + 1)]
    outputs = [image * 2 - 1 for image in images]
    stream = [(Frame(t, Fraction(t), Fraction(1), image), t == 0) for t, image in enumerate(images)]
    last = list(track(stream, create_estimator("dis")))[-1]
    earlier = {distance: outputs[back - distance] for distance in last.motions}
    image, mask = compose_past(last.motions, earlier)

    uncovered = world.hidden(back, back - 1) & ~world.hidden(back, back - 16)
    assert uncovered.sum() > 1000
    near_only = compose_past({1: last.motions[1]}, earlier)[1]
    assert near_only[uncovered].mean() < 0.1, "the previous frame does not show it"
    assert mask[uncovered].mean() > 0.5, "an earlier frame does"
    held = (mask > 0.5) & uncovered
    error = (image - outputs[back]).abs().mean(0, keepdim=True)[held]
    assert (error < 0.1).float().mean() > 0.9, "the image shows the background, not the disc"


def test_an_occluder_that_was_at_the_same_position_does_not_leak_into_the_past(make_world):
    world = make_world(disc=lambda t: (-90.0 + 6.0 * t, 0.0, 30.0), height=160, width=240)
    stream = [(Frame(t, Fraction(t), Fraction(1), world.frame(t)), t == 0) for t in range(19)]
    last = list(track(stream, create_estimator("dis")))[-1]
    assert len(last.motions) > 1
    x, y = world._pixels()
    outputs = {
        d: torch.where(world.on_disc(18 - d, x, y), 1.0, -1.0).expand(3, -1, -1) for d in last.motions
    }
    image, mask = compose_past(last.motions, outputs)
    filled = (mask > 0.5) & (last.motions[1].mask < 0.5) & ~world.on_disc(18, x, y)
    assert filled.any()
    assert (image[0][filled[0]] > 0).float().mean() < 0.1


def by_half_a_pixel() -> dict[int, Motion]:
    return {1: Motion(torch.full((2, H, W), 0.5), torch.ones(1, H, W), 1)}


def random_output(number: int) -> torch.Tensor:
    return torch.rand(3, H, W, generator=torch.Generator().manual_seed(number)) * 2 - 1


def test_a_shot_begins_without_a_past_and_again_after_a_clear():
    history = WarpHistory()
    assert history.past(by_half_a_pixel()) is None
    history.add(random_output(0))
    assert history.past(by_half_a_pixel()) is not None
    history.clear()
    assert history.past(by_half_a_pixel()) is None


def test_a_history_marks_what_was_resampled_too_often():
    history = WarpHistory()
    shares = []
    for number in range(40):
        past = history.past(by_half_a_pixel())
        shares.append(0.0 if past is None else float(past.refresh.max()))
        history.add(random_output(number))
    assert not any(shares[:5])
    assert any(shares)


def test_a_restored_history_gives_the_same_past_as_the_original():
    first, second = WarpHistory(), WarpHistory()
    for number in range(4):
        first.past(by_half_a_pixel())
        first.add(random_output(number))
    second.add(random_output(9))
    second.restore(first.snapshot())
    for number in range(4, 7):
        one, other = first.past(by_half_a_pixel()), second.past(by_half_a_pixel())
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.refresh, other.refresh)
        first.add(random_output(number))
        second.add(random_output(number))
