from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vst.motion import consistency_mask, create_estimator, inside
from vst.motion.consistency import DISTANT_TOLERANCE, disocclusion, looks_alike, motion_boundary

SCENES = {
    "slow camera, disc of 3 px a frame": {
        "camera": lambda t: (0.7 * t, 0.3 * t, 1 + 0.002 * t),
        "disc": lambda t: (-30.0 + 3 * t, -10.0 + t, 28.0),
    },
    "pan against a fast disc": {
        "camera": lambda t: (-1.5 * t, 0.0, 1.0),
        "disc": lambda t: (-40.0 + 6 * t, 0.0, 30.0),
    },
    "fast pan": {"camera": lambda t: (8.0 * t, 0.0, 1.0), "disc": lambda t: (-20.0 + 5 * t, 2.0 * t, 25.0)},
}


def recall_and_precision(found: torch.Tensor, truth: torch.Tensor) -> tuple[float, float]:
    both = (found & truth).sum().item()
    return both / truth.sum().item(), both / found.sum().item()


def dilate(mask: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(mask[None].float(), 3, stride=1, padding=1)[0] > 0


@pytest.mark.parametrize("scene", SCENES)
def test_with_exact_flow_the_mask_covers_what_was_hidden_and_little_else(make_world, scene):
    world = make_world(**SCENES[scene], height=180, width=240)
    truth = world.hidden(6, 5)
    forward, backward = world.flow(5, 6), world.flow(6, 5)
    lost = disocclusion(forward, backward) | ~inside(backward)
    recall, precision = recall_and_precision(lost, truth)
    assert recall >= 0.95
    assert precision >= 0.9
    # The motion boundary adds one pixel on either side of every outline.
    whole = consistency_mask(forward, backward) == 0
    assert recall_and_precision(whole, truth)[0] >= 0.95
    seam = whole & ~dilate(truth) & ~dilate(motion_boundary(backward))
    assert not seam.any()


@pytest.mark.parametrize("scene", SCENES)
def test_with_dis_the_mask_covers_most_of_what_was_hidden(make_world, scene):
    world = make_world(**SCENES[scene], height=360, width=480)
    backward, forward = create_estimator("dis").estimate_pair(world.frame(6), world.frame(5))
    recall, _ = recall_and_precision(consistency_mask(forward, backward) == 0, world.hidden(6, 5))
    assert recall >= 0.8


def test_a_still_picture_is_trusted_everywhere():
    nothing = torch.zeros(2, 9, 11)
    assert consistency_mask(nothing, nothing).eq(1).all()


def test_disocclusion_uses_the_threshold_of_sundaram():
    # w = 0 and |w'|² = s: disoccluded where s > 0.01 s + 0.5, that is from s = 0.50505.
    for length, expected in ((0.5049**0.5, False), (0.5052**0.5, True)):
        backward = torch.zeros(2, 5, 5)
        backward[0] = length
        assert disocclusion(torch.zeros(2, 5, 5), backward).eq(expected).all()


def test_disocclusion_reads_the_forward_flow_where_the_backward_flow_points():
    backward = torch.zeros(2, 4, 12)
    backward[0] = 3.0
    forward = torch.zeros(2, 4, 12)
    forward[0, :, 6:] = -3.0  # only the right half of the earlier frame moved 3 to the left
    assert torch.equal(disocclusion(forward, backward)[0, 0], torch.arange(12) < 3)


def test_motion_boundary_compares_gradient_and_length_of_the_same_flow():
    # u' = k x, no v': |∇u'|² = k² against 0.01 (k x)² + 0.002.
    k = 0.2
    x = torch.arange(40.0)
    backward = torch.stack((k * x.expand(5, 40), torch.zeros(5, 40)))
    expected = k**2 > 0.01 * (k * x) ** 2 + 0.002
    assert expected.any()
    assert not expected.all()
    assert torch.equal(motion_boundary(backward)[0, 2], expected)


def test_either_condition_or_leaving_the_frame_makes_a_pixel_untrusted(make_world):
    world = make_world(camera=lambda t: (4.0 * t, 0.0, 1.0), disc=lambda t: (9.0 * t, 0.0, 20.0))
    forward, backward = world.flow(0, 1), world.flow(1, 0)
    parts = [disocclusion(forward, backward), motion_boundary(backward), ~inside(backward)]
    for i, part in enumerate(parts):
        others = torch.stack([p for j, p in enumerate(parts) if j != i]).any(0)
        assert (part & ~others).any(), "each part finds something of its own"
    assert torch.equal(consistency_mask(forward, backward) == 0, torch.stack(parts).any(0))


def test_nan_flow_is_not_trusted():
    flow = torch.zeros(2, 12, 12)
    broken = flow.clone()
    broken[:, 3, 3] = float("nan")
    assert consistency_mask(flow, broken)[0, 3, 3] == 0
    assert consistency_mask(broken, flow)[0, 3, 3] == 0
    assert consistency_mask(flow, broken)[0, 9, 9] == 1


def test_each_element_of_a_batch_has_its_own_mask(make_world):
    world = make_world(disc=lambda t: (5.0 * t, 0.0, 20.0))
    forward = torch.stack((world.flow(0, 1), torch.zeros(2, 120, 160)))
    backward = torch.stack((world.flow(1, 0), torch.zeros(2, 120, 160)))
    masks = consistency_mask(forward, backward)
    assert masks.shape == (2, 1, 120, 160)
    assert torch.equal(masks[0], consistency_mask(forward[0], backward[0]))
    assert masks[1].eq(1).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (2, 2)])
def test_the_smallest_frames_are_accepted(height, width):
    nothing = torch.zeros(2, height, width)
    assert consistency_mask(nothing, nothing).shape == (1, height, width)


def test_flows_of_different_size_are_refused():
    with pytest.raises(ValueError, match="expected the same"):
        consistency_mask(torch.zeros(2, 4, 4), torch.zeros(2, 4, 5))


def test_a_fade_looks_alike_and_another_object_does_not(make_world):
    picture = make_world().frame(0)
    other = picture.clone()
    other[:, 40:80, 40:80] = 1 - other[:, 40:80, 40:80]
    still = torch.zeros(2, 120, 160)
    assert looks_alike(picture, picture * 0.98 + 0.1, still, DISTANT_TOLERANCE).all()
    alike = looks_alike(other, picture, still, DISTANT_TOLERANCE)
    assert not alike[:, 42:78, 42:78].float().mean() > 0.3
    assert alike[:, :36].all()
