"""Reference flow: of exact scenes, and of estimators."""

from __future__ import annotations

from fractions import Fraction

import torch

from vst.evaluate import Curves, EstimatedReference, SceneReference
from vst.frame import Frame, Motion
from vst.motion import create_estimator
from vst.synthetic import Scene, SceneConfig, create_scene

QUIET = SceneConfig(width=128, height=96, frames=8, objects=3, seed=5, lighting=0.0, noise=0.0)


def test_a_scene_gives_its_exact_motion() -> None:
    scene = Scene(QUIET)
    reference = SceneReference(scene, margin=0.0)
    motions = [reference.step(frame) for frame in scene.frames()]
    assert reference.name == "exact"
    assert motions[0] is None
    assert motions[3] is not None
    assert torch.equal(motions[3].flow, scene.flow(3, 2))
    assert torch.equal(motions[3].mask, scene.visible(3, 2))


def test_mixed_colours_along_outlines_are_masked() -> None:
    scene = Scene(QUIET)
    frame = next(iter(scene.frames(4, 5)))
    strict, usual = SceneReference(scene, margin=0.0).step(frame), SceneReference(scene).step(frame)
    assert strict is not None
    assert usual is not None
    assert usual.mask.sum() < strict.mask.sum()
    assert not (usual.mask > strict.mask).any()


def test_no_reference_gives_motion_across_a_cut() -> None:
    scene = create_scene("cut", width=96, height=64, frames=16)
    cut = scene.config.cut
    assert cut == 9
    for reference in (SceneReference(scene), EstimatedReference(create_estimator("dis"))):
        motions = [reference.step(frame, frame.index == cut) for frame in scene.frames()]
        assert [t for t, motion in enumerate(motions) if motion is None] == [0, cut]


def test_errors_under_an_estimator_are_near_those_under_exact_motion() -> None:
    scene = Scene(QUIET)
    errors: dict[str, float] = {}
    for reference in (SceneReference(scene), EstimatedReference(create_estimator("dis"))):
        curves = Curves()
        for frame in scene.frames():
            curves.add(frame.image, reference.step(frame))
        errors[reference.name] = curves.summary().mean["E"]
    plain = sum(float((scene.clean(t) - scene.clean(t - 1)).square().mean()) for t in range(1, 8)) / 7
    assert errors["exact"] < 0.05 * plain
    assert errors["exact"] < errors["dis"] < 0.3 * plain


def test_an_estimator_gives_backward_flow() -> None:
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.avg_pool2d(image[None], 5, 1, 2)[0]
    reference = EstimatedReference(create_estimator("dis"))
    first = Frame(0, Fraction(0), Fraction(1), image)
    second = Frame(1, Fraction(1), Fraction(1), image.roll(2, dims=2))
    assert reference.step(first) is None
    motion = reference.step(second)
    assert isinstance(motion, Motion)
    assert abs(float(motion.flow[0, 20:44, 20:44].median()) + 2) < 0.3
    assert reference.name == "dis"
