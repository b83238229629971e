import dataclasses

import pytest
import torch
from torch import nn

from vst.losses import PerceptualLoss, temporal_loss
from vst.losses.perceptual import style_targets
from vst.modes.lstm.network import LSTM
from vst.modes.lstm.training import LstmStep, add_noise
from vst.modes.training import to_unit
from vst.motion import warp
from vst.train.clips import find_clips
from vst.train.picture_files import find_pictures
from vst.train.sequences import MixedBatches
from vst.train.trainer import Step


class Raw(nn.Module):
    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return {layer: images for layer in wanted}


@pytest.fixture
def calm(make_recipe):
    return make_recipe(
        "lstm",
        gate=True,
        precision="fp32",
        unroll=5,
        warm_up=2,
        loss_frames=2,
        empty=0.0,
        restart=0.0,
        feedback_noise=0.0,
    )


def model(recipe):
    torch.manual_seed(0)
    network = LSTM(2, variant=recipe.variant)
    with torch.no_grad():
        network.memory.gates.weight.normal_(std=0.1)
    return network


def step_for(recipe, network) -> Step:
    torch.manual_seed(1)
    targets = [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))]
    return LstmStep(recipe, network, PerceptualLoss(Raw(), targets))


def batch_of(recipe, warm_up=2):
    photos, clips = find_pictures(recipe.photos), find_clips(recipe.clips)
    batches = (MixedBatches(dataclasses.replace(recipe, seed=n), photos, clips)[0] for n in range(50))
    return next(batch for batch in batches if int(batch["warm_up"]) == warm_up)


def test_a_batch_has_restarts_and_no_flow_to_show(calm):
    batch = batch_of(calm)
    assert "flow" not in batch
    assert batch["true_flow"].shape == (1, 7, 2, 32, 32)
    assert not batch["restart"].any()
    assert not batch["feedback"].any()
    often = batch_of(dataclasses.replace(calm, restart=1.0, feedback_noise=0.1))
    assert often["restart"].tolist() == [False] * 2 + [True] * 5
    assert 0 < float(often["feedback"].max()) <= 0.1


def test_gradients_reach_the_first_frame_of_the_unroll_and_no_further(calm):
    network, batch = model(calm), batch_of(calm)
    step, states = step_for(calm, network), []
    advance = step.advance

    def watched(frame, state, mix):
        output, state = advance(frame, state, mix)
        for part in (state.stylized, state.cell):
            if part.requires_grad:
                part.retain_grad()
        states.append(state)
        return output, state

    step.advance = watched
    outputs, _ = step.unroll(batch, torch.ones(1, 1))
    outputs[:, -1].square().mean().backward()
    assert [state.cell.requires_grad for state in states] == [False] * 2 + [True] * 5
    assert all(state.cell.grad.abs().sum() > 0 for state in states[2:])
    assert all(state.stylized.grad.abs().sum() > 0 for state in states[2:])


def test_each_frame_is_stylized_from_the_state_of_the_last(calm):
    network, batch = model(calm), batch_of(calm)
    outputs, temporal = step_for(calm, network).unroll(batch, torch.ones(1, 1))
    state, stylized = None, []
    for frame in (to_unit(batch["seen"]) * 2 - 1).unbind(1):
        output, state = network.step(frame, state)
        stylized.append(output)
    torch.testing.assert_close(outputs, torch.stack(stylized[2:], 1))
    errors = [
        temporal_loss(
            stylized[t], warp(stylized[t - 1], batch["true_flow"][:, t]), batch["true_mask"][:, t]
        )
        for t in range(2, 7)
    ]
    torch.testing.assert_close(temporal, torch.stack(errors).mean())


def test_where_the_memory_is_emptied_a_frame_is_stylized_as_the_first_of_a_shot(calm):
    network, batch = model(calm), batch_of(calm)
    batch["restart"][4] = True
    outputs, _ = step_for(calm, network).unroll(batch, torch.ones(1, 1))
    seen = to_unit(batch["seen"]) * 2 - 1
    torch.testing.assert_close(outputs[:, 2], network(seen[:, 4]))
    assert not torch.allclose(outputs[:, 3], network(seen[:, 5]), atol=1e-4)


def test_noise_on_what_is_fed_back_is_that_of_the_batch(calm):
    network, batch = model(calm), batch_of(calm)
    step = step_for(calm, network)

    def last():
        return step.unroll(batch, torch.ones(1, 1))[0][:, -1]

    quiet = last()
    batch["feedback"] += 0.2
    noisy = last()
    assert not torch.equal(noisy, quiet)
    assert torch.equal(noisy, last())
    batch["seed"] += 1
    assert not torch.equal(noisy, last())


def test_noise_leaves_the_output_in_range_and_the_rest_unchanged(calm):
    _, state = model(calm).step(torch.rand(2, 3, 16, 16) * 2 - 1, None)
    state = state._replace(stylized=torch.zeros(2, 3, 16, 16))
    random = torch.Generator().manual_seed(0)
    found = add_noise(state, torch.tensor([0.0, 0.1]), random)
    assert not found.stylized[0].any()
    assert float(found.stylized[1].std()) == pytest.approx(0.1, rel=0.1)
    assert found.cell is state.cell
    assert add_noise(state, torch.tensor([9.0, 9.0]), random).stylized.abs().max() == 1


def test_training_lowers_flicker(calm):
    calm = dataclasses.replace(calm, temporal_weight=100.0, noise=0.2, brightness=0.2)
    network, batch = model(calm), batch_of(calm)
    step = step_for(calm, network)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    found = []
    for _ in range(25):
        losses = step(batch)
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
        found.append({name: float(value.detach()) for name, value in losses.items()})
    assert found[-1]["total"] < 0.8 * found[0]["total"]
    assert found[-1]["temporal"] < 0.7 * found[0]["temporal"]
    assert set(found[0]) == {"total", "content", "style", "temporal"}
