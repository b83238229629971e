import pytest
import torch
from torch import nn

from vst.errors import VstError
from vst.modes.cyclegan.discriminator import DEVIATION, PatchDiscriminator, receptive_field
from vst.modes.cyclegan.image_pool import ImagePool
from vst.modes.cyclegan.network import CycleGenerator, GeneratorVariant
from vst.modes.cyclegan.watch import EVERY, DiscriminatorWatch
from vst.modes.itn.network import ITN
from vst.nn.executor import WholeFrame
from vst.nn.style_parameters import one_style
from vst.nn.tiled import Tiled


def count(network):
    return sum(each.numel() for each in network.parameters())


def test_the_discriminator_has_the_papers_parameters():
    assert count(PatchDiscriminator()) == 2_764_737
    assert count(PatchDiscriminator(norm="batch")) == 2_764_737 + 2 * (128 + 256 + 512)


def test_a_score_sees_70_pixels():
    assert receptive_field() == 70
    judge = PatchDiscriminator(4, norm="batch").double().eval()  # instance norm sees the whole picture
    pictures = torch.randn(1, 3, 128, 128, dtype=torch.double, requires_grad=True)
    judge(pictures)[0, 0, 7, 7].backward()
    seen = pictures.grad[0].abs().sum(0) > 0
    assert (seen.any(0).sum().item(), seen.any(1).sum().item()) == (70, 70)


def test_256_pixels_have_30_scores_a_side_and_they_are_not_bounded():
    judge = PatchDiscriminator(4)
    assert judge(torch.zeros(2, 3, 256, 256)).shape == (2, 1, 30, 30)
    assert not any(isinstance(each, nn.Sigmoid) for each in judge.modules())
    assert [each.negative_slope for each in judge.modules() if isinstance(each, nn.LeakyReLU)] == [0.2] * 4


def test_the_weights_begin_with_a_deviation_of_a_fiftieth():
    torch.manual_seed(0)
    for each in PatchDiscriminator(32).layers:
        if isinstance(each, nn.Conv2d):
            assert each.weight.std().item() == pytest.approx(DEVIATION, rel=0.1)
            assert not each.bias.any()


def test_an_unknown_norm_is_refused():
    with pytest.raises(VstError, match="norm is 'layer'; expected instance or batch"):
        PatchDiscriminator(4, "layer")


@pytest.mark.parametrize("blocks", [7, 9, 10])
def test_the_generator_has_a_body_with_more_blocks(blocks):
    block = 2 * (128 * 128 * 9 + 128 + 2 * 128)  # two convolutions, each with a bias, a scale and a shift
    assert count(CycleGenerator(32, 1, GeneratorVariant(blocks=blocks))) == 1_679_235 + (blocks - 5) * block
    assert CycleGenerator(2).variant.blocks == 10


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_the_generator_gives_pictures_of_the_size_of_its_input(upsampling, size):
    network = CycleGenerator(2, 1, GeneratorVariant(blocks=2, upsampling=upsampling)).eval()
    output = network(torch.rand(1, 3, *size) * 2 - 1)
    assert output.shape == (1, 3, *size)
    assert output.abs().max() <= 1


def test_a_generator_with_more_blocks_begins_as_the_itn_that_it_starts_from():
    torch.manual_seed(0)
    itn, network = ITN(4), CycleGenerator(4)
    assert network.can_start_from(itn)
    network.start_from(itn)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(network(picture), itn(picture))
    assert not CycleGenerator(4, 1, GeneratorVariant(upsampling="transposed")).can_start_from(itn)


def pictures(*values):
    return torch.stack([torch.full((3, 2, 2), float(value)) for value in values])


def values(given):
    return given[:, 0, 0, 0].tolist()


def test_the_pool_gives_new_pictures_until_it_is_full():
    pool = ImagePool(3, 2)
    always = torch.zeros(2, 2)
    assert values(pool.exchange(pictures(1, 2), always)) == [1, 2]
    assert int(pool.count) == 2
    # The third fills it; the fourth is exchanged for the first place.
    assert values(pool.exchange(pictures(3, 4), always)) == [3, 1]
    assert values(pool.images) == [4, 2, 3]


def test_the_pool_exchanges_by_the_first_number_and_the_place_of_the_second():
    pool = ImagePool(2, 2)
    pool.exchange(pictures(1, 2), torch.zeros(2, 2))
    draws = torch.tensor([[0.5, 0.0], [0.49, 0.99]])
    assert values(pool.exchange(pictures(3, 4), draws)) == [3, 2]
    assert values(pool.images) == [1, 4]


def test_a_pool_of_no_pictures_gives_what_it_gets():
    assert values(ImagePool(0, 2).exchange(pictures(1, 2), torch.zeros(2, 2))) == [1, 2]


def test_pooled_pictures_have_no_gradient():
    given = pictures(1).requires_grad_()
    assert not ImagePool(1, 2).exchange(given, torch.zeros(1, 2)).requires_grad


def lines(real, generated, steps=2 * EVERY):
    said = []
    watch = DiscriminatorWatch("paintings", said.append)
    torch.manual_seed(0)
    for _ in range(steps):
        noise = 0.1 * torch.randn(2, 1, 6, 6)
        watch.add(real + noise[:1], generated + noise[1:])
    return said


@pytest.mark.parametrize(
    ("real", "generated", "told"),
    [(1.0, 0.0, "wins"), (0.4, 0.6, "loses")],
)
def test_a_discriminator_that_no_longer_teaches_is_named_once(real, generated, told):
    said = lines(real, generated)
    assert len(said) == 1
    assert said[0].startswith(f"the discriminator of paintings {told} (loss ")


def test_a_discriminator_that_says_the_same_of_everything_has_collapsed():
    said = []
    watch = DiscriminatorWatch("paintings", said.append)
    for _ in range(EVERY):
        watch.add(torch.full((1, 1, 6, 6), 0.5), torch.full((1, 1, 6, 6), 0.5))
    assert "collapses" in said[0]


def test_a_discriminator_that_teaches_is_not_mentioned():
    assert lines(0.7, 0.3) == []


def test_a_recovery_is_told():
    said = []
    watch = DiscriminatorWatch("photographs", said.append)
    torch.manual_seed(0)
    for step in range(6 * EVERY):
        noise = 0.1 * torch.randn(1, 1, 6, 6)
        watch.add(noise + (1.0 if step < EVERY else 0.7), noise + (0.0 if step < EVERY else 0.3))
    assert ["wins" in said[0], "recovers" in said[-1], len(said)] == [True, True, 2]


def in_its_light():
    """A generator that keeps the light, whose norms shift and scale."""
    torch.manual_seed(0)
    network = CycleGenerator(4, 1, GeneratorVariant(blocks=1, keep_light=True))
    with torch.no_grad():
        for norm in network.norms():
            norm.weight.add_(torch.rand_like(norm.weight))
            norm.bias.add_(torch.randn_like(norm.bias) / 4)
    return network.eval()


@pytest.mark.parametrize("level", [-1.0, -0.3, 1.0])
def test_an_even_frame_keeps_its_light(level):
    frame = torch.full((1, 3, 32, 40), level) + torch.tensor([0.0, 0.0, 0.01])[:, None, None] * -level
    with torch.no_grad():
        stylized = in_its_light()(frame)
    assert (stylized - frame).abs().max() < 0.02


def test_a_frame_of_half_the_contrast_is_stylized_with_half_of_it():
    frame = torch.rand(1, 3, 32, 40) - 0.5
    network = in_its_light()
    # Enlarged, so that norms do not see their smallest variance; and before the cut to -1..1.
    with torch.no_grad():
        network.train()
        whole, half = network(frame), network(frame / 2 + 0.25)
    mean = frame.mean((2, 3), keepdim=True)
    torch.testing.assert_close(half - (mean / 2 + 0.25), (whole - mean) / 2, atol=0.01, rtol=0.01)


def test_light_is_kept_in_tiles_and_by_the_other_ways_to_run_a_network():
    network, frame = in_its_light(), torch.rand(1, 3, 67, 93) * torch.linspace(0, 2, 93) - 1
    mix = one_style(0, 1)
    with torch.no_grad():
        whole = network(frame)
        raw = network.layers(WholeFrame(mix), frame, (67, 93))
        assert torch.equal(network.compose(raw, frame), whole)
        tiled = network.stylize(Tiled(mix, 32), [frame])
    torch.testing.assert_close(tiled, whole, atol=1 / 5000, rtol=0)
    assert whole.abs().max() == 1  # it was cut
