"""gatys: known answers, blends, starts, and what a watch sees."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from vst.frame import Frame, Past
from vst.losses import PerceptualLoss
from vst.losses.perceptual import style_targets
from vst.modes import Stylizer, find_mode
from vst.modes.create import create_optimiser
from vst.modes.optimisation.config import OptimisationConfig
from vst.styles.loss_network import load_loss_network
from vst.styles.painting_style import resolve_paintings


@pytest.fixture
def create(loss_folder):
    def make(style: object, **options: object):
        found = resolve_paintings(str(style), "gatys", loss_network=str(loss_folder))
        given = {"steps": 12, "levels": 1, **options}
        return create_optimiser(found, OptimisationConfig(**given))

    return make


def frame_of(image: torch.Tensor, index: int = 0) -> Frame:
    return Frame(index, Fraction(0), Fraction(1), image)


def read(path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1).float() / 255


def smooth(height: int = 40, width: int = 60) -> torch.Tensor:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]


def test_it_is_a_mode_without_a_network():
    mode = find_mode("gatys")
    assert mode.optimises
    assert mode.temporal
    assert isinstance(mode.optimiser_class, type)


def test_the_painting_itself_has_no_style_loss_and_stays(create, painting):
    image, seen = read(painting), []
    # The style scale at which a painting of 60×40 has its own size.
    stylizer = create(painting, style_scale=60 / (512 * 40 / 480), variation_weight=0.0, steps=4)
    stylizer.watch = lambda step: seen.append(step.losses) or True
    output = (stylizer.stylize(frame_of(image), None) + 1) / 2
    assert seen[0]["style"] < 1e-9
    assert seen[0]["content"] < 1e-9
    torch.testing.assert_close(output, image, atol=1e-4, rtol=0)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_style_loss_falls(create, painting, loss_folder, optimizer):
    frame = smooth()
    stylizer = create(painting, steps=40, style_weight=10.0, optimizer=optimizer, style_scale=1.4)
    assert isinstance(stylizer, Stylizer)
    output = (stylizer.stylize(frame_of(frame), None) + 1) / 2
    assert output.shape == frame.shape
    assert float(output.min()) >= 0
    assert float(output.max()) <= 1
    network = load_loss_network(loss_folder)
    loss = PerceptualLoss(network, [style_targets(network, [read(painting)])])
    with torch.no_grad():
        target = loss.content_target(frame[None])
        before, after = (loss(each[None], target, torch.tensor([0])) for each in (frame, output))
    assert float(after.style) < 0.5 * float(before.style)


def test_the_weights_say_which_loss_is_smaller(create, painting):
    def losses(content_weight: float) -> dict[str, float]:
        seen = []
        stylizer = create(painting, steps=25, content_weight=content_weight, style_weight=10.0)
        stylizer.watch = lambda step: seen.append(step.losses) or True
        stylizer.stylize(frame_of(smooth()), None)
        return seen[-1]

    little, much = losses(1.0), losses(1000.0)
    assert much["content"] < 0.5 * little["content"]
    assert little["style"] < 0.5 * much["style"]


def test_a_blend_lies_between_its_paintings(create, painting, tmp_path):
    other = tmp_path / "green.png"
    Image.fromarray(np.full((40, 60, 3), (10, 200, 10), np.uint8)).save(other)

    def mean(style: object) -> torch.Tensor:
        stylizer = create(style, content_weight=0.0, steps=15)
        return stylizer.stylize(frame_of(smooth()), None).mean((1, 2))

    red, green, both = mean(painting), mean(other), mean(f"{painting}:0.5+{other}:0.5")
    assert red[0] > both[0] > green[0]


def test_the_first_picture_is_the_frame_or_noise_of_the_frames_number(create, painting):
    frame = smooth()
    kept = create(painting)
    assert torch.equal(kept.first_picture(frame_of(frame), frame, None), frame)
    noise = create(painting, from_noise=True)
    one, two, again = (noise.first_picture(frame_of(frame, n), frame, None) for n in (0, 1, 0))
    assert torch.equal(one, again)
    assert not torch.equal(one, two)
    assert float(one.min()) >= 0
    assert float(one.max()) <= 1
    assert float(one.std()) > 0.25


def test_the_same_frame_gives_the_same_picture(create, painting):
    stylizer = create(painting, steps=6, levels=2)
    frame = frame_of(smooth(128, 140))
    assert torch.equal(stylizer.stylize(frame, None), stylizer.stylize(frame, None))


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (33, 31)])
def test_frames_of_any_size_are_taken(create, painting, size):
    output = create(painting, steps=2).stylize(frame_of(smooth(*size)), None)
    assert output.shape == (3, *size)
    assert bool(output.isfinite().all())


def test_a_black_frame_has_a_finite_picture(create, painting):
    assert bool(create(painting).stylize(frame_of(torch.zeros(3, 40, 40)), None).isfinite().all())


def test_a_watch_sees_every_step_over_all_sizes_and_stops(create, painting):
    stylizer, seen = create(painting, steps=10, levels=2), []
    stylizer.watch = lambda step: (
        seen.append((step.number, step.image.shape[1], step.done)) or step.number < 8
    )
    output = stylizer.stylize(frame_of(smooth(128, 140)), None)
    assert [number for number, _, _ in seen] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (seen[0][1], seen[-1][1]) == (64, 128)
    # Six steps at a quarter of the pixels of the four that follow.
    assert [round(done, 2) for _, _, done in seen[4:7]] == [0.23, 0.27, 0.45]
    assert stylizer.interrupted
    assert output.shape == (3, 128, 140)
    stylizer.watch = None
    stylizer.stylize(frame_of(smooth()), None)
    assert not stylizer.interrupted


def test_average_pooling_is_that_of_the_loss_network(loss_folder):
    image = torch.rand(1, 3, 8, 8)
    highest, mean = (load_loss_network(loss_folder, pooling) for pooling in ("max", "average"))
    before = highest(image, ("relu1_2",))["relu1_2"]
    convolution = highest.parts[0].get_submodule("conv2_1")
    for network, pool in ((highest, torch.nn.MaxPool2d(2)), (mean, torch.nn.AvgPool2d(2))):
        expected = convolution(pool(before)).relu()
        torch.testing.assert_close(network(image, ("relu2_1",))["relu2_1"], expected)


def test_a_frame_begins_as_its_past_and_is_held_to_it_where_that_is_trusted(create, painting):
    past, trust = torch.full((3, 128, 140), -0.4), torch.ones(1, 128, 140)
    past[:, :, 100:] = trust[:, :, 100:] = 0
    stylizer = create(painting, steps=10, levels=2, temporal_weight=1e6)
    assert stylizer.conditioned
    output = stylizer.stylize(frame_of(smooth(128, 140)), Past(past, trust))
    # To the last trusted column: what is not trusted does not leak in at the coarse size.
    torch.testing.assert_close(output[:, :, :100], past[:, :, :100], atol=0.01, rtol=0)
    assert float((output[:, :, 104:] - smooth(128, 140)[:, :, 104:] * 2 + 1).abs().mean()) < 0.4
    assert not create(painting, temporal_weight=0.0).conditioned


def test_steps_are_in_proportion_to_what_is_new(create, painting):
    stylizer, seen = create(painting, steps=40), []
    stylizer.watch = lambda step: seen.append(step.steps) or step.number < 1
    for share in (0.0, 0.5, 1.0):
        trust = torch.zeros(1, 40, 60)
        trust[:, :, : round(60 * share)] = 1
        stylizer.stylize(frame_of(smooth()), Past(torch.zeros(3, 40, 60), trust))
    assert seen == [40, 23, 6]
    assert stylizer.share(1, 60, 40) == 1
    assert 10 / 4 < stylizer.share(10, 60, 40) < 10 / 2
