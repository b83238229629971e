"""mrf: copies of the painting, a falling patch loss, blends and small frames."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from tests.modes.gatys.conftest import painting
from vst.frame import Frame
from vst.modes import find_mode
from vst.modes.create import create_optimiser
from vst.modes.mrf.copies import copies
from vst.modes.optimisation.config import OptimisationConfig
from vst.styles.painting_style import resolve_paintings

__all__ = ["painting"]


@pytest.fixture
def create(loss_folder):
    def make(style: object, **options: object):
        found = resolve_paintings(str(style), "mrf", loss_network=str(loss_folder))
        given = {"steps": 8, "levels": 1, "patch_rotations": 0, "patch_scales": 0, **options}
        return create_optimiser(found, OptimisationConfig(**given))

    return make


def frame_of(height: int = 40, width: int = 60) -> Frame:
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(1))
    image = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]
    return Frame(0, Fraction(0), Fraction(1), image)


def test_it_compares_patches_at_two_layers_where_they_are(create, painting):
    assert find_mode("mrf").optimises
    assert {"relu3_1", "relu4_1"} & set(create(painting).layers)


def test_copies_are_turned_to_both_sides_and_of_several_sizes():
    image = torch.rand(3, 40, 60)
    found = list(copies(image, rotations=1, scales=1))
    assert torch.equal(found[0].image, image)
    assert [each.image.shape[2] for each in found] == [60] * 3 + [50] * 3 + [72] * 3
    assert [each.inside is None for each in found] == [True, False, False] * 3
    turned = found[1].inside
    assert turned is not None
    assert turned[0, 0, 0, 0] == 0  # a corner that only its mirror image fills
    assert turned[0, 0, 20, 30] == 1
    assert len(list(copies(image, rotations=0, scales=0))) == 1


@pytest.mark.parametrize("copied", [0, 1])
def test_the_patch_loss_falls_with_matches_that_are_found_anew(create, painting, copied, monkeypatch):
    stylizer, seen, found = create(painting, steps=45, patch_rotations=copied, content_weight=0.0), [], []
    terms = stylizer.terms
    monkeypatch.setattr(stylizer, "terms", lambda level: found.append(1) or terms(level))
    stylizer.watch = lambda step: seen.append(step.losses["style"]) or True
    stylizer.stylize(frame_of(), None)
    assert len(found) == 2  # 45 steps, 20 or so with the same matches
    assert min(seen) < 0.8 * seen[0]


def test_a_blend_lies_between_its_paintings(create, painting, tmp_path):
    from PIL import Image

    other = tmp_path / "green.png"
    Image.effect_noise((60, 40), 60).convert("RGB").save(other)
    seen = []
    stylizer = create(f"{painting}:0.75+{other}:0.25", steps=1)
    stylizer.watch = lambda step: seen.append(step.losses["style"]) or True
    stylizer.stylize(frame_of(), None)
    alone = []
    for each in (painting, other):
        single = create(each, steps=1)
        single.watch = lambda step: alone.append(step.losses["style"]) or True
        single.stylize(frame_of(), None)
    assert seen[0] == pytest.approx(0.75 * alone[0] + 0.25 * alone[1], rel=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (33, 90)])
def test_frames_of_any_size_are_taken(create, painting, size):
    output = create(painting, steps=2).stylize(frame_of(*size), None)
    assert output.shape == (3, *size)
    assert bool(output.isfinite().all())


def test_memory_counts_the_copies(create, painting):
    one, more = (create(painting, patch_rotations=n).memory(640, 480).peak for n in (0, 2))
    assert more > one
