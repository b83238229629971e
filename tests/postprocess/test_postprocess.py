"""Strength and colour of stylized frames."""

import pytest
import torch

from vst.colour_modes import KEEP
from vst.postprocess import Postprocess, keep_color
from vst.postprocess.colour import LUMA, luminance_within

WEIGHTS = torch.tensor(LUMA).view(3, 1, 1)


def luminance(image):
    return (image * WEIGHTS).sum(0)


def test_strength_0_returns_the_source_frame():
    frame = torch.rand(3, 4, 4) * 1.4 - 0.2
    assert Postprocess(strength=0)(torch.rand(3, 4, 4), frame) is frame


def test_strength_1_returns_the_stylized_frame_and_half_the_mean_of_both():
    stylized, frame = torch.rand(3, 4, 4), torch.rand(3, 4, 4)
    assert torch.equal(Postprocess()(stylized, frame), stylized)
    torch.testing.assert_close(Postprocess(strength=0.5)(stylized, frame), (stylized + frame) / 2)


def test_keep_color_takes_luminance_from_the_stylized_frame():
    torch.manual_seed(0)
    stylized, frame = torch.rand(3, 16, 16), torch.rand(3, 16, 16)
    kept = keep_color(stylized, frame)
    torch.testing.assert_close(luminance(kept), luminance(stylized), atol=1e-5, rtol=0)
    assert kept.min() >= -1e-6
    assert kept.max() <= 1 + 1e-6


def test_keep_color_keeps_the_chroma_of_the_clip_where_it_is_in_range():
    frame = torch.tensor([0.6, 0.4, 0.5]).view(3, 1, 1)
    kept = keep_color(torch.full((3, 1, 1), 0.5), frame)
    torch.testing.assert_close(kept - luminance(kept), frame - luminance(frame))


def test_keep_color_leaves_a_grey_clip_grey():
    kept = keep_color(torch.rand(3, 4, 4), torch.full((3, 4, 4), 0.7))
    torch.testing.assert_close(kept[0], kept[2])


@pytest.mark.parametrize(
    "postprocess", [Postprocess(colour=KEEP), Postprocess(0.3), Postprocess(0.7, KEEP)]
)
def test_a_tall_frame_equals_its_rows_processed_separately(postprocess):
    torch.manual_seed(0)
    stylized, frame = torch.rand(3, 300, 37), torch.rand(3, 300, 37) * 1.2 - 0.1
    whole = postprocess(stylized, frame)
    rows = torch.cat(
        [postprocess(stylized[:, row : row + 1], frame[:, row : row + 1]) for row in range(300)], 1
    )
    torch.testing.assert_close(whole, rows, atol=1e-6, rtol=0)
    assert torch.equal(luminance_within(frame)[0], luminance(frame.clamp(0, 1)))
