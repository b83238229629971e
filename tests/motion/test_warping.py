from __future__ import annotations

import pytest
import torch

from vst.motion import inside, warp


def constant_flow(x: float, y: float, height: int, width: int) -> torch.Tensor:
    return torch.tensor((x, y)).view(2, 1, 1).expand(2, height, width).contiguous()


@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("height", "width"), [(7, 9), (1, 1), (1, 6), (37, 1921)])
def test_zero_flow_returns_the_image(mode, height, width):
    image = torch.rand(3, height, width)
    # Coordinates are float32: an error of about 1e-7 of the width, times the largest gradient of the image.
    torch.testing.assert_close(warp(image, torch.zeros(2, height, width), mode), image, atol=3e-4, rtol=0)


@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
def test_integer_flow_shifts_the_image(mode):
    image = torch.rand(3, 20, 30)
    out = warp(image, constant_flow(3, -2, 20, 30), mode)
    torch.testing.assert_close(out[:, 2:, :-3], image[:, :-2, 3:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
@pytest.mark.parametrize("far", [5.5, 1e4, 1e30, float("inf")])
def test_the_border_is_repeated_outside_of_the_frame(mode, far):
    image = torch.rand(1, 5, 5)
    out = warp(image, constant_flow(far, 0, 5, 5), mode)
    torch.testing.assert_close(out, image[:, :, -1:].expand(1, 5, 5), atol=1e-5, rtol=0)


def test_nan_flow_reads_the_pixel_itself():
    image = torch.rand(3, 6, 6)
    flow = torch.full((2, 6, 6), float("nan"))
    torch.testing.assert_close(warp(image, flow), image, atol=1e-5, rtol=0)
    assert not inside(flow).any()


def test_half_a_pixel_is_the_mean_of_two_pixels_in_bilinear_and_exact_on_a_ramp_in_bicubic():
    ramp = torch.arange(12.0).expand(1, 4, 12)
    step = constant_flow(0.5, 0, 4, 12)
    for mode in ("bilinear", "bicubic"):
        torch.testing.assert_close(
            warp(ramp, step, mode)[..., 2:-3], ramp[..., 2:-3] + 0.5, atol=1e-5, rtol=0
        )


def test_bicubic_keeps_detail_that_bilinear_loses_over_many_warps():
    x = torch.arange(64.0)
    image = torch.sin(x * 0.8).expand(1, 8, 64)
    there, back = constant_flow(0.5, 0, 8, 64), constant_flow(-0.5, 0, 8, 64)
    kept = {}
    for mode in ("bicubic", "bilinear"):
        out = image
        for _ in range(4):
            out = warp(warp(out, there, mode), back, mode)
        kept[mode] = out[..., 20:44].std() / image[..., 20:44].std()
    assert kept["bilinear"] < 0.6 < 0.8 < kept["bicubic"]


def test_image_and_flow_have_gradients():
    image = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    flow = (torch.rand(1, 2, 5, 6, dtype=torch.float64) * 0.4 + 0.3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda i, f: warp(i, f)[..., 1:-2, 1:-2], (image, flow), eps=1e-5, atol=1e-4
    )


def test_a_half_precision_image_keeps_its_type_and_is_warped_in_float32():
    image = torch.rand(3, 16, 400)
    flow = torch.rand(2, 16, 400) * 3
    low = image.bfloat16()
    out = warp(low, flow)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, warp(low.float(), flow).bfloat16())


def test_a_batch_is_warped_by_one_flow_per_image_or_by_one_for_all():
    images, flows = torch.rand(2, 3, 8, 9), torch.rand(2, 2, 8, 9)
    each = warp(images, flows)
    torch.testing.assert_close(each[1], warp(images[1], flows[1]))
    torch.testing.assert_close(warp(images, flows[0])[1], warp(images[1], flows[0]))


@pytest.mark.parametrize(
    ("image", "flow"),
    [((3, 8, 8), (2, 8, 9)), ((3, 8, 8), (3, 8, 8)), ((8, 8), (2, 8, 8)), ((3, 1, 8, 8), (2, 2, 8, 8))],
)
def test_shapes_that_do_not_fit_are_refused_with_the_shapes(image, flow):
    with pytest.raises(ValueError, match=r"shape|images"):
        warp(torch.zeros(image), torch.zeros(flow))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="spline"):
        warp(torch.zeros(3, 4, 4), torch.zeros(2, 4, 4), mode="spline")  # type: ignore[arg-type]


def test_inside_is_false_where_the_flow_leaves_the_frame():
    flow = constant_flow(2, -1, 4, 6)
    expected = torch.ones(1, 4, 6, dtype=torch.bool)
    expected[:, :, -2:] = False
    expected[:, 0] = False
    assert torch.equal(inside(flow), expected)
    assert inside(torch.zeros(5, 2, 4, 6)).shape == (5, 1, 4, 6)
