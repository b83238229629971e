"""The networks of FlowNet2 and PWC-Net: as published, and correct as flow networks."""

from __future__ import annotations

import math

import pytest
import torch

from tests.motion.published_parameters import COUNTS, published_shapes
from vst.motion.estimators.flow_layers import FlowHead, enlarge
from vst.motion.estimators.flownet2 import (
    FlowNet2,
    FlowNet2C,
    FlowNet2CS,
    FlowNet2CSS,
    FlowNet2S,
    FlowNet2SD,
    centred,
)
from vst.motion.estimators.pwcnet import PWCNet
from vst.motion.imported.flow_weights import FLOW_NETWORKS

FAMILY = [FlowNet2, FlowNet2C, FlowNet2CS, FlowNet2CSS, FlowNet2S, FlowNet2SD]


def small_pwcnet() -> PWCNet:
    return PWCNet((4,) * 6, (4,) * 5)


SMALL = [lambda kind=kind: kind(width=4) for kind in FAMILY] + [small_pwcnet]
"""All networks, with few channels."""


def pictures(batch: int = 1, height: int = 64, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    first, second = torch.rand(2, batch, 3, height, width, generator=generator)
    return first, second


@pytest.mark.parametrize("name", FLOW_NETWORKS)
def test_parameters_have_the_published_names_shapes_and_counts(name):
    with torch.device("meta"):
        network = FLOW_NETWORKS[name]()
    shapes = {each: tuple(value.shape) for each, value in network.state_dict().items()}
    assert shapes == published_shapes(name)
    assert sum(math.prod(shape) for shape in shapes.values()) == COUNTS[name]


@pytest.mark.parametrize("make", SMALL)
def test_flow_has_the_size_of_the_pictures(make):
    torch.manual_seed(0)
    first, second = pictures(2, 64, 128)
    with torch.no_grad():
        flow = make()(*centred(first, second))
    assert flow.shape == (2, 2, 64, 128)
    assert flow.dtype == torch.float32
    assert bool(torch.isfinite(flow).all())


@pytest.mark.parametrize("make", SMALL)
def test_the_pairs_of_a_batch_are_independent(make):
    torch.manual_seed(0)
    network = make()
    first, second = pictures(2)
    with torch.no_grad():
        both = network(first, second)
        alone = torch.cat([network(first[i : i + 1], second[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(both, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("make", SMALL)
def test_flow_is_fp32_if_features_are_bf16(make):
    torch.manual_seed(0)
    network = make()
    first, second = pictures()
    with torch.no_grad():
        exact = network(first, second)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(first, second)
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    assert (rough - exact).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize("make", SMALL)
def test_every_used_parameter_has_a_gradient(make):
    torch.manual_seed(0)
    network = make()
    network(*centred(*pictures(1, 128, 128))).square().mean().backward()
    without = {name for name, value in network.named_parameters() if value.grad is None}
    assert without == ({"deconv2.weight", "deconv2.bias"} if isinstance(network, PWCNet) else set())


def test_levels_have_five_sizes_finest_first():
    torch.manual_seed(0)
    levels = FlowNet2SD(width=4).levels(*pictures(1, 64, 128))
    assert [tuple(level.shape[-2:]) for level in levels] == [(16, 32), (8, 16), (4, 8), (2, 4), (1, 2)]
    assert [len(small_pwcnet().levels(*pictures()))] == [5]


def test_a_flow_head_computes_in_fp32_under_autocast():
    head = FlowHead(3)
    features = pictures()[0]
    with torch.autocast("cpu", torch.bfloat16):
        flow = head(features.bfloat16())
    torch.testing.assert_close(flow, head(features.bfloat16().float()), atol=0, rtol=0)


def test_centred_pictures_have_a_common_mean_of_zero():
    first, second = centred(torch.full((1, 3, 4, 4), 0.2), torch.full((1, 3, 4, 4), 0.6))
    torch.testing.assert_close(first, torch.full_like(first, -0.2))
    torch.testing.assert_close(second, torch.full_like(second, 0.2))


def test_flownet2_ignores_the_brightness_of_both_pictures_and_pwcnet_does_not():
    torch.manual_seed(0)
    first, second = pictures()
    for network, invariant in ((FlowNet2S(width=4), True), (small_pwcnet(), False)):
        prepared = centred if invariant else lambda a, b: (a, b)
        with torch.no_grad():
            plain = network(*prepared(first / 2, second / 2))
            brighter = network(*prepared(first / 2 + 0.5, second / 2 + 0.5))
        assert torch.allclose(plain, brighter, atol=1e-5) == invariant


def test_enlarging_keeps_values_and_has_pixel_centres_at_halves():
    flow = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 2, 1, 2)
    row = enlarge(flow)[0, 0, 0]
    torch.testing.assert_close(row, torch.tensor([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]))
    torch.testing.assert_close(enlarge(flow, "nearest")[0, 0, 0], torch.tensor([0.0] * 4 + [1.0] * 4))


def test_the_output_of_the_flow_head_is_scaled_to_pixels():
    """With all weights zero the flow is the bias of the finest head, in units of 20 pixels."""
    for network, head in ((FlowNet2C(width=4), "predict_flow2"), (small_pwcnet(), "predict_flow2")):
        with torch.no_grad():
            for value in network.parameters():
                value.zero_()
            network.get_submodule(head).bias.copy_(torch.tensor([1.0, -0.5]))
            flow = network(*pictures())
        torch.testing.assert_close(flow, torch.tensor([20.0, -10.0]).view(1, 2, 1, 1).expand_as(flow))


def test_the_fusion_gets_the_small_flow_divided_and_the_large_flow_multiplied():
    network = FlowNet2(width=4)
    seen = []
    network.flownetfusion.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
        network.flownets_d.predict_flow2.bias.copy_(torch.tensor([3.0, 4.0]))
        network.flownets_2.predict_flow2.bias.copy_(torch.tensor([0.3, 0.4]))
        network(*pictures())
    small, large, length_small, length_large = (
        seen[0][:, 3:5],
        seen[0][:, 5:7],
        seen[0][:, 7],
        seen[0][:, 8],
    )
    torch.testing.assert_close(small[0, :, 5, 5], torch.tensor([0.15, 0.2]))
    torch.testing.assert_close(large[0, :, 5, 5], torch.tensor([6.0, 8.0]))
    torch.testing.assert_close(length_small, torch.full_like(length_small, 0.25))
    torch.testing.assert_close(length_large, torch.full_like(length_large, 10.0))


def test_the_input_of_pwcnet_is_bgr():
    network, seen = small_pwcnet(), []
    network.get_submodule("conv1a").register_forward_pre_hook(
        lambda module, arguments: seen.append(arguments[0])
    )
    first, second = pictures()
    with torch.no_grad():
        network(first, second)
    assert torch.equal(seen[0], first.flip(1))
    assert torch.equal(seen[1], second.flip(1))


def known(network: torch.nn.Module) -> torch.nn.Module:
    """Pseudo-random parameters, equal on all machines, scaled so that flow is a few pixels long."""
    with torch.no_grad():
        for number, value in enumerate(network.parameters()):
            waves = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 12.9898 + number)
            spread = math.sqrt(1.5 / max(value[0].numel(), 1)) if value.dim() == 4 else 0.2
            value.copy_((waves * spread).view(value.shape))
    return network


SNAPSHOTS = [
    [-1.794, 1.3786, -1.1415, 0.7977, 1.4034],
    [-3.5061, -0.1905, -3.6683, -0.0256, 3.5191],
    [-3.4907, -0.0233, -3.285, -0.2501, 3.2925],
    [-0.8123, -4.2712, -0.7597, -4.3209, 4.0909],
    [3.1932, 4.4247, 3.8672, 3.7485, 5.4162],
    [2.8168, 4.4204, 2.9674, 4.9597, 5.8175],
    [-9.0921, -8.9269, 12.0915, 5.2119, 8.3846],
]
"""Flow at two pixels, and its norm, from code verified against the published one (docs/adr/0005)."""


@pytest.mark.parametrize(("make", "expected"), list(zip(SMALL, SNAPSHOTS, strict=True)))
def test_flow_equals_the_snapshot_that_was_verified_against_the_published_code(make, expected):
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    slopes = ((0.3, 0.2), (0.1, -0.4), (-0.25, 0.15))
    first = torch.stack([torch.sin(x * a + y * b) for a, b in slopes]) / 2 + 0.5
    second = torch.roll(first, (2, -3), dims=(1, 2))
    with torch.no_grad():
        flow = known(make())(*centred(first[None], second[None]))[0]
    found = torch.stack([*flow[:, 10, 20], *flow[:, 50, 40], flow.norm() / 64])
    torch.testing.assert_close(found, torch.tensor(expected), atol=2e-3, rtol=2e-3)
