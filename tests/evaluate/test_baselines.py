"""Blend, paste and still, on motion whose outcome is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vst.evaluate import Blend, Curves, Paste, Still, StillBehind
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


def test_blend_takes_half_of_each_where_trusted_and_feeds_itself_back() -> None:
    blend = Blend()
    assert torch.equal(blend.step(constant(0.8), None), constant(0.8))
    second = blend.step(constant(0.4), motion(mask=half()))
    assert torch.allclose(second[..., : W // 2], torch.tensor(0.6))
    assert torch.allclose(second[..., W // 2 :], torch.tensor(0.4))
    third = blend.step(constant(0.0), motion())
    assert torch.allclose(third[..., : W // 2], torch.tensor(0.3))
    assert torch.allclose(third[..., W // 2 :], torch.tensor(0.2))


def test_paste_keeps_what_is_trusted_and_moves_it() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(3, H, W, generator=generator), constant(0.5)
    paste = Paste()
    paste.step(first, None)
    mask = torch.ones(1, H, W)
    mask[..., :2] = 0
    out = paste.step(second, motion(-2.0, mask))
    assert torch.allclose(out[..., 2:], first[..., :-2], atol=1e-5)
    assert torch.equal(out[..., :2], second[..., :2])


def test_paste_has_no_temporal_error_and_blend_has_less_than_the_painting_itself() -> None:
    generator = torch.Generator().manual_seed(1)
    paintings = [torch.rand(3, H, W, generator=generator) for _ in range(6)]
    errors = {}
    for baseline in (Blend(0.0), Blend(), Paste()):
        curves = Curves()
        for t, painting in enumerate(paintings):
            m = motion() if t else None
            curves.add(baseline.step(painting, m), m)
        errors[baseline] = curves.summary().mean["E"]
    flicker, blended, pasted = errors.values()
    assert pasted < 1e-9
    assert pasted < blended < 0.5 * flicker


@pytest.mark.parametrize("baseline", [Blend(), Paste()])
def test_a_new_shot_starts_from_its_own_painting(baseline: Blend) -> None:
    baseline.step(constant(0.9), None)
    assert torch.equal(baseline.step(constant(0.1), None), constant(0.1))


def test_a_still_painting_is_warped_once_however_long_it_travels() -> None:
    generator = torch.Generator().manual_seed(2)
    painting = torch.rand(3, H, W, generator=generator)
    still = Still()
    assert still.step(painting, None)[1] is None
    for t in range(1, 5):
        out, judged = still.step(constant(0.0), motion(-0.5))
        assert judged is not None
        if t % 2 == 0:  # a whole number of pixels: nothing is lost though two half steps would blur
            assert torch.allclose(out[..., t // 2 :], painting[..., : -(t // 2)], atol=1e-4)
    assert judged.mask[0, 0].tolist() == [0.0] * 2 + [1.0] * (W - 2)


def test_a_still_painting_costs_interpolation_only_where_it_lies_between_pixels() -> None:
    def error(dx: float) -> float:
        generator = torch.Generator().manual_seed(3)
        still, curves = Still(), Curves()
        for t in range(6):
            m = motion(dx) if t else None
            out, judged = still.step(torch.rand(3, H, W, generator=generator), m)
            curves.add(out, judged, new_shot=m is None)
        return curves.summary().mean["E"]

    assert error(-1.0) < 1e-8
    assert error(-0.5) > 1e-3


def test_a_still_painting_is_taken_anew_every_so_often() -> None:
    still = Still(every=3)
    outs = [still.step(constant(t / 10), motion() if t else None) for t in range(7)]
    assert [round(float(o.mean()) * 10) for o, _ in outs] == [0, 0, 0, 3, 3, 3, 6]
    assert [m is None for _, m in outs] == [True, False, False, True, False, False, True]


def test_an_amount_beyond_all_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        Blend(1.5)
    with pytest.raises(ValueError, match="expected 2 or more"):
        Still(1)


def test_a_still_painting_is_carried_back_where_only_forward_motion_is_known() -> None:
    generator = torch.Generator().manual_seed(4)
    painting = torch.rand(3, H, W, generator=generator)
    still = StillBehind()
    assert still.step(painting, None) is None
    assert still.step(painting, motion(1.0)) is None
    found = still.step(painting, motion(2.0))
    assert found is not None
    earlier, later, judged = found
    # Things go two pixels to the right from frame 1 to 2, and one from 0 to 1.
    assert torch.allclose(later[..., : W - 2], painting[..., 2:], atol=1e-5)
    assert torch.allclose(earlier[..., : W - 3], painting[..., 3:], atol=1e-5)
    assert judged.flow[0].unique().tolist() == [1.0]
    assert judged.mask[0, 0].tolist() == [1.0] * (W - 3) + [0.0] * 3
    curves = Curves()
    curves.add(painting, None)
    point = curves.add(later, judged, new_shot=False, forward=True, previous=earlier)
    assert point.values["E"] < 1e-9
