"""The clip's palette in stylized frames, and whose colours they have."""

from __future__ import annotations

import math

import pytest
import torch

from vst.colour_modes import COLOURS, KEEP
from vst.postprocess import PaletteMatcher, Postprocess
from vst.postprocess.colour import luminance


def picture(seed: int, colour: tuple[float, float, float], contrast: float = 0.3) -> torch.Tensor:
    """Soft noise around a colour, 3×48×64."""
    rng = torch.Generator().manual_seed(seed)
    noise = torch.rand(3, 12, 16, generator=rng) - 0.5
    smooth = torch.nn.functional.interpolate(noise[None], (48, 64), mode="bicubic")[0]
    return (torch.tensor(colour).view(3, 1, 1) + contrast * smooth).clamp(0, 1)


def covariance(image: torch.Tensor) -> torch.Tensor:
    return torch.cov(image.flatten(1))


def hue(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Angle in degrees and length of the colour difference signals, Rec. 709."""
    y = luminance(image)
    cb, cr = (image[2:] - y) / 1.8556, (image[:1] - y) / 1.5748
    return torch.atan2(cr, cb) * 180 / math.pi, torch.hypot(cb, cr)


def test_the_palette_is_that_of_the_clip():
    frame, stylized = picture(0, (0.6, 0.4, 0.3)), picture(1, (0.3, 0.5, 0.7))
    moved = PaletteMatcher().advance(stylized, frame)(stylized, follow_light=True)
    torch.testing.assert_close(moved.mean((1, 2)), frame.mean((1, 2)), atol=0.005, rtol=0)
    torch.testing.assert_close(covariance(moved), covariance(frame), atol=1e-3, rtol=0)


def test_a_stylization_with_the_clips_palette_stays_as_it_is():
    frame = picture(2, (0.5, 0.4, 0.6))
    moved = PaletteMatcher().advance(frame, frame)(frame, follow_light=True)
    torch.testing.assert_close(moved, frame, atol=1e-5, rtol=0)


def test_colours_stay_in_range_with_their_hue():
    frame, stylized = picture(3, (0.9, 0.1, 0.2), 0.4), picture(4, (0.5, 0.5, 0.5), 0.9)
    moved = PaletteMatcher().advance(stylized, frame)(stylized, follow_light=True)
    assert 0 <= moved.min() <= moved.max() <= 1 + 1e-6
    assert torch.isfinite(moved).all()


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_stylization_or_frame_is_not_amplified(level):
    flat = torch.full((3, 48, 64), level)
    stylized = flat + 0.002 * (picture(5, (0.5, 0.5, 0.5)) - 0.5)
    moved = PaletteMatcher().advance(stylized.clamp(0, 1), picture(6, (0.5, 0.4, 0.3)))
    assert float(moved(stylized.clamp(0, 1), False).std((1, 2)).max()) < 0.02
    onto = PaletteMatcher().advance(picture(6, (0.5, 0.4, 0.3)), flat)
    assert torch.isfinite(onto(picture(6, (0.5, 0.4, 0.3)), True)).all()


def test_the_mean_colour_does_not_pump_beyond_the_clip_where_an_object_passes():
    matcher, means, clip = PaletteMatcher(), [], []
    stylized, frame = picture(7, (0.4, 0.6, 0.5)), picture(8, (0.5, 0.35, 0.3))
    for n in range(120):
        now, given = stylized.clone(), frame.clone()
        left = max(n - 40, 0)
        if 0 < left < 64:  # a bright red bar crosses
            given[:, :, max(left - 12, 0) : left] = torch.tensor((0.9, 0.2, 0.1)).view(3, 1, 1)
            now[:, :, max(left - 12, 0) : left] = torch.tensor((0.8, 0.8, 0.2)).view(3, 1, 1)
        means.append(matcher.advance(now, given)(now, True)[:, :, 60:].mean((1, 2)))
        clip.append(given[:, :, 60:].mean((1, 2)))
    means, clip = torch.stack(means), torch.stack(clip)
    still = slice(0, 40), slice(108, 120)
    assert all(float(means[part].diff(dim=0).abs().max()) < 0.1 / 255 for part in still)
    steps = (means[40:95].diff(dim=0).abs() - clip[40:95].diff(dim=0).abs()).clamp_min(0)
    assert float(steps.max()) < 2 / 255


def test_a_fade_to_black_ends_black_and_a_white_flash_is_white():
    matcher = PaletteMatcher()
    stylized, frame = picture(9, (0.6, 0.5, 0.4)), picture(10, (0.5, 0.45, 0.4))
    levels = [1.0] * 30 + [1 - n / 12 for n in range(1, 13)]
    for level in levels:
        moved = matcher.advance(stylized, frame * level)(stylized, True)
    assert float(moved.max()) < 0.02
    matcher = PaletteMatcher()
    for n in range(20):
        given = torch.ones_like(frame) if n == 19 else frame
        moved = matcher.advance(stylized, given)(stylized, True)
    assert float(moved.min()) > 0.98


def test_the_state_is_exact():
    pairs = [(picture(n, (0.5, 0.4, 0.3)), picture(n + 20, (0.3, 0.4, 0.6))) for n in range(6)]
    whole = PaletteMatcher()
    wanted = [whole.advance(*pair)(pair[0], True) for pair in pairs]
    first = PaletteMatcher()
    for pair in pairs[:3]:
        first.advance(*pair)
    again = PaletteMatcher()
    again.restore(first.snapshot())
    for pair, expected in zip(pairs[3:], wanted[3:], strict=True):
        assert torch.equal(again.advance(*pair)(pair[0], True), expected)


def test_keep_has_the_hue_of_the_clip():
    frame, stylized = picture(11, (0.6, 0.4, 0.3), 0.9), picture(12, (0.2, 0.6, 0.7), 0.9)
    kept = Postprocess(colour=KEEP)(stylized, frame)
    (wanted, chroma), (found, _) = hue(frame), hue(kept)
    turned = ((found - wanted + 180) % 360 - 180).abs()
    coloured = chroma > 0.1
    assert coloured.float().mean() > 0.1
    assert float(turned[coloured].mean()) < 2
    # The stylization's own hue is another one.
    other, _ = hue(stylized)
    assert float((((other - wanted + 180) % 360 - 180).abs())[coloured].mean()) > 20


def test_the_default_comes_first():
    assert Postprocess().colour == COLOURS[0] == "style"
