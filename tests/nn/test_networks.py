import pytest
import torch

from vst.errors import VstError
from vst.modes.itn.network import ITN
from vst.modes.vtn.network import VTN
from vst.nn.body import GatedVariant, Variant
from vst.nn.layers import ConditionalBatchNorm2d, ConditionalInstanceNorm2d
from vst.nn.style_parameters import one_style, select_styles


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_are_those_of_table_4_1():
    assert parameters(ITN(32)) == 1_679_235
    assert parameters(VTN(32)) == 1_689_603


def test_a_further_style_costs_some_thousand_numbers():
    assert parameters(ITN(32, styles=2)) - parameters(ITN(32)) == 2 * (2 * (32 + 64) + 128 * 11)


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (64, 40)])
def test_any_size_comes_out_as_it_went_in(size):
    output = ITN(4)(torch.zeros(2, 3, *size))
    assert output.shape == (2, 3, *size)
    assert output.abs().max() <= 1


def test_too_small_or_wrong_channels_are_refused_by_name():
    with pytest.raises(VstError, match="12×40"):
        ITN(4)(torch.zeros(1, 3, 40, 12))
    with pytest.raises(VstError, match="got an input of 3 channels; this network takes 7"):
        VTN(4)(torch.zeros(1, 3, 32, 32))


def test_every_parameter_gets_a_gradient_except_biases_that_a_norm_takes_away():
    torch.manual_seed(0)
    network = VTN(4)
    network(torch.randn(1, 7, 32, 32)).square().mean().backward()
    for name, parameter in network.named_parameters():
        if not name.endswith("conv.bias"):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_the_norm_brings_planes_to_the_styles_scale_and_shift():
    norm = ConditionalInstanceNorm2d(2, styles=2)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        norm.bias.copy_(torch.tensor([[0.0, 1.0], [10.0, 20.0]]))
    x = torch.randn(2, 2, 9, 11) * 5 + 7
    mix = torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    y = norm(x, mix)
    torch.testing.assert_close(y.mean((2, 3)), torch.tensor([[10.0, 20.0], [5.0, 10.5]]), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        y.std((2, 3), correction=0), torch.tensor([[3.0, 4.0], [2.0, 3.0]]), atol=1e-3, rtol=0
    )


def test_the_norm_keeps_a_large_bf16_plane_exact_enough():
    torch.manual_seed(0)
    x = (torch.randn(1, 1, 512, 512) + 30).bfloat16()
    y = ConditionalInstanceNorm2d(1)(x, torch.ones(1, 1))
    assert abs(y.float().mean().item()) < 0.02
    assert abs(y.float().std().item() - 1) < 0.02


def test_one_instance_is_normalised_like_a_batch():
    torch.manual_seed(0)
    norm = ConditionalInstanceNorm2d(3, styles=2)
    x, mix = torch.randn(2, 3, 8, 8), torch.tensor([[0.3, 0.7]])
    together = norm(x, mix)
    alone = torch.cat([norm(each[None], mix) for each in x])
    torch.testing.assert_close(together, alone)


def test_a_vtn_that_starts_from_an_itn_gives_the_same():
    torch.manual_seed(0)
    still, video = ITN(4, styles=2), VTN(4, styles=2)
    video.start_from(still)
    frame, past, mask = torch.randn(1, 3, 24, 24), torch.randn(1, 3, 24, 24), torch.ones(1, 1, 24, 24)
    mix = one_style(1, 2)
    torch.testing.assert_close(video.stylize_next(frame, past, mask, mix), still(frame, mix))


def test_an_itn_that_starts_from_a_vtn_gives_its_output_without_a_past():
    torch.manual_seed(0)
    still, video = ITN(4, styles=2), VTN(4, styles=2)
    still.start_from(video)
    frame, nothing = torch.randn(1, 3, 24, 24), torch.zeros(1, 4, 24, 24)
    mix = one_style(1, 2)
    stylized = video.stylize_next(frame, nothing[:, :3], nothing[:, 3:], mix)
    torch.testing.assert_close(stylized, still(frame, mix))


def test_a_gate_keeps_its_share_of_the_trusted_past():
    torch.manual_seed(0)
    network = VTN(2, variant=GatedVariant(gate=True, anchor=0.0)).eval()
    frame, past, mask = (
        torch.randn(1, 3, 24, 24),
        torch.rand(1, 3, 24, 24) * 4 - 2,
        torch.zeros(1, 1, 24, 24),
    )
    mask[..., :12] = 1
    with torch.no_grad():
        network.last.bias[3] = -200.0
        stylized = network.stylize_next(frame, past, mask)
        network.last.bias[3] = 200.0
        kept = network.stylize_next(frame, past, mask)
        network.last.bias[3] = 0.0
        mixed = network.stylize_next(frame, past, mask)
    inside = past[..., :12].clamp(-1, 1)
    torch.testing.assert_close(kept[..., :12], inside, atol=0, rtol=0)
    torch.testing.assert_close(kept[..., 12:], stylized[..., 12:], atol=0, rtol=0)
    torch.testing.assert_close(mixed[..., :12], (inside + stylized[..., :12]) / 2)


def test_by_its_anchor_a_gate_keeps_nothing_for_ever():
    torch.manual_seed(0)
    network = VTN(2, variant=GatedVariant(gate=True, anchor=0.25)).eval()
    frame, past = torch.randn(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    with torch.no_grad():
        network.last.bias[3] = -200.0
        stylized = network.stylize_next(frame, past, torch.ones(1, 1, 24, 24))
        network.last.bias[3] = 200.0
        kept = network.stylize_next(frame, past, torch.ones(1, 1, 24, 24))
    torch.testing.assert_close(kept, 0.75 * past + 0.25 * stylized)


def test_a_gate_does_not_round_the_past_to_the_precision_of_the_convolutions():
    network = VTN(2, variant=GatedVariant(gate=True, anchor=0.0)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(torch.bfloat16)
    past = torch.full((1, 3, 24, 24), 1 / 3)
    with torch.no_grad():
        network.last.bias[3] = 200.0
        kept = network.stylize_next(torch.randn(1, 3, 24, 24), past, torch.ones(1, 1, 24, 24))
    torch.testing.assert_close(kept, past, atol=0, rtol=0)


def test_a_gate_is_copied_or_keeps_most_of_the_past_at_first():
    torch.manual_seed(0)
    variant = GatedVariant(gate=True, anchor=0.0)
    plain, gated, other = VTN(2), VTN(2, variant=variant), VTN(2, variant=variant)
    frame, past, mask = torch.randn(1, 3, 24, 24), torch.rand(1, 3, 24, 24), torch.ones(1, 1, 24, 24)
    gated.start_from(plain)
    alone = plain.stylize_next(frame, past, mask)
    kept = torch.sigmoid(torch.tensor(2.0))
    torch.testing.assert_close(gated.stylize_next(frame, past, mask), alone + kept * (past - alone))
    with torch.no_grad():
        gated.last.weight[3:].normal_()
    other.start_from(gated)
    torch.testing.assert_close(other.stylize_next(frame, past, mask), gated.stylize_next(frame, past, mask))
    still = ITN(2)
    still.start_from(gated)
    torch.testing.assert_close(still(frame), gated.stylize_next(frame, past * 0, mask * 0))


def test_a_small_output_is_unchanged():
    network = ITN(4)
    with torch.no_grad():
        for number, parameter in enumerate(
            network.parameters()
        ):  # no random numbers: they change with torch
            steps = torch.arange(parameter.numel(), dtype=torch.float32).view_as(parameter)
            parameter.copy_(torch.sin(steps * 0.7 + number) * (0.02 if parameter.dim() == 4 else 1.0))
    ramp = torch.linspace(-1, 1, 24).expand(1, 3, 24, 24)
    found = network(ramp)[0, :, 12, 5]
    torch.testing.assert_close(found, torch.tensor(SNAPSHOT), atol=1e-3, rtol=0)


SNAPSHOT = [-0.7471, -0.7196, -0.3979]


@pytest.mark.parametrize(
    "variant",
    [
        Variant(norm="batch"),
        Variant(upsampling="transposed"),
        Variant(output="linear"),
        Variant(blocks=7),
        Variant(blocks=0),
        Variant(3, "batch", "transposed", "linear"),
    ],
)
def test_variants_take_any_size_and_learn(variant):
    torch.manual_seed(0)
    network = ITN(2, styles=2, variant=variant)
    frames = torch.randn(2, 3, 25, 30)
    network(frames, one_style(1, 2)).square().mean().backward()
    assert all(norm.weight.grad[1].any() and not norm.weight.grad[0].any() for norm in network.norms())
    with torch.no_grad():
        stylized = network.eval()(frames * 9, one_style(1, 2))
    assert stylized.shape == frames.shape
    assert stylized.abs().max() <= 1


def test_a_variant_that_does_not_exist_is_refused_by_name():
    with pytest.raises(VstError, match="norm is 'group'; expected instance or batch"):
        Variant(norm="group")
    with pytest.raises(VstError, match="-1 residual blocks"):
        Variant(blocks=-1)


def test_a_deeper_stack_costs_a_residual_block_each():
    block = 2 * (9 * 128 * 128 + 128) + 2 * 2 * 128
    assert parameters(ITN(32, variant=Variant(blocks=6))) - parameters(ITN(32)) == block


def test_batch_norm_uses_the_batch_while_training_and_what_it_saw_afterwards():
    torch.manual_seed(0)
    norm, mix = ConditionalBatchNorm2d(2), torch.ones(1, 1)
    x = torch.randn(4, 2, 16, 16) * torch.tensor([2.0, 5.0]).view(1, 2, 1, 1) + 3
    y = norm(x, mix)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3), correction=0), torch.ones(2), atol=1e-3, rtol=0)
    for _ in range(80):
        norm(x, mix)
    alone = norm.eval()(x[:1], mix)
    torch.testing.assert_close(alone, y[:1], atol=0.01, rtol=0.01)


def test_a_linear_output_is_only_cut_when_not_training():
    network = ITN(2, variant=Variant(output="linear"))
    with torch.no_grad():
        network.last.bias.fill_(3.0)
    frames = torch.randn(1, 3, 16, 16)
    assert network(frames).max() > 1
    assert network.eval()(frames).max() == 1


def test_styles_are_selected_or_begin_as_the_mean():
    torch.manual_seed(0)
    network = ITN(2, styles=3)
    with torch.no_grad():
        for norm in network.norms():
            norm.weight.normal_()
            norm.bias.normal_()
    frames = torch.randn(1, 3, 16, 16)
    before = network(frames, one_style(2, 3))
    mean = network(frames, torch.full((1, 3), 1 / 3))
    select_styles(network, [2, None])
    assert network.styles == 2
    torch.testing.assert_close(network(frames, one_style(0, 2)), before)
    torch.testing.assert_close(network(frames, one_style(1, 2)), mean, atol=1e-4, rtol=1e-3)
