"""Batches of photographs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vst.errors import UsageError
from vst.losses.perceptual import PerceptualLoss, style_targets
from vst.modes.training import picture_losses, to_unit
from vst.train.photos import PhotoBatches, loss_corner, plain
from vst.train.picture_files import find_pictures, random_crop
from vst.train.run import run_recipe


class Raw(torch.nn.Module):
    """A loss network whose features are the picture."""

    layers = ("relu1_2", "relu3_3")

    def forward(self, images, wanted):
        return dict.fromkeys(wanted, images)


def test_photographs_are_enlarged_as_far_as_the_recipe_says():
    image = np.tile(np.arange(64, dtype=np.uint8)[None, :, None], (64, 1, 3))
    steps = [
        np.median(
            np.abs(np.diff(random_crop(image, 32, np.random.default_rng(seed), zoom)[..., 0].astype(float)))
        )
        for zoom, seeds in ((1.0, 20), (4.0, 40))
        for seed in range(seeds)
    ]
    assert min(steps[:20]) >= 1  # a step of the ramp a pixel, or more
    assert min(steps[20:]) < 1


def test_plain_pictures_have_little_contrast_in_any_light():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    made = [plain(image, np.random.default_rng(seed)) for seed in range(30)]
    assert all(each.std() < 0.6 * image.std() for each in made)
    means = [each.mean() for each in made]
    assert min(means) < 60
    assert max(means) > 190


def test_the_share_of_plain_pictures_is_the_recipes(make_recipe):
    photos = find_pictures(make_recipe().photos)

    def contrasts(share):
        batches = PhotoBatches(make_recipe(plain=share, steps=8), photos)
        return torch.cat([batches[step]["frames"].float().std((1, 2, 3)) for step in range(8)])

    assert (contrasts(1.0).mean() < 0.8 * contrasts(0.0).mean()).item()


def test_the_loss_network_sees_a_square_of_the_crop(make_recipe):
    recipe = make_recipe(loss_size=20)
    batch = PhotoBatches(recipe, find_pictures(recipe.photos))[3]
    top, left = batch["loss_corner"].tolist()
    assert 0 <= top <= 12
    assert 0 <= left <= 12
    frames = to_unit(batch["frames"])
    output = torch.rand(frames.shape) * 2 - 1
    loss = PerceptualLoss(Raw(), [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))])
    style = batch["style"]
    part = picture_losses(recipe, loss, output, frames, style, batch)
    square = (..., slice(top, top + 20), slice(left, left + 20))
    same = picture_losses(recipe, loss, output[square], frames[square], style)
    torch.testing.assert_close(part["total"], same["total"])
    assert part["total"] != picture_losses(recipe, loss, output, frames, style)["total"]


def test_pixels_at_the_border_are_seen_often(make_recipe):
    recipe = make_recipe(loss_size=20)
    corners = [loss_corner(recipe, np.random.default_rng(seed))["loss_corner"] for seed in range(400)]
    seen = np.zeros((32, 32))
    for top, left in corners:
        seen[top : top + 20, left : left + 20] += 1
    assert seen[0].mean() > 0.25 * seen[16].mean()
    assert min(int(corner.min()) for corner in corners) == 0
    assert max(int(corner.max()) for corner in corners) == 12


def test_the_style_weight_rises_over_the_ramp(make_recipe):
    recipe = make_recipe(style_ramp=4, steps=8)
    batches = PhotoBatches(recipe, find_pictures(recipe.photos))
    shares = [float(batches[step]["style_share"]) for step in (0, 2, 4, 7)]
    assert shares == pytest.approx([0.02, 0.02**0.5, 1, 1])
    frames, style = to_unit(batches[0]["frames"]), batches[0]["style"]
    loss = PerceptualLoss(Raw(), [style_targets(Raw(), [torch.rand(3, 8, 8)], ("relu1_2",))])
    output = torch.rand(frames.shape) * 2 - 1
    totals = [
        picture_losses(recipe, loss, output, frames, style, {"style_share": torch.tensor(share)})["total"]
        for share in (0.0, 0.5, 1.0)
    ]
    assert totals[0] < totals[1] < totals[2]
    assert float(totals[2] - totals[1]) == pytest.approx(float(totals[1] - totals[0]), rel=1e-3)
    assert "style_share" not in PhotoBatches(make_recipe(), find_pictures(recipe.photos))[0]


def test_a_square_larger_than_the_crop_is_refused(make_recipe):
    with pytest.raises(UsageError, match="loss_size is 40; expected at most size, 32"):
        make_recipe(loss_size=40)


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_a_compact_network_is_trained_on_squares(make_recipe, tmp_path, mode):
    recipe = make_recipe(mode, layout="compact", width=4, loss_size=24, zoom=2.0, plain=0.5)
    path = run_recipe(recipe, tmp_path / "run", say=lambda _: None)
    assert path.is_file()
    assert "layout compact" in (tmp_path / "run" / "weights.md").read_text()


def test_a_network_of_another_layout_is_not_started_from(make_recipe, tmp_path):
    table = run_recipe(make_recipe(width=4), tmp_path / "table", say=lambda _: None)
    with pytest.raises(UsageError, match="layout"):
        run_recipe(
            make_recipe(width=4, layout="compact"),
            tmp_path / "compact",
            start_from=table,
            say=lambda _: None,
        )
