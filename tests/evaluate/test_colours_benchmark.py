"""The benchmark of colours gives what is known of colours that were made for it."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from vst.errors import UsageError
from vst.frame import Frame


def flat(*colour: float) -> torch.Tensor:
    return torch.tensor(colour).view(3, 1, 1).expand(3, 4, 4).contiguous()


def test_hue_is_compared_where_the_clip_has_one():
    from benchmarks.colours import hue_error

    frame = torch.cat((flat(0.8, 0.2, 0.2), flat(0.5, 0.5, 0.5)), 2)
    turned = torch.cat((flat(0.8, 0.2, 0.2), flat(0.1, 0.9, 0.1)), 2)
    found = hue_error([frame], [turned])
    assert (found.mean, found.share) == (pytest.approx(0, abs=1e-3), 0.5)
    opposite = hue_error([flat(0.8, 0.2, 0.2)], [flat(0.2, 0.8, 0.8)])
    assert opposite.mean == pytest.approx(180, abs=0.1)
    with pytest.raises(UsageError, match="no pixel has a chroma above"):
        hue_error([flat(0.5, 0.5, 0.5)], [flat(0.8, 0.2, 0.2)])


def test_pumping_is_what_the_output_changes_beyond_the_clip():
    from benchmarks.colours import pumping

    clip = [torch.tensor([0.2, 0.3, 0.4]) + 0.01 * t for t in range(5)]
    same = pumping(clip, [each + 0.1 for each in clip])
    assert same.beyond == pytest.approx(0, abs=1e-3)
    assert same.apart == pytest.approx(0, abs=1e-3)
    jumps = [each.clone() for each in clip]
    jumps[3][1] += 10 / 255
    found = pumping(clip, jumps)
    assert (found.apart, found.step) == (pytest.approx(10, abs=1e-3), pytest.approx(10, abs=1e-3))
    assert found.clip == pytest.approx(0.04 * 255, abs=1e-3)
    assert found.beyond == pytest.approx(10 - 0.01 * 255, abs=1e-3)


def test_a_clip_is_played_forwards_and_backwards():
    from benchmarks.colours import there_and_back

    frames = [Frame(t, Fraction(t, 25), Fraction(1, 25), flat(t / 10, 0, 0)) for t in range(3)]
    found = there_and_back(frames, 7)
    assert [round(10 * float(each.image[0, 0, 0])) for each in found] == [0, 1, 2, 1, 0, 1, 2]
    assert [each.time for each in found] == [Fraction(t, 25) for t in range(7)]
