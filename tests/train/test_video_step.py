import dataclasses

import pytest
import torch
from torch import nn

from vst.frame import Motion
from vst.losses import PerceptualLoss
from vst.losses.perceptual import style_targets
from vst.motion import compose_past
from vst.nn import VTN
from vst.train.clips import find_clips
from vst.train.pictures import find_pictures
from vst.train.sequences import MixedBatches
from vst.train.video import VideoStep, age


class Raw(nn.Module):
    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return {layer: images for layer in wanted}


@pytest.fixture
def step(recipe):
    recipe = dataclasses.replace(recipe, mode="vtn", precision="fp32", unroll=4, warm_up=3, judged=2)
    targets = [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))]
    torch.manual_seed(0)
    return VideoStep(recipe, VTN(2), PerceptualLoss(Raw(), targets))


@pytest.fixture
def batch(step):
    photos, clips = find_pictures(step.recipe.photos), find_clips(step.recipe.clips)
    batches = (
        MixedBatches(dataclasses.replace(step.recipe, empty=0.0, seed=n), photos, clips)[0]
        for n in range(50)
    )
    return next(batch for batch in batches if int(batch["warm_up"]) == 3)


def test_what_is_remembered_is_what_a_render_recalls(step, batch):
    torch.manual_seed(1)
    size = batch["seen"].shape[-1]
    batch["mask"] = torch.bernoulli(torch.full_like(batch["mask"], 0.6))
    outputs = [torch.rand(1, 3, size, size) * 2 - 1 for _ in range(5)]
    past, recalled = step.remember(batch, outputs, 5)
    motions = {
        distance: Motion(batch["flow"][0, 5, k], batch["mask"][0, 5, k], distance)
        for k, distance in enumerate(step.recipe.memory)
    }
    image, mask = compose_past(motions, {d: outputs[5 - d][0] for d in motions})
    torch.testing.assert_close(past[0, :3], image)
    torch.testing.assert_close(past[0, 3:], mask)
    assert torch.equal(recalled[0], mask * (1 - batch["mask"][0, 5, 0]))


def test_the_first_frame_has_no_past(step, batch):
    past, recalled = step.remember(batch, [], 0)
    assert not past.any()
    assert not recalled.any()


def test_gradients_go_through_time_but_not_into_the_warming_up(step, batch):
    painted = []
    paint = step.paint

    def watched(*given):
        output = paint(*given)
        if output.requires_grad:
            output.retain_grad()
        painted.append(output)
        return output

    step.paint = watched
    losses = step(batch)
    losses["total"].backward()
    assert len(painted) == 7
    assert [output.requires_grad for output in painted] == [False] * 3 + [True] * 4
    assert all(output.grad.abs().sum() > 0 for output in painted[3:])
    assert set(losses) == {"total", "content", "style", "temporal"}


def test_only_so_many_frames_are_judged_as_pictures(step, batch):
    seen = []
    step.perceptual.network.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    step(batch)
    assert seen == [2, 2]  # the frames, then what was painted
    assert len(batch["judged"]) == 2
    assert batch["judged"].max() < 4


def test_aged_paint_has_lost_detail_and_stays_where_it_was(step, batch):
    torch.manual_seed(2)
    painting = torch.rand(2, 3, 32, 32) * 2 - 1
    shifts = torch.tensor([[[0.3, -0.2], [0.5, 0.4]], [[0.0, 0.0], [0.0, 0.0]]])
    aged = age(painting, shifts)
    torch.testing.assert_close(aged[1], painting[1], atol=1e-5, rtol=0)
    smooth = torch.nn.functional.avg_pool2d(painting, 5, 1, 2)
    inside = (slice(None), slice(6, -6), slice(6, -6))
    detail = [(each - smooth[0])[inside].square().mean() for each in (painting[0], aged[0])]
    assert detail[1] < 0.8 * detail[0]
    torch.testing.assert_close(
        torch.nn.functional.avg_pool2d(aged[:1], 5, 1, 2)[0][inside], smooth[0][inside], atol=0.2, rtol=0
    )


def test_paint_is_aged_before_the_learned_frames(recipe):
    recipe = dataclasses.replace(recipe, mode="vtn", ageing=5, sequences=3, empty=0.0)
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    shifts = MixedBatches(recipe, photos, clips)[0]["ageing"]
    assert shifts.shape == (3, 5, 2)
    assert shifts.abs().max() <= 0.5


def test_some_squares_are_painted_anew_though_the_past_is_seen(recipe):
    recipe = dataclasses.replace(recipe, mode="vtn", gate=True, sequences=3, empty=0.0, size=48)
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    assert "fresh" not in MixedBatches(recipe, photos, clips)[0]
    batch = MixedBatches(dataclasses.replace(recipe, renewal=0.3), photos, clips)[0]
    fresh = batch["fresh"]
    assert fresh.shape == (*batch["seen"].shape[:2], 1, 48, 48)
    assert fresh.unique().tolist() == [0, 1]
    assert torch.equal(fresh[..., :20, :20], fresh[..., :1, :1].expand(*fresh.shape[:3], 20, 20))
    assert 0.1 < fresh.mean() < 0.5


def test_nothing_is_kept_where_a_square_is_renewed(recipe):
    recipe = dataclasses.replace(recipe, mode="vtn", gate=True, anchor=0.0, precision="fp32")
    torch.manual_seed(0)
    network = VTN(4, 2, recipe.variant)
    with torch.no_grad():
        network.last.bias[3] = 40.0  # all that can be kept is kept
    step = VideoStep(recipe, network, None)
    past = torch.cat((torch.full((2, 3, 32, 32), 0.5), torch.ones(2, 1, 32, 32)), 1)
    fresh = torch.zeros(2, 1, 32, 32)
    fresh[..., 16:] = 1
    with torch.no_grad():
        output = step.paint(torch.rand(2, 3, 32, 32), past, torch.eye(2), fresh)
    assert output[..., :16].allclose(torch.tensor(0.5))
    assert (output[..., 16:] - 0.5).abs().mean() > 0.05
