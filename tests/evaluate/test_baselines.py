"""Blend, paste and still under known motion."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vst.evaluate import BlendBaseline, Curves, ForwardStillBaseline, PasteBaseline, StillBaseline
from vst.frame import Motion

H, W = 16, 20


def constant(value: float) -> Tensor:
    return torch.full((3, H, W), value)


def motion(dx: float = 0.0, mask: Tensor | None = None) -> Motion:
    flow = torch.zeros(2, H, W)
    flow[0] = dx
    return Motion(flow, torch.ones(1, H, W) if mask is None else mask)


def half() -> Tensor:
    mask = torch.zeros(1, H, W)
    mask[..., : W // 2] = 1
    return mask


def test_blend_averages_with_its_own_warped_output_where_trusted() -> None:
    blend = BlendBaseline()
    assert torch.equal(blend.step(constant(0.8), None), constant(0.8))
    second = blend.step(constant(0.4), motion(mask=half()))
    assert torch.allclose(second[..., : W // 2], torch.tensor(0.6))
    assert torch.allclose(second[..., W // 2 :], torch.tensor(0.4))
    third = blend.step(constant(0.0), motion())
    assert torch.allclose(third[..., : W // 2], torch.tensor(0.3))
    assert torch.allclose(third[..., W // 2 :], torch.tensor(0.2))


def test_paste_warps_the_previous_output_where_trusted() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(3, H, W, generator=generator), constant(0.5)
    paste = PasteBaseline()
    paste.step(first, None)
    mask = torch.ones(1, H, W)
    mask[..., :2] = 0
    out = paste.step(second, motion(-2.0, mask))
    assert torch.allclose(out[..., 2:], first[..., :-2], atol=1e-5)
    assert torch.equal(out[..., :2], second[..., :2])


def test_paste_has_no_temporal_error_and_blend_less_than_its_source() -> None:
    generator = torch.Generator().manual_seed(1)
    stylizeds = [torch.rand(3, H, W, generator=generator) for _ in range(6)]
    errors = {}
    for baseline in (BlendBaseline(0.0), BlendBaseline(), PasteBaseline()):
        curves = Curves()
        for t, stylized in enumerate(stylizeds):
            m = motion() if t else None
            curves.add(baseline.step(stylized, m), m)
        errors[baseline] = curves.summary().mean["E"]
    flicker, blended, pasted = errors.values()
    assert pasted < 1e-9
    assert pasted < blended < 0.5 * flicker


@pytest.mark.parametrize("baseline", [BlendBaseline(), PasteBaseline()])
def test_a_new_shot_starts_from_its_own_stylized_frame(baseline: BlendBaseline) -> None:
    baseline.step(constant(0.9), None)
    assert torch.equal(baseline.step(constant(0.1), None), constant(0.1))


def test_still_resamples_its_image_once_at_any_distance() -> None:
    generator = torch.Generator().manual_seed(2)
    stylized = torch.rand(3, H, W, generator=generator)
    still = StillBaseline()
    assert still.step(stylized, None)[1] is None
    for t in range(1, 5):
        out, masked = still.step(constant(0.0), motion(-0.5))
        assert masked is not None
        if t % 2 == 0:  # a whole number of pixels: nothing is lost though two half steps would blur
            assert torch.allclose(out[..., t // 2 :], stylized[..., : -(t // 2)], atol=1e-4)
    assert masked.mask[0, 0].tolist() == [0.0] * 2 + [1.0] * (W - 2)


def test_still_has_an_error_only_at_fractional_positions() -> None:
    def error(dx: float) -> float:
        generator = torch.Generator().manual_seed(3)
        still, curves = StillBaseline(), Curves()
        for t in range(6):
            m = motion(dx) if t else None
            out, masked = still.step(torch.rand(3, H, W, generator=generator), m)
            curves.add(out, masked, new_shot=m is None)
        return curves.summary().mean["E"]

    assert error(-1.0) < 1e-8
    assert error(-0.5) > 1e-3


def test_still_takes_a_new_image_at_a_fixed_interval() -> None:
    still = StillBaseline(every=3)
    outs = [still.step(constant(t / 10), motion() if t else None) for t in range(7)]
    assert [round(float(o.mean()) * 10) for o, _ in outs] == [0, 0, 0, 3, 3, 3, 6]
    assert [m is None for _, m in outs] == [True, False, False, True, False, False, True]


def test_an_amount_above_1_and_an_interval_below_2_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        BlendBaseline(1.5)
    with pytest.raises(ValueError, match="expected 2 or more"):
        StillBaseline(1)


def test_still_warps_backwards_where_only_forward_motion_is_known() -> None:
    generator = torch.Generator().manual_seed(4)
    stylized = torch.rand(3, H, W, generator=generator)
    still = ForwardStillBaseline()
    assert still.step(stylized, None) is None
    assert still.step(stylized, motion(1.0)) is None
    found = still.step(stylized, motion(2.0))
    assert found is not None
    earlier, later, masked = found
    # Things go two pixels to the right from frame 1 to 2, and one from 0 to 1.
    assert torch.allclose(later[..., : W - 2], stylized[..., 2:], atol=1e-5)
    assert torch.allclose(earlier[..., : W - 3], stylized[..., 3:], atol=1e-5)
    assert masked.flow[0].unique().tolist() == [1.0]
    assert masked.mask[0, 0].tolist() == [1.0] * (W - 3) + [0.0] * 3
    curves = Curves()
    curves.add(stylized, None)
    point = curves.add(later, masked, new_shot=False, forward=True, previous=earlier)
    assert point.values["E"] < 1e-9
