import dataclasses

import pytest
import torch
from torch import nn

from vst.losses import PerceptualLoss, detail_loss
from vst.losses.perceptual import style_targets
from vst.modes.network_file import load_network
from vst.modes.vtn.network import VTN
from vst.modes.vtn.training import VtnStep
from vst.motion import warp
from vst.train.clips import find_clips
from vst.train.picture_files import find_pictures
from vst.train.run import run_recipe
from vst.train.sequences import MixedBatches
from vst.train.training_run import TrainingRun


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


def test_the_past_is_the_output_before_warped_and_masked(step, batch):
    torch.manual_seed(1)
    size = batch["seen"].shape[-1]
    batch["mask"] = torch.bernoulli(torch.full_like(batch["mask"], 0.6))
    outputs = [torch.rand(1, 3, size, size) * 2 - 1 for _ in range(5)]
    past = step.past(batch, outputs, 5)
    mask = batch["mask"][:, 5]
    assert torch.equal(past[:, 3:], mask)
    torch.testing.assert_close(past[:, :3], mask * warp(outputs[4], batch["flow"][:, 5]))


def test_the_first_frame_has_no_past(step, batch):
    past = step.past(batch, [], 0)
    assert past.shape[1] == 4
    assert not past.any()


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


def test_with_a_teacher_pictures_get_as_much_detail_as_its_own(make_recipe, batch, tmp_path):
    teacher = run_recipe(make_recipe("itn", width=4), TrainingRun(tmp_path / "teacher", say=lambda _: None))
    recipe = make_recipe("vtn", precision="fp32", warm_up=3, teacher=str(teacher), detail_weight=3.0)
    targets = [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))]
    torch.manual_seed(0)
    network, perceptual = VTN(2), PerceptualLoss(Raw(), targets)
    losses = VtnStep(recipe, network, perceptual)(batch)
    step = VtnStep(dataclasses.replace(recipe, teacher=""), network, perceptual)
    mix, chosen = torch.ones(1, 1), batch["loss_frames"]
    frames = batch["frames"][0, 3:][chosen].float() / 255 * 2 - 1
    outputs = step.unroll(batch, mix)[0][0, chosen]
    detail = detail_loss(outputs, load_network(teacher)[0](frames, mix.expand(len(frames), 1)))
    assert detail > 0
    torch.testing.assert_close(losses["detail"], detail.detach())
    torch.testing.assert_close(
        losses["total"].detach(), step(batch)["total"].detach() + 3 * detail.detach()
    )


def test_in_some_sequences_the_gate_keeps_nothing(make_recipe):
    recipe = make_recipe("vtn", gate=True, anchor=0.0, precision="fp32", ungated=0.5, empty=0.0)
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    shares = {float(MixedBatches(recipe, photos, clips)[n]["kept_share"]) for n in range(12)}
    assert shares == {0.0, 1.0}
    torch.manual_seed(0)
    network = VTN(4, 2, recipe.variant)
    with torch.no_grad():
        network.last.bias[3] = 40.0  # all that can be kept is kept
    step = VtnStep(recipe, network, None)
    batch = MixedBatches(recipe, photos, clips)[0]
    mix = torch.eye(2)[:1]
    outputs = {}
    for share in (0.0, 1.0):
        outputs[share], _ = step.unroll(batch | {"kept_share": torch.tensor(share)}, mix)
    assert "kept_share" not in network.state_dict()
    assert (outputs[0.0] - outputs[1.0]).abs().mean() > 0.01
