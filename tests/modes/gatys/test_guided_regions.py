"""gatys and mrf with masks of paintings, and with paintings for regions of the frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vst.frame import Frame
from vst.modes.create import create_optimiser
from vst.modes.optimisation.config import OptimisationConfig
from vst.styles.painting_style import resolve_paintings

HEIGHT, WIDTH = 32, 32
MODES = ("gatys", "mrf")
LEAST = {"gatys": 0.5, "mrf": 0.3}
"""Difference of redness: patches of features say less of colours than Gram matrices of all layers do."""

STEPS = 24
"""Until colours have settled: after half as many, what was rounded decides how far they are."""


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """A painting whose left half is red and whose right half is blue, with grain, and masks of both."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :16, 0] = pixels[:, 16:, 2] = 220
    pixels += np.random.default_rng(0).integers(0, 30, pixels.shape, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "halves.png")
    left = np.zeros((HEIGHT, WIDTH), np.uint8)
    left[:, :16] = 255
    Image.fromarray(left).save(tmp_path / "red.png")
    Image.fromarray(255 - left).save(tmp_path / "blue.png")
    return tmp_path / "halves.png"


@pytest.fixture
def create(loss_folder):
    def make(mode: str, *styles: str, shares: torch.Tensor | None = None, **options: object):
        found = [resolve_paintings(each, mode, loss_network=str(loss_folder)) for each in styles]
        # The style scale at which a painting of this size has its own size.
        given = {"steps": 12, "levels": 1, "content_weight": 0.0, "style_scale": 32 / (512 * 32 / 480)}
        given |= {"patch_rotations": 0, "patch_scales": 0}
        return create_optimiser(
            found[0],
            OptimisationConfig(**given | options),
            regions=[(each, None) for each in found] if len(found) > 1 else (),
            shares_of=lambda frame: shares,
        )

    return make


def stylized(stylizer) -> torch.Tensor:
    gray = torch.full((3, HEIGHT, WIDTH), 0.4)
    gray += 0.1 * torch.rand(gray.shape, generator=torch.Generator().manual_seed(4))
    return (stylizer.stylize(Frame(0, Fraction(0), Fraction(1), gray), None) + 1) / 2


def redness(image: torch.Tensor) -> float:
    """Mean of red less that of blue: about .8 for the red half, −.8 for the blue one."""
    return float((image[0] - image[2]).mean())


@pytest.mark.parametrize("mode", MODES)
def test_only_the_half_of_a_painting_that_its_mask_shows_gives_colours(create, halves, mode):
    folder = halves.parent
    red, blue = (
        redness(stylized(create(mode, f"{halves}@{folder / name}", steps=STEPS)))
        for name in ("red.png", "blue.png")
    )
    assert red > blue + LEAST[mode]


@pytest.mark.parametrize("mode", MODES)
def test_regions_get_the_colours_of_their_own_half(create, halves, mode):
    folder, top = halves.parent, torch.zeros(HEIGHT, WIDTH)
    top[:16] = 1
    styles = [f"{halves}@{folder / name}" for name in ("blue.png", "red.png")]
    found = stylized(create(mode, *styles, shares=torch.stack((top, 1 - top)), steps=STEPS))
    assert redness(found[:, 20:]) > redness(found[:, :12]) + LEAST[mode]


@pytest.mark.parametrize("mode", MODES)
def test_a_region_that_is_everywhere_changes_nothing(create, halves, mode):
    red = f"{halves}@{halves.parent / 'red.png'}"
    everywhere = torch.stack((torch.zeros(HEIGHT, WIDTH), torch.ones(HEIGHT, WIDTH)))
    alone = stylized(create(mode, str(halves), steps=6))
    assert torch.equal(stylized(create(mode, red, str(halves), shares=everywhere, steps=6)), alone)
    # Without shares, as in a clip without masks, the first one is everywhere.
    first = stylized(create(mode, red, str(halves), steps=6))
    assert torch.equal(first, stylized(create(mode, red, steps=6)))


@pytest.mark.parametrize("mode", MODES)
def test_the_style_loss_of_regions_is_that_of_the_paintings_by_area(create, halves, mode):
    left = torch.zeros(HEIGHT, WIDTH)
    left[:, :8] = 1
    stylizer, seen = (
        create(mode, str(halves), str(halves), shares=torch.stack((left, 1 - left)), steps=1),
        [],
    )
    stylizer.watch = lambda step: seen.append(step.losses["style"]) or True
    stylized(stylizer)
    alone = create(mode, str(halves), steps=1)
    alone.watch = stylizer.watch
    stylized(alone)
    # The frame is the same everywhere but for noise, so its regions are as far from the painting as it is.
    assert seen[0] == pytest.approx(seen[1], rel=0.05)


def test_a_mask_too_thin_for_a_patch_still_gives_one(create, halves, tmp_path):
    thin = np.zeros((HEIGHT, WIDTH), np.uint8)
    thin[12:21, 1:31] = 255
    Image.fromarray(thin).save(tmp_path / "thin.png")
    found = stylized(create("mrf", f"{halves}@{tmp_path / 'thin.png'}", steps=4))
    assert bool(found.isfinite().all())


def test_regions_have_strokes_of_their_own_size(halves, loss_folder):
    found = resolve_paintings(str(halves), "gatys", loss_network=str(loss_folder))
    stylizer = create_optimiser(
        found, OptimisationConfig(style_scale=0.5), regions=[(found, None), (found, 2.0)]
    )
    assert [each.style_scale for each in stylizer.styles] == [0.5, 2.0]
    assert stylizer._painting_sides(640, 480, 0.5) == (128, 512)


def test_memory_counts_the_regions(create, halves):
    one, two = create("gatys", str(halves)), create("gatys", str(halves), str(halves))
    assert two.memory(640, 480).peak > one.memory(640, 480).peak
