import dataclasses

import pytest
import torch
from torch import nn

from vst.losses import PerceptualLoss
from vst.losses.perceptual import style_targets
from vst.modes.reconet.network import ReCoNet
from vst.modes.reconet.training import ReconetStep, shrink_motion
from vst.train.clips import find_clips
from vst.train.picture_files import find_pictures
from vst.train.sequences import MixedBatches


class Raw(nn.Module):
    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return {layer: images for layer in wanted}


@pytest.fixture
def pairs(make_recipe):
    return make_recipe("reconet", precision="fp32", unroll=3, sequences=2, empty=0.0)


@pytest.fixture
def batch(pairs):
    return MixedBatches(pairs, find_pictures(pairs.photos), find_clips(pairs.clips))[0]


def step_for(recipe, network):
    torch.manual_seed(1)
    targets = [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))]
    return ReconetStep(recipe, network, PerceptualLoss(Raw(), targets))


def network():
    torch.manual_seed(0)
    return ReCoNet(2)


def test_sequences_are_not_warmed_up_as_nothing_is_fed_back(batch):
    assert batch["frames"].shape == (2, 3, 3, 32, 32)
    assert int(batch["warm_up"]) == 0
    assert "flow" not in batch


def test_shrunk_motion_is_in_cells_and_trusted_where_every_pixel_is():
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 4.0
    flow[:, 1, :4, :4] = torch.tensor([0.0, 8.0]).repeat(2)  # two halves of the first cell
    mask = torch.ones(1, 1, 8, 8)
    mask[..., 7, 0] = 0
    small, trusted = shrink_motion(flow, mask, (2, 2))
    assert small[0, 0].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert small[0, 1].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert trusted[0, 0].tolist() == [[1.0, 1.0], [0.0, 1.0]]


def test_features_that_move_with_the_scene_cost_nothing_and_others_what_they_differ(pairs):
    step = step_for(pairs, network())
    then = torch.arange(16.0).view(1, 1, 4, 4)
    now = then.roll(-1, -1)  # everything moves a cell to the left: it was a cell to the right
    flow = torch.zeros(1, 2, 2, 16, 16)
    flow[:, 1, 0] = 4.0
    mask = torch.ones(1, 2, 1, 16, 16)
    mask[..., 12:] = 0  # what comes in from the right
    batch = {"true_flow": flow, "true_mask": mask}
    features = torch.stack((then, now), 1)
    assert float(step.feature_loss(batch, features)) == pytest.approx(0, abs=1e-9)
    features[0, 1, 0, 0, 0] += 2
    energy = float(features[:, 1].square().mean())
    assert float(step.feature_loss(batch, features)) == pytest.approx(2**2 / 16 / energy, rel=1e-4)


def test_the_loss_of_features_cannot_be_lowered_by_making_them_small(pairs, batch):
    step = step_for(pairs, network())
    features = torch.rand(2, 3, 8, 8, 8)
    whole, small = step.feature_loss(batch, features), step.feature_loss(batch, features / 100)
    torch.testing.assert_close(whole, small, rtol=1e-3, atol=0)


def test_output_that_changes_as_the_light_does_costs_nothing(pairs, batch):
    step = step_for(pairs, network())
    batch["frames"] = torch.full_like(batch["frames"], 100)
    batch["frames"][:, 1:] = 151  # a fifth of the range brighter
    outputs = torch.zeros(2, 3, 3, 32, 32)
    outputs[:, 1:] = 0.4
    assert float(step.output_loss(batch, outputs)) == pytest.approx(0, abs=1e-9)
    steady = float(step.output_loss(batch, torch.zeros(2, 3, 3, 32, 32)))
    assert steady == pytest.approx(3 * 0.4**2 * float(batch["true_mask"][:, 1].mean()) / 2, rel=1e-4)


def test_a_step_lowers_what_it_minimises_and_names_its_parts(pairs, batch):
    pairs = dataclasses.replace(pairs, temporal_weight=30.0, feature_weight=2.0)
    made = network()
    step = step_for(pairs, made)
    optimiser = torch.optim.Adam(made.parameters(), 5e-3)
    found = []
    for _ in range(25):
        losses = step(batch)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
        found.append({name: float(value.detach()) for name, value in losses.items()})
    assert set(found[0]) == {"total", "content", "style", "temporal", "feature"}
    for name in ("total", "temporal", "feature"):
        assert found[-1][name] < 0.9 * found[0][name], name


def test_photographs_are_learned_from_as_an_itn_does(pairs):
    still = dataclasses.replace(pairs, empty=1.0)
    batch = MixedBatches(still, find_pictures(still.photos), [])[0]
    assert set(step_for(still, network())(batch)) == {"total", "content", "style"}
