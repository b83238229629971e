"""L-BFGS and Adam find a minimum, notice a loss that is no number, and stop when told."""

from __future__ import annotations

import math

import pytest
import torch

from vst.errors import VstError
from vst.modes.optimisation.minimise import RESTARTS, minimise
from vst.modes.optimisation.objective import Evaluation

GOAL = torch.linspace(0, 1, 3 * 8 * 8).reshape(3, 8, 8)


def distance(image: torch.Tensor) -> Evaluation:
    scale = torch.tensor([1.0, 5.0, 20.0])[:, None, None]
    total = float((scale * (image - GOAL) ** 2).mean())
    return Evaluation(total, {"distance": total}, 2 * scale * (image - GOAL) / GOAL.numel())


def run(objective, steps: int = 40, optimizer: str = "lbfgs", watch=lambda step: True):
    return minimise(objective, torch.zeros(3, 8, 8), steps, watch, optimizer=optimizer)


def test_lbfgs_finds_the_minimum_of_a_quadratic_in_few_steps():
    found = run(distance, steps=25)
    assert found.losses["distance"] < 1e-6
    torch.testing.assert_close(found.image, GOAL, atol=1e-2, rtol=0)


def test_a_picture_in_any_order_of_memory_is_taken():
    start = torch.zeros(8, 8, 3).permute(2, 0, 1)
    found = minimise(distance, start, 25, lambda step: True, optimizer="lbfgs")
    torch.testing.assert_close(found.image, GOAL, atol=1e-2, rtol=0)


def test_adam_comes_near_it():
    assert run(distance, 200, "adam").losses["distance"] < 1e-3 * distance(torch.zeros(3, 8, 8)).total


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_every_evaluation_is_a_step_and_there_are_as_many_as_asked(optimizer):
    seen = []
    run(distance, 7, optimizer, lambda step: seen.append(step.number) or True)
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_start_that_is_the_minimum_stays(optimizer):
    found = minimise(distance, GOAL.clone(), 5, lambda step: True, optimizer=optimizer)
    assert torch.equal(found.image, GOAL)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_loss_that_is_no_number_restarts_with_smaller_steps(optimizer, caplog):
    pictures, totals = [], []

    def spoilt(image: torch.Tensor) -> Evaluation:
        pictures.append(image.clone())
        found = distance(image)
        totals.append(math.nan if len(pictures) == 4 else found.total)
        return Evaluation(totals[-1], {"distance": totals[-1]}, found.gradient)

    found = run(spoilt, 30, optimizer)
    assert "step 4: the loss is not a number; restarting with smaller steps" in caplog.text
    best = pictures[min(range(3), key=totals.__getitem__)]
    assert torch.equal(pictures[4], best)  # where it begins again
    assert found.losses["distance"] < 0.99 * min(totals[:3])
    first, second = (float((pictures[n + 1] - pictures[n]).norm()) for n in (0, 4))
    assert second < 0.5 * first


def test_a_gradient_that_is_no_number_counts_too(caplog):
    calls = []

    def spoilt(image: torch.Tensor) -> Evaluation:
        calls.append(1)
        found = distance(image)
        return Evaluation(found.total, found.losses, found.gradient * (math.nan if len(calls) == 2 else 1))

    assert math.isfinite(run(spoilt, 20).losses["distance"])
    assert "restarting" in caplog.text


def test_a_loss_that_grows_without_end_is_restarted_and_then_said(caplog):
    calls = []

    def growing(image: torch.Tensor) -> Evaluation:
        calls.append(1)
        total = 1.0 + 100.0 * (len(calls) - 1)
        return Evaluation(total, {"distance": total}, torch.ones_like(image))

    found = run(growing, 60, "adam")
    assert found.losses == {"distance": 1.0}
    assert torch.equal(found.image, torch.zeros(3, 8, 8))
    assert caplog.text.count("restarting with smaller steps") == RESTARTS
    assert caplog.text.count("keeping the best picture") == 1


def test_a_start_without_losses_is_refused_in_one_line():
    with pytest.raises(VstError, match=r"^the losses cannot be minimised: the loss is not a number at the"):
        run(lambda image: Evaluation(math.nan, {}, image))


def test_a_watch_that_says_stop_gives_the_best_picture_so_far():
    found = run(distance, 40, watch=lambda step: step.number < 3)
    assert found.stopped
    assert found.losses["distance"] < distance(torch.zeros(3, 8, 8)).total
