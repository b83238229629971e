import pytest
import torch

from vst.postprocess import Postprocess, keep_color
from vst.postprocess.colour import LUMA, luminance_within

WEIGHTS = torch.tensor(LUMA).view(3, 1, 1)


def luminance(image):
    return (image * WEIGHTS).sum(0)


def test_strength_zero_gives_the_frame_itself():
    frame = torch.rand(3, 4, 4) * 1.4 - 0.2
    assert Postprocess(strength=0)(torch.rand(3, 4, 4), frame) is frame


def test_strength_one_gives_the_painting_and_half_the_middle():
    painted, frame = torch.rand(3, 4, 4), torch.rand(3, 4, 4)
    assert torch.equal(Postprocess()(painted, frame), painted)
    torch.testing.assert_close(Postprocess(strength=0.5)(painted, frame), (painted + frame) / 2)


def test_keep_color_takes_luminance_from_the_painting():
    torch.manual_seed(0)
    painted, frame = torch.rand(3, 16, 16), torch.rand(3, 16, 16)
    kept = keep_color(painted, frame)
    torch.testing.assert_close(luminance(kept), luminance(painted), atol=1e-5, rtol=0)
    assert kept.min() >= -1e-6
    assert kept.max() <= 1 + 1e-6


def test_keep_color_keeps_the_clips_chroma_where_there_is_room():
    frame = torch.tensor([0.6, 0.4, 0.5]).view(3, 1, 1)
    kept = keep_color(torch.full((3, 1, 1), 0.5), frame)
    torch.testing.assert_close(kept - luminance(kept), frame - luminance(frame))


def test_keep_color_of_a_grey_clip_is_a_grey_painting():
    kept = keep_color(torch.rand(3, 4, 4), torch.full((3, 4, 4), 0.7))
    torch.testing.assert_close(kept[0], kept[2])


@pytest.mark.parametrize(
    "look", [Postprocess(keep_color=True), Postprocess(0.3), Postprocess(0.7, keep_color=True)]
)
def test_a_tall_frame_is_finished_as_all_its_rows_are_alone(look):
    torch.manual_seed(0)
    painted, frame = torch.rand(3, 300, 37), torch.rand(3, 300, 37) * 1.2 - 0.1
    finished = look(painted, frame)
    alone = torch.cat([look(painted[:, row : row + 1], frame[:, row : row + 1]) for row in range(300)], 1)
    torch.testing.assert_close(finished, alone, atol=1e-6, rtol=0)
    assert torch.equal(luminance_within(frame)[0], luminance(frame.clamp(0, 1)))
