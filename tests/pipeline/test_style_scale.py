"""The working resolution, which sets the size of strokes relative to the frame, and its upsampling."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch

from tests.stylizers import Copy
from vst.errors import UsageError
from vst.frame import Frame
from vst.media.probe import probe
from vst.modes import create_stylizer
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline import render, stylize
from vst.pipeline.frame_size import working_size
from vst.pipeline.session import StylizerSession
from vst.pipeline.stages import StageRunner
from vst.postprocess import Postprocess
from vst.styles import resolve_style


class Stripes(Copy):
    """Returns vertical stripes with a period of eight pixels for every frame."""

    def output(self, frame: Frame) -> torch.Tensor:
        stripes = (torch.arange(frame.image.shape[2]) // 4 % 2).float()
        return stripes.expand(frame.image.shape).contiguous()


def count_stripes(image: torch.Tensor) -> int:
    return int(((image[0, image.shape[1] // 2] > 0.5).int().diff() == 1).sum())


def moving(count: int, width: int = 96, height: int = 72) -> Iterator[Frame]:
    """Half transparent frames of a smooth texture that moves by two pixels a frame."""
    coarse = np.random.default_rng(0).random((9, 16)).astype(np.float32)
    texture = cv2.resize(coarse, (width + 2 * count, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    for n in range(count):
        image = torch.from_numpy(texture[:, 2 * n : 2 * n + width]).expand(3, height, width).contiguous()
        yield Frame(n, Fraction(n, 25), Fraction(1, 25), image, torch.full((1, height, width), 0.5))


def dis() -> EstimatedMotion:
    return EstimatedMotion(create_estimator("dis"))


def stylized(frames, session: StylizerSession) -> list[Frame]:
    written: list[Frame] = []
    StageRunner(session, written.append, lambda shot, save: None).run(frames)
    return written


@pytest.mark.parametrize(
    ("size", "style_scale", "working"),
    [
        # By default frames up to 600p as they are, larger ones at 480p.
        ((640, 480), None, (640, 480)),
        ((854, 480), None, (854, 480)),
        ((768, 512), None, (768, 512)),
        ((600, 720), None, (600, 720)),
        ((960, 602), None, (765, 480)),
        ((48, 3), None, (48, 3)),
        ((1920, 1080), None, (853, 480)),
        ((1080, 1920), None, (480, 853)),
        ((3840, 2160), None, (853, 480)),
        ((20000, 640), None, (15000, 480)),
        # A given style scale also enlarges small frames.
        ((1920, 1080), 1, (853, 480)),
        ((320, 240), 1, (640, 480)),
        ((1920, 1080), 0.5, (1707, 960)),
        ((1920, 1080), 2, (427, 240)),
        ((640, 480), 10, (64, 48)),
        ((3840, 2160), 480 / 2160, (3840, 2160)),
        ((12000, 600), 1, (9600, 480)),
    ],
)
def test_the_short_side_of_the_working_size_is_480_over_the_style_scale(size, style_scale, working):
    assert working_size(*size, style_scale) == working


@pytest.mark.parametrize("size", [(1920, 1080), (240, 320), (7680, 4320), (3000, 100)])
def test_a_style_scale_that_is_too_small_is_refused_with_the_smallest_valid_one(size):
    with pytest.raises(
        UsageError, match=r"no side may be longer than 4096: give [0-9.]+ or more"
    ) as refused:
        working_size(*size, 0.1)
    least = float(str(refused.value).partition("give ")[2].split()[0])
    assert 3800 < max(working_size(*size, least)) <= 4096


@pytest.mark.parametrize("working", [(32, 24), (128, 96), (33, 70)], ids=["smaller", "larger", "thinner"])
def test_motion_and_mode_get_the_working_size_and_the_output_has_the_size_of_the_clip(working):
    width, height = working
    stripes = Stripes(conditioned=True)
    frames = list(moving(5))
    written = stylized(iter(frames), StylizerSession(stripes, dis(), working=working))
    assert set(stripes.seen) == {(3, height, width)}
    assert set(stripes.pasts) == {(3, height, width)}
    assert len(stripes.seen) == len(stripes.pasts) + 1 == 5
    for frame, result in zip(frames, written, strict=True):
        assert (result.index, result.time, result.duration) == (frame.index, frame.time, frame.duration)
        assert result.image.shape == frame.image.shape
        assert result.alpha is frame.alpha


def test_every_frame_is_composed_with_its_own_stylized_frame():
    def flat() -> Iterator[Frame]:
        for n in range(13):
            value = 0.02 * n + (0.6 if n > 6 else 0)
            yield Frame(n, Fraction(n), Fraction(1), torch.full((3, 60, 80), value))

    as_stylized = Postprocess(follow_light=False)
    written = stylized(flat(), StylizerSession(Copy(), postprocess=as_stylized, working=(20, 15)))
    values = [frame.image.mean().item() for frame in written]
    assert values == pytest.approx([frame.image.mean().item() for frame in flat()], abs=1e-4)
    assert [frame.index for frame in written] == list(range(13))


def test_frames_stylized_at_the_size_of_the_clip_are_written_unchanged():
    frames = list(moving(4))
    # Through the networks' range, −1..1, and back.
    expected = [(frame.image.clamp(0, 1) * 2 - 1 + 1) / 2 for frame in frames]
    for working in (None, (96, 72)):
        written = stylized(iter(frames), StylizerSession(Copy(), working=working))
        assert all(torch.equal(a.image, b) for a, b in zip(written, expected, strict=True))


def test_snapshots_are_at_working_resolution(tiny_weights):
    stylizer = create_stylizer(resolve_style("red", "vtn", weights_dir=tiny_weights))
    session = StylizerSession(stylizer, dis(), working=(48, 36))
    stylized(moving(4), session)
    _, keyframe, _, *composed = session.snapshot()
    assert keyframe.shape == (3, 36, 48)
    assert [each.shape[:2] for each in composed] == [(36, 48)] * 4


def test_strokes_are_relative_to_the_picture_and_the_style_scale_changes_them(monkeypatch, tiny_weights):
    monkeypatch.setattr("vst.pipeline.frame_size.STROKE_SIDE", 48)
    monkeypatch.setattr("vst.pipeline.open_session.create_stylizer", lambda *a, **k: Stripes())

    def stripes(height: int, style_scale: float | None) -> int:
        picture = torch.full((3, height, height * 4 // 3), 0.5)
        return count_stripes(
            stylize(picture, "red", weights_dir=tiny_weights, style_scale=style_scale, precision="fp32")
        )

    assert {height: stripes(height, None) for height in (24, 48, 96, 192)} == {24: 4, 48: 8, 96: 8, 192: 8}
    assert [stripes(height, 1) for height in (24, 48, 96)] == [8, 8, 8]
    assert [stripes(96, scale) for scale in (0.5, 2, 4)] == [16, 4, 2]


def test_a_picture_up_to_480p_is_the_output_of_the_mode_bit_for_bit(tiny_weights):
    options = {"device": "cpu", "precision": "fp32", "weights_dir": tiny_weights}
    picture = next(moving(1)).image
    stylizer = create_stylizer(resolve_style("red", "itn", weights_dir=tiny_weights))
    alone = (stylizer.stylize(Frame(0, Fraction(0), Fraction(1), picture), None) + 1) / 2
    assert torch.equal(stylize(picture, "red", **options), alone)
    assert torch.equal(stylize(picture, "red", style_scale=480 / 72, **options), alone)
    assert not torch.equal(stylize(picture, "red", style_scale=5, **options), alone)


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_a_clip_keeps_its_size_at_every_style_scale(
    exact_clip, settings, images, tmp_path, monkeypatch, mode
):
    monkeypatch.setattr("vst.pipeline.frame_size.STROKE_SIDE", 24)
    pictures = [
        (frame.image.permute(1, 2, 0).numpy() * 255).astype(np.uint8) for frame in moving(5, 64, 48)
    ]
    clip = exact_clip("clip.mkv", pictures)
    outputs = []
    for style_scale in (None, 1, 0.25, 1.5):
        report = render(
            clip,
            settings(mode=mode, codec="ffv1", style_scale=style_scale),
            tmp_path / f"{style_scale}.mkv",
        )
        info = probe(report.output)
        assert (info.width, info.height, report.frames) == (64, 48, 5)
        outputs.append(images(report.output))
        short = round(24 / (style_scale or 1))
        note = f"stylized at {short * 4 // 3}×{short}; --style-scale changes the size of the strokes"
        assert note in report.notes
    default, one, fine, broad = outputs
    assert torch.equal(default, one)
    for a, b in ((default, fine), (default, broad), (fine, broad)):
        assert (a - b).abs().mean() > 0.005


def test_the_style_scale_is_relative_to_the_output_size(
    exact_clip, settings, images, tmp_path, monkeypatch
):
    monkeypatch.setattr("vst.pipeline.frame_size.STROKE_SIDE", 24)
    pictures = [
        (frame.image.permute(1, 2, 0).numpy() * 255).astype(np.uint8) for frame in moving(2, 64, 48)
    ]
    clip = exact_clip("clip.mkv", pictures)
    seen = []
    monkeypatch.setattr(
        "vst.pipeline.open_session.create_stylizer", lambda *a, **k: seen.append(Stripes()) or seen[-1]
    )
    for n, options in enumerate(({}, {"size": 36}, {"size": 16}, {"scale": 2, "style_scale": 2})):
        render(clip, settings(mode="itn", **options), tmp_path / f"{n}.mkv")
    assert [set(mode.seen) for mode in seen] == [{(3, 24, 32)}, {(3, 24, 32)}, {(3, 16, 22)}, {(3, 12, 16)}]


def test_at_strength_0_no_style_scale_is_refused(exact_clip, settings, images, tmp_path):
    clip = exact_clip("wide.mkv", [np.full((4, 96, 3), 90, np.uint8)] * 2)
    report = render(clip, settings(strength=0, style_scale=0.1, codec="ffv1"))
    assert torch.equal(images(report.output), images(clip))
    assert not any(note.startswith("stylized") for note in report.notes)
    with pytest.raises(UsageError, match="no side may be longer"):
        render(clip, settings(style_scale=0.1), tmp_path / "other.mkv")
    assert not (tmp_path / "other.mkv").exists()
