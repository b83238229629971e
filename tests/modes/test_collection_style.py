"""The style loss of a collection: by hand, its running mean, and its gradient."""

from __future__ import annotations

import pytest
import torch

from vst.modes.cyclegan.collection_style import CollectionStyle

WANTED = {"a": torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]), "b": torch.tensor([[[3.0]]])}


def features(one, other, only):
    """Even maps of two channels at layer a, and of one at layer b."""
    a = torch.tensor([one, other])[None, :, None, None].expand(1, 2, 3, 3)
    return {"a": a.clone().requires_grad_(), "b": torch.full((1, 1, 2, 2), only, requires_grad=True)}


def test_the_first_pictures_are_compared_as_they_are():
    loss = CollectionStyle(WANTED)(features(1.0, 1.0, 2.0))
    # [[1, 1], [1, 1]] against diag(2, 1), of energy 5; and 4 against 3, of energy 9.
    assert loss.item() == pytest.approx(((1 + 1 + 1 + 0) / 5 + 1 / 9) / 2)


def test_later_ones_as_part_of_a_running_mean():
    style = CollectionStyle(WANTED)
    style(features(1.0, 0.0, 3**0.5))
    # Of two pictures each counts half: diag(1, 0) and diag(3, 0) make diag(2, 0).
    assert style(features(3**0.5, 0.0, 3**0.5)).item() == pytest.approx(1 / 5 / 2)
    for _ in range(200):
        loss = style(features(2**0.5, 1.0, 3**0.5))
    # sqrt(2)·1 beside the diagonal, twice.
    assert loss.item() == pytest.approx(4 / 5 / 2, rel=1e-4)
    before = style.get_buffer("mean_b").clone()
    style(features(0.0, 0.0, 0.0))
    assert style.get_buffer("mean_b").item() == pytest.approx(0.9 * before.item())


def test_the_gradient_is_that_of_the_mean_as_if_it_were_the_pictures_own():
    style = CollectionStyle({"b": WANTED["b"]})
    for _ in range(50):
        style(features(0.0, 0.0, 5**0.5))  # a mean of 5
    maps = features(0.0, 0.0, 1.0)
    style(maps).backward()
    # The mean is .9 · 5 + .1 · 1; d/df of (M - 3)² / 9 with dM = 2 f df over four pixels.
    assert maps["b"].grad.sum().item() == pytest.approx(2 * (4.6 - 3) / 9 * 2, rel=1e-3)


def test_running_means_are_kept_with_the_training_and_the_wanted_ones_are_not():
    assert set(CollectionStyle(WANTED).state_dict()) == {"count", "mean_a", "mean_b"}
