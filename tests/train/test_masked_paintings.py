"""Training on a part of a painting: NAME=IMAGE@MASK."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from vst.errors import UsageError
from vst.losses.perceptual import style_targets
from vst.modes.recipe import StyleGoal
from vst.train.card import write_card
from vst.train.luminance import gray_paintings
from vst.train.recipe_file import resolve
from vst.train.run import painting_targets
from vst.train.training_data import read_training_data


class Raw(torch.nn.Module):
    """A loss network whose only layer is the picture."""

    layers = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")

    def forward(self, image, layers):
        return {layer: image for layer in layers}


@pytest.fixture
def halves(tmp_path):
    """A painting whose left half is red and whose right half is blue, with a mask of the red half."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16, 2] = pixels[:, 16:, 0] = 255  # OpenCV has BGR
    cv2.imwrite(str(tmp_path / "halves.png"), pixels)
    mask = np.zeros((32, 32), np.uint8)
    mask[:, :16] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    return f"{tmp_path / 'halves.png'}@{tmp_path / 'mask.png'}"


@pytest.fixture
def paintings(halves, tmp_path):
    return read_training_data(
        [StyleGoal("red", (halves,))], 32, (), tmp_path / "skipped", lambda line: None
    )


def test_only_the_half_in_the_mask_is_learned(paintings):
    targets = painting_targets(Raw(), paintings.paintings[0], "gram")
    red = torch.diag(torch.tensor([1.0, 0, 0]))
    for layer in targets.values():
        torch.testing.assert_close(layer[0], red, atol=0.02, rtol=0)
    image = paintings.paintings[0][0].image
    whole = style_targets(Raw(), [image])["relu1_2"][0]
    torch.testing.assert_close(whole, torch.diag(torch.tensor([0.5, 0, 0.5])), atol=0.02, rtol=0)


def test_grey_paintings_keep_their_masks(paintings):
    gray = gray_paintings(paintings).paintings[0][0]
    assert gray.mask is not None
    assert torch.equal(gray.image[0], gray.image[2])


def test_statistics_that_have_no_region_are_refused(paintings):
    with pytest.raises(
        UsageError, match="style loss is 'histogram' and a painting has a mask; expected one"
    ):
        painting_targets(Raw(), paintings.paintings[0], "histogram")


def test_a_recipe_has_both_files_in_the_data_and_a_card_names_both(make_recipe, tmp_path):
    style = StyleGoal("sky", ("styles/p.jpg@masks/m.png", "q.jpg"))
    (found,) = resolve({"styles": (style,)}, tmp_path)["styles"]
    assert found.images == (f"{tmp_path}/styles/p.jpg@{tmp_path}/masks/m.png", f"{tmp_path}/q.jpg")
    (tmp_path / "log.jsonl").write_text("")
    card = write_card(tmp_path, make_recipe(styles=(found,)), device="cpu", steps=1, seconds=1)
    assert "| sky | p.jpg@m.png, q.jpg |" in card.read_text()
