from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from vst.frame import Frame, Motion
from vst.motion import Tracked
from vst.motion.view import (
    FLOW_VIEWS,
    FlowView,
    colour_wheel,
    draw_arrows,
    draw_legend,
    fitting_radius,
    flow_colours,
    overlay_mask,
)


def one(u: float, v: float, radius: float | None = 1.0) -> list[int]:
    flow = torch.tensor([[[u]], [[v]]])
    return (flow_colours(flow, radius)[:, 0, 0] * 255).round().int().tolist()


def test_the_wheel_has_the_55_colours_of_middlebury():
    wheel = (colour_wheel() * 255).round().int().tolist()
    assert len(wheel) == 55
    # Where each segment begins: red, yellow, green, cyan, blue, magenta.
    starts = [wheel[i] for i in (0, 15, 21, 25, 36, 49)]
    assert starts == [[255, 0, 0], [255, 255, 0], [0, 255, 0], [0, 255, 255], [0, 0, 255], [255, 0, 255]]
    # 255 · 1/15, 255 − 255 · 5/6 rounded down, as in the program of Middlebury.
    assert wheel[1] == [255, 17, 0]
    assert wheel[54] == [255, 0, 43]


def test_directions_have_the_colours_of_the_wheel():
    assert one(1, 0) == [255, 0, 0]
    assert one(-1, 0) == [0, 209, 255]  # the 28th: 255 − 255 · 2/11
    # Halfway between the 14th and the 15th colour, and between the 41st and the 42nd.
    assert one(0, 1) == [255, 230, 0]
    assert one(0, -1)[1:] == [0, 255]


def test_zero_flow_is_white_half_the_radius_half_saturated_and_longer_flow_darker():
    assert one(0, 0) == [255, 255, 255]
    assert one(2, 0, radius=4) == [255, 128, 128]
    assert one(8, 0, radius=4) == [191, 0, 0]


def test_unknown_flow_is_black():
    flow = torch.zeros(2, 2, 2)
    flow[1, 0, 1] = torch.nan
    colours = flow_colours(flow)
    assert colours[:, 0, 1].eq(0).all()
    assert colours.eq(1).sum() == 9


def test_without_a_radius_the_longest_flow_is_fully_saturated():
    flow = torch.zeros(2, 1, 3)
    flow[0, 0] = torch.tensor([3.0, 7.0, torch.inf])
    assert torch.equal(flow_colours(flow), flow_colours(flow, 7.0))


@pytest.mark.parametrize(
    ("length", "radius"),
    [(0.0, 0.5), (0.3, 0.5), (0.7, 0.8), (1.0, 1), (1.2, 1.5), (4, 4), (9, 10), (130, 150)],
)
def test_the_fitting_radius_is_round_and_at_least_the_length(length, radius):
    flow = torch.zeros(2, 20, 20)
    flow[0] = length
    assert fitting_radius(flow) == pytest.approx(radius)


def test_a_few_outliers_or_unknown_pixels_do_not_change_the_fitting_radius():
    flow = torch.full((2, 20, 20), 0.95 / 2**0.5)
    flow[:, 0, 0] = 5000
    flow[:, 0, 1] = torch.nan
    assert fitting_radius(flow) == pytest.approx(1)
    assert fitting_radius(torch.full((2, 3, 3), torch.nan)) == 0.5


def test_an_arrow_begins_at_its_pixel_and_has_the_direction_and_colour_of_the_flow():
    flow = torch.zeros(2, 32, 32)
    flow[0, 16, 16] = 10.0
    drawn = draw_arrows(torch.zeros(3, 32, 32), flow, 32, 20.0)
    lit = drawn.sum(0) > 0.1
    rows, columns = (lit.any(dim).nonzero().flatten() for dim in (1, 0))
    # Half the radius is half the spacing.
    assert columns.min() in (15, 16)
    assert columns.max() in (31, 32)
    assert rows.float().mean().round() == 16
    colour = drawn[:, 16, 20]
    assert colour[0] > colour[1] > 0.3


def test_without_motion_or_known_flow_the_picture_is_only_darkened():
    flow = torch.zeros(2, 32, 32)
    flow[:, :, 16:] = torch.nan
    drawn = draw_arrows(torch.full((3, 32, 32), 0.8), flow, 8, 1.0)
    assert drawn.unique().numel() == 1
    assert 0.2 < drawn.max() < 0.5


def test_untrusted_pixels_are_red_and_others_unchanged():
    image = torch.rand(3, 4, 6)
    mask = torch.ones(1, 4, 6)
    mask[:, :, 3:] = 0
    shown = overlay_mask(image, mask)
    assert torch.equal(shown[:, :, :3], image[:, :, :3])
    assert (shown[0] - shown[1])[:, 3:].min() > 0.1


def test_the_legend_is_the_wheel_in_the_lower_right_corner():
    shown = draw_legend(torch.full((3, 120, 160), 0.5), 5.0)
    changed = (shown - 0.5).abs().sum(0) > 0.1
    assert changed[:60].sum() == 0
    assert changed[:, :80].sum() == 0
    disc = shown[:, 75:115, 115:155]
    # To the right of its middle red, to the left cyan.
    assert disc[0, 20, 36] > disc[2, 20, 36] + 0.5
    assert disc[2, 20, 4] > disc[0, 20, 4] + 0.5
    small = torch.rand(3, 30, 30)
    assert draw_legend(small, 5.0) is small


def tracked(index: int, flow: float | None, new_shot: bool = False) -> Tracked:
    frame = Frame(index, Fraction(index), Fraction(1), torch.full((3, 90, 121), 0.5))
    motions = {}
    if flow is not None:
        field = torch.zeros(2, 90, 121)
        field[0] = flow
        motions[1] = Motion(field, torch.ones(1, 90, 121))
    return Tracked(frame, new_shot, motions)


@pytest.mark.parametrize("show", FLOW_VIEWS)
def test_drawn_pictures_have_the_announced_size(show):
    view = FlowView(show)
    width, height = view.size(121, 90)
    assert (width, height) == ((242, 180) if show == "all" else (121, 90))
    for each in (tracked(0, None, True), tracked(1, 2.0)):
        picture = view.draw(each)
        assert picture.shape == (3, height, width)
        assert 0 <= picture.min() <= picture.max() <= 1


def test_the_view_shows_the_movement_since_the_previous_frame():
    # Backward flow to the left means movement to the right, which is red.
    colour = FlowView("color", radius=2.0).draw(tracked(1, -2.0))[:, 10, 10]
    assert colour.tolist() == [1, 0, 0]


def test_the_first_frame_of_a_shot_has_black_flow_and_a_red_mask():
    first = tracked(0, None, True)
    assert FlowView("color").draw(first)[:, :30, :60].eq(0).all()
    red = FlowView("mask").draw(first)
    assert (red[0] - red[1]).min() > 0.3


def test_a_fitting_radius_never_decreases_within_a_shot():
    view = FlowView("color")
    pale, full = [], []
    for index, flow in enumerate((None, -1.0, -8.0, -1.0)):
        pale.append(view.draw(tracked(index, flow, flow is None))[1, 10, 10].item())
    assert pale[1] == pytest.approx(0, abs=1e-5)
    assert pale[3] == pytest.approx(0.875, abs=0.005)
    for index, flow in enumerate((None, -1.0)):
        full.append(view.draw(tracked(4 + index, flow, flow is None))[1, 10, 10].item())
    assert full[1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: flow_colours(torch.zeros(3, 4, 4)),
        lambda: flow_colours(torch.zeros(2, 4, 4), 0.0),
        lambda: FlowView("colours"),
    ],
)
def test_invalid_arguments_are_refused(call):
    with pytest.raises(ValueError, match="expected"):
        call()
