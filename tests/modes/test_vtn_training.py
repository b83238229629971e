import dataclasses

import pytest
import torch
from torch import nn

from vst.frame import Motion
from vst.losses import PerceptualLoss
from vst.losses.perceptual import style_targets
from vst.modes.vtn.network import VTN
from vst.modes.vtn.training import VtnStep, resample
from vst.motion import compose_past
from vst.train.clips import find_clips
from vst.train.picture_files import find_pictures
from vst.train.sequences import MixedBatches


class Raw(nn.Module):
    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return {layer: images for layer in wanted}


@pytest.fixture
def step(make_recipe):
    recipe = make_recipe("vtn", precision="fp32", unroll=4, warm_up=3, loss_frames=2)
    targets = [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))]
    torch.manual_seed(0)
    return VtnStep(recipe, VTN(2), PerceptualLoss(Raw(), targets))


@pytest.fixture
def batch(step):
    photos, clips = find_pictures(step.recipe.photos), find_clips(step.recipe.clips)
    batches = (
        MixedBatches(dataclasses.replace(step.recipe, empty=0.0, seed=n), photos, clips)[0]
        for n in range(50)
    )
    return next(batch for batch in batches if int(batch["warm_up"]) == 3)


def test_the_past_is_that_of_a_render(step, batch):
    torch.manual_seed(1)
    size = batch["seen"].shape[-1]
    batch["mask"] = torch.bernoulli(torch.full_like(batch["mask"], 0.6))
    outputs = [torch.rand(1, 3, size, size) * 2 - 1 for _ in range(5)]
    past, long_term = step.past(batch, outputs, 5)
    motions = {
        distance: Motion(batch["flow"][0, 5, k], batch["mask"][0, 5, k], distance)
        for k, distance in enumerate(step.recipe.distances)
    }
    image, mask = compose_past(motions, {d: outputs[5 - d][0] for d in motions})
    torch.testing.assert_close(past[0, :3], image)
    torch.testing.assert_close(past[0, 3:], mask)
    assert torch.equal(long_term[0], mask * (1 - batch["mask"][0, 5, 0]))


def test_the_first_frame_has_no_past(step, batch):
    past, long_term = step.past(batch, [], 0)
    assert not past.any()
    assert not long_term.any()


def test_gradients_go_through_time_but_not_into_the_warm_up(step, batch):
    outputs = []
    stylize = step.stylize

    def watched(*given):
        output = stylize(*given)
        if output.requires_grad:
            output.retain_grad()
        outputs.append(output)
        return output

    step.stylize = watched
    losses = step(batch)
    losses["total"].backward()
    assert len(outputs) == 7
    assert [output.requires_grad for output in outputs] == [False] * 3 + [True] * 4
    assert all(output.grad.abs().sum() > 0 for output in outputs[3:])
    assert set(losses) == {"total", "content", "style", "temporal"}


def test_the_loss_network_sees_only_the_frames_chosen(step, batch):
    seen = []
    step.perceptual.network.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    step(batch)
    assert seen == [2, 2]  # the frames, then what was outputs
    assert len(batch["loss_frames"]) == 2
    assert batch["loss_frames"].max() < 4


def test_resampling_loses_detail_and_moves_nothing(step, batch):
    torch.manual_seed(2)
    image = torch.rand(2, 3, 32, 32) * 2 - 1
    shifts = torch.tensor([[[0.3, -0.2], [0.5, 0.4]], [[0.0, 0.0], [0.0, 0.0]]])
    aged = resample(image, shifts)
    torch.testing.assert_close(aged[1], image[1], atol=1e-5, rtol=0)
    smooth = torch.nn.functional.avg_pool2d(image, 5, 1, 2)
    inside = (slice(None), slice(6, -6), slice(6, -6))
    detail = [(each - smooth[0])[inside].square().mean() for each in (image[0], aged[0])]
    assert detail[1] < 0.8 * detail[0]
    torch.testing.assert_close(
        torch.nn.functional.avg_pool2d(aged[:1], 5, 1, 2)[0][inside], smooth[0][inside], atol=0.2, rtol=0
    )


def test_the_past_is_resampled_at_most_that_often(make_recipe):
    recipe = make_recipe("vtn", resamplings=5, sequences=3, empty=0.0)
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    shifts = MixedBatches(recipe, photos, clips)[0]["shifts"]
    assert shifts.shape == (3, 5, 2)
    assert shifts.abs().max() <= 0.5


def test_some_squares_are_refreshed_though_the_past_is_seen(make_recipe):
    recipe = make_recipe("vtn", gate=True, sequences=3, empty=0.0, size=48)
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    assert "refresh" not in MixedBatches(recipe, photos, clips)[0]
    batch = MixedBatches(dataclasses.replace(recipe, refresh=0.3), photos, clips)[0]
    refresh = batch["refresh"]
    assert refresh.shape == (*batch["seen"].shape[:2], 1, 48, 48)
    assert refresh.unique().tolist() == [0, 1]
    assert torch.equal(refresh[..., :20, :20], refresh[..., :1, :1].expand(*refresh.shape[:3], 20, 20))
    assert 0.1 < refresh.mean() < 0.5


def test_nothing_is_kept_where_a_square_is_refreshed(make_recipe):
    recipe = make_recipe("vtn", gate=True, anchor=0.0, precision="fp32")
    torch.manual_seed(0)
    network = VTN(4, 2, recipe.variant)
    with torch.no_grad():
        network.last.bias[3] = 40.0  # all that can be kept is kept
    step = VtnStep(recipe, network, None)
    past = torch.cat((torch.full((2, 3, 32, 32), 0.5), torch.ones(2, 1, 32, 32)), 1)
    refresh = torch.zeros(2, 1, 32, 32)
    refresh[..., 16:] = 1
    with torch.no_grad():
        output = step.stylize(torch.rand(2, 3, 32, 32), past, torch.eye(2), refresh)
    assert output[..., :16].allclose(torch.tensor(0.5))
    assert (output[..., 16:] - 0.5).abs().mean() > 0.05
