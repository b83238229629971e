import pytest
import torch
from torch import Tensor

from vst.errors import UsageError
from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.cyclegan.networks import CycleNetworks
from vst.modes.cyclegan.training import CycleganStep
from vst.nn.vgg import VGGFeatures

SMALL = {
    "width": 2,
    "blocks": 1,
    "discriminator_width": 2,
    "size": 32,
    "pool": 2,
    "precision": "fp32",
    "paintings": ("monet",),
}


def batch_of(recipe, seed=0):
    random = torch.Generator().manual_seed(seed)

    def pictures(*shape):
        return torch.randint(
            0, 256, (*shape, 3, recipe.size, recipe.size), generator=random, dtype=torch.uint8
        )

    frames = pictures(recipe.sequences, recipe.sequence_length)
    size = (recipe.sequences, recipe.sequence_length)
    return {
        "paintings": pictures(recipe.painting_batch),
        "photos": pictures(recipe.batch),
        "frames": frames,
        "seen": frames,
        "true_flow": torch.zeros(*size, 2, recipe.size, recipe.size),
        "true_mask": torch.ones(*size, 1, recipe.size, recipe.size),
        "pool": torch.rand(3, 2, 2, generator=random),
    }


def run(given=None, **changes):
    """The losses of a step from one start, and the networks with their gradients."""
    torch.manual_seed(0)
    recipe = CycleganRecipe(**SMALL | changes)
    networks = CycleNetworks(recipe)
    with torch.no_grad():  # larger than training begins with, so that differences show
        for each in networks.parameters():
            each.mul_(5)
    losses = CycleganStep(recipe, networks, VGGFeatures((1, 1, 3)), say=print)(given or batch_of(recipe))
    losses["total"].backward()
    return losses, networks


def gradients(network):
    return [None if each.grad is None else each.grad.clone() for each in network.parameters()]


def same(one: list[Tensor | None], other: list[Tensor | None]) -> bool:
    return all(a is b is None or torch.allclose(a, b) for a, b in zip(one, other, strict=True))


EVERYTHING = {"long_weight": 2.0, "flow_cycle_weight": 3.0, "content_weight": 4.0, "discriminators": 2}


def test_the_total_is_the_weighted_sum():
    losses, _ = run(**EVERYTHING)
    weights = {"adversarial": 1, "cycle": 10, "identity": 5, "temporal": 100, "discriminator": 1}
    weights |= {"long": 2, "flow_cycle": 3, "content": 4}
    assert losses.keys() == {"total", *weights}
    expected = sum(weight * losses[name].item() for name, weight in weights.items())
    assert losses["total"].item() == pytest.approx(expected, rel=1e-5)
    assert all(value.item() > 0 for value in losses.values())


def test_a_loss_without_weight_is_not_computed():
    losses, _ = run(identity_weight=0)
    assert losses.keys() == {"total", "cycle", "adversarial", "discriminator", "temporal"}


def test_generators_teach_discriminators_nothing():
    _, weak = run(adversarial_weight=0.0)
    _, strong = run(adversarial_weight=100.0)
    assert same(gradients(weak.discriminators), gradients(strong.discriminators))
    assert not same(gradients(weak.generator), gradients(strong.generator))
    assert all(each.grad is not None for each in strong.discriminators.parameters())
    assert all(each.requires_grad for each in strong.discriminators.parameters())


def test_discriminators_teach_generators_nothing():
    losses = {
        "cycle_weight": 0.0,
        "identity_weight": 0.0,
        "temporal_weight": 0.0,
        "adversarial_weight": 0.0,
    }
    _, networks = run(**losses)
    assert not any(each is not None and each.any() for each in gradients(networks.generator))
    assert any(each.any() for each in gradients(networks.discriminators))


def test_one_discriminator_leaves_the_generator_back_to_the_cycle():
    alone = {"cycle_weight": 0.0, "identity_weight": 0.0}
    _, one = run(**alone)
    _, two = run(**alone, discriminators=2)
    assert not any(each is not None and each.any() for each in gradients(one.back))
    assert any(each.any() for each in gradients(two.back))


def test_a_sequence_that_stands_still_has_no_temporal_loss():
    batch = batch_of(CycleganRecipe(**SMALL))
    batch["frames"] = batch["seen"] = batch["frames"][:, :1].expand(-1, 2, -1, -1, -1)
    still, _ = run(batch, flow_cycle_weight=1.0)
    assert still["temporal"].item() == pytest.approx(0, abs=1e-10)
    assert still["flow_cycle"].item() == pytest.approx(0, abs=1e-5)
    moving, _ = run()
    assert moving["temporal"].item() > 1e-4


def test_what_cannot_be_trusted_is_not_compared():
    batch = batch_of(CycleganRecipe(**SMALL | {"long_weight": 1.0}))
    batch["true_mask"] = torch.zeros_like(batch["true_mask"])
    losses, _ = run(batch, long_weight=1.0, flow_cycle_weight=1.0)
    assert [losses[name].item() for name in ("temporal", "long", "flow_cycle")] == [0, 0, 0]


def test_frames_are_compared_along_the_flow():
    """A picture that moves by 4 pixels, the stride of the network, is stylized alike inside."""
    batch = batch_of(CycleganRecipe(**SMALL | {"size": 64}))
    before = batch["frames"][:, :1]
    batch["frames"] = batch["seen"] = torch.cat((before, before.roll(4, -1)), 1)
    batch["true_flow"][:, 1, 0] = -4.0
    batch["true_mask"][:, 1, :, :, :24] = 0
    batch["true_mask"][:, 1, :, :, 40:] = 0
    along, _ = run(batch, size=64)
    batch["true_flow"][:, 1, 0] = 4.0
    against, _ = run(batch, size=64)
    assert along["temporal"].item() < 0.3 * against["temporal"].item()


@pytest.mark.parametrize("changes", [{"batch": 0}, {"sequences": 0}])
def test_photographs_or_frames_alone_are_enough(changes):
    recipe = CycleganRecipe(**SMALL | changes)
    batch = batch_of(recipe)
    for name in ("photos",) if "batch" in changes else ("frames", "seen", "true_flow", "true_mask"):
        del batch[name]
    losses, _ = run(batch, **changes)
    assert ("temporal" in losses) is ("batch" in changes)


def test_the_pools_keep_what_was_generated():
    _, networks = run(discriminators=2)
    assert [int(pool.count) for pool in networks.pools] == [2, 1]
    assert networks.pools[0].images.any()


def test_the_rate_is_constant_and_then_falls_in_a_line():
    recipe = CycleganRecipe(steps=100, learning_rate=1.0, final_learning_rate=0.0, constant=0.6)
    rates = [recipe.rate(step) for step in (0, 60, 80, 100)]
    assert rates == pytest.approx([1, 1, 0.5, 0])
    assert CycleganRecipe(steps=10, learning_rate=1.0, constant=1.0).rate(9) == 1


def test_the_style_has_the_name_of_its_folder():
    assert CycleganRecipe(paintings=("data/paintings-monet.tar", "more")).style_name == "monet"
    assert CycleganRecipe(paintings=("data/hokusai/",)).style_name == "hokusai"
    assert CycleganRecipe(paintings=("x",), style="mine").style_name == "mine"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"batch": 0, "sequences": 0}, "batch and sequences are both 0"),
        ({"load_size": 100, "size": 128}, "load_size is 100; expected at least size, 128"),
        ({"discriminators": 3}, "discriminators is 3; expected 1 to 2"),
        ({"upsampling": "bilinear"}, "upsampling is 'bilinear'"),
    ],
)
def test_an_invalid_recipe_is_refused(changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        CycleganRecipe(**changes)
