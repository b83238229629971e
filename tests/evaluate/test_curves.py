"""The values of a clip frame by frame, and their means."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vst.evaluate import METRICS, Curves
from vst.frame import Motion

SIZE = (16, 16)


def constant(value: float) -> Tensor:
    return torch.full((3, *SIZE), value)


def no_motion() -> Motion:
    return Motion(torch.zeros(2, *SIZE), torch.ones(1, *SIZE))


def compares_frames(names) -> bool:
    """Whether one of these metrics compares a frame with another."""
    return any(METRICS[name].uses_motion or METRICS[name].section == "adjacent" for name in names)


def test_a_summary_has_the_mean_of_every_metric() -> None:
    curves = Curves(lambda output, frame: (float(output.mean()), float(frame.mean())))
    for t, value in enumerate((0.0, 0.1, 0.3, 0.6)):
        curves.add(constant(value), no_motion() if t else None, constant(0.5))
    summary = curves.summary()
    assert summary.frames == 4
    expected = (0.01 + 0.04 + 0.09) / 3
    assert summary.mean["E"] == pytest.approx(expected, rel=1e-5)
    assert summary.mean["E_warp"] == pytest.approx(expected, rel=1e-5)
    assert summary.mean["mse"] == pytest.approx(expected, rel=1e-5)
    assert summary.mean["e_stab"] == pytest.approx(math.sqrt(expected), rel=1e-5)
    assert summary.mean["content"] == pytest.approx(0.25)
    assert summary.mean["style"] == pytest.approx(0.5)
    assert summary.mean["gradient"] == 0
    assert summary.last_quarter["E"] == pytest.approx(0.09, rel=1e-5)
    assert summary.last_quarter["content"] == pytest.approx(0.6)


def test_the_last_quarter_is_taken_of_each_shot() -> None:
    curves = Curves(lambda output, frame: (float(output.mean()), 0.0))
    # A shot of 8 frames and one of 3: their last 2 and last 1.
    values = [0.1] * 6 + [0.2, 0.4] + [0.9, 0.9, 0.6]
    for t, value in enumerate(values):
        curves.add(constant(value), None if t in (0, 8) else no_motion(), constant(0))
    assert [p.shot for p in curves.points] == [0] * 8 + [1] * 3
    assert curves.summary().last_quarter["content"] == pytest.approx((0.2 + 0.4 + 0.6) / 3)


def test_nothing_is_compared_across_a_cut() -> None:
    curves = Curves()
    curves.add(constant(0.0), None)
    curves.add(constant(0.0), no_motion())
    across = curves.add(constant(1.0), None)
    assert not any(
        METRICS[name].uses_motion or METRICS[name].section == "adjacent" for name in across.values
    )
    assert curves.summary().mean["E"] == 0


def test_a_frame_without_motion_stays_in_its_shot() -> None:
    curves = Curves()
    curves.add(constant(0.0), None)
    point = curves.add(constant(0.5), None, new_shot=False)
    assert point.shot == 0
    assert "E" not in point.values
    assert point.values["mse"] == pytest.approx(0.25)


def test_a_clip_that_stands_still_has_no_error() -> None:
    image = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0))
    curves = Curves()
    for t in range(3):
        curves.add(image, no_motion() if t else None)
    mean = curves.summary().mean
    assert mean["E"] < 1e-12
    assert mean["ssim"] == pytest.approx(1)


def test_a_frame_without_trusted_pixels_is_left_out_of_the_mean_per_pixel() -> None:
    curves = Curves()
    curves.add(constant(0.0), None)
    curves.add(constant(0.1), Motion(torch.zeros(2, *SIZE), torch.zeros(1, *SIZE)))
    curves.add(constant(0.3), no_motion())
    mean = curves.summary().mean
    assert mean["E_warp"] == pytest.approx(0.04, rel=1e-5)
    assert mean["E"] == pytest.approx(0.02, rel=1e-5)


def test_content_and_style_can_be_measured_at_some_frames_only() -> None:
    seen: list[float] = []

    def content_style(output: Tensor, frame: Tensor) -> tuple[float, float]:
        seen.append(float(output.mean()))
        return 1.0, 2.0

    curves = Curves(content_style, content_style_every=3)
    for t in range(7):
        curves.add(constant(t / 10), no_motion() if t else None, constant(0))
    assert seen == pytest.approx([0.0, 0.3, 0.6])
    assert curves.summary().mean["style"] == 2


def test_an_image_smaller_than_the_window_of_ssim_has_no_ssim() -> None:
    curves = Curves()
    small = Motion(torch.zeros(2, 6, 6), torch.ones(1, 6, 6))
    for t in range(2):
        curves.add(torch.zeros(3, 6, 6), small if t else None)
    assert "ssim" not in curves.summary().mean
    assert set(curves.summary().mean) <= set(METRICS)


def test_a_clip_without_frames_has_an_empty_summary() -> None:
    summary = Curves().summary()
    assert summary.frames == 0
    assert not summary.mean
    assert not summary.last_quarter


def test_forward_motion_warps_the_current_output_to_the_previous_one() -> None:
    picture = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(1))
    moved = picture.roll(2, dims=2)  # what was at x is at x + 2 now
    flow = torch.zeros(2, *SIZE)
    flow[0] = 2
    inner = torch.zeros(1, *SIZE)
    inner[..., :12] = 1
    errors = {}
    for forward in (True, False):
        curves = Curves()
        curves.add(picture, None)
        curves.add(moved, Motion(flow, inner), forward=forward)
        errors[forward] = curves.summary().mean["E"]
    assert errors[True] < 1e-10
    assert errors[False] > 1e-3


def test_an_output_that_restarts_within_a_shot_is_compared_with_nothing() -> None:
    curves = Curves()
    curves.add(constant(0.0), None)
    point = curves.add(constant(0.5), no_motion(), new_shot=False, restart=True)
    assert point.shot == 0
    assert not any(
        METRICS[name].uses_motion or METRICS[name].section == "adjacent" for name in point.values
    )
    other = curves.add(constant(0.5), no_motion(), previous=constant(0.4))
    assert other.values["E"] == pytest.approx(0.01, rel=1e-4)


def test_values_that_do_not_depend_on_the_reference_flow_are_measured_once() -> None:
    asked: list[int] = []

    def content_style(output: Tensor, frame: Tensor) -> tuple[float, float]:
        asked.append(1)
        return 1.0, 2.0

    first, second = Curves(content_style), Curves(content_style)
    for t in range(3):
        still = Motion(torch.zeros(2, *SIZE), torch.zeros(1, *SIZE))
        known = first.add(constant(t / 10), no_motion() if t else None, constant(0), new_shot=t == 0)
        second.add(constant(t / 10), still if t else None, constant(0), new_shot=t == 0, shared=known)
    assert len(asked) == 3
    a, b = first.summary().mean, second.summary().mean
    assert {name for name in a if a[name] == b.get(name)} == {"mse", "ssim", "content", "style", "gradient"}
    assert a["E"] > 0
    assert b["E"] == 0
    assert "E_warp" not in b
