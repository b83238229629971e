"""Soft and rough: shares of windows that lost texture, or gained some, beside the per-frame stylization."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vst.evaluate.metrics.texture import WINDOW_AT, texture_shares, window_energy
from vst.evaluate.recorder import BaselineSource, CurveRecorder


@pytest.fixture
def picture():
    return torch.rand(3, WINDOW_AT, 640, generator=torch.Generator().manual_seed(0))


def blurred(image):
    return F.avg_pool2d(F.pad(image[None], (3,) * 4, mode="reflect"), 7, stride=1)[0]


def test_a_picture_beside_itself_is_neither(picture):
    assert texture_shares(picture, picture) == (0, 0)


def test_the_share_of_soft_windows_is_that_of_the_blurred_part(picture):
    smeared = picture.clone()
    smeared[:, :, :160] = blurred(picture)[:, :, :160]
    soft, rough = texture_shares(smeared, picture)
    assert soft == pytest.approx(5 / 20, abs=0.01)  # 160 of 640 pixels
    assert rough == 0


def test_the_share_of_rough_windows_is_that_of_the_noisy_part(picture):
    calm = picture * 0.3 + 0.35
    noisy = calm.clone()
    noisy[:, :96] = picture[:, :96]
    soft, rough = texture_shares(noisy, calm)
    assert soft == 0
    assert rough == pytest.approx(3 / 11, abs=0.01)


def test_windows_without_texture_do_not_count(picture):
    flat = picture.clone()
    flat[:, :, :160] = 0.5
    other = flat.clone()
    other[:, :, :160] = picture[:, :, :160]
    assert texture_shares(other, flat)[1] < 0.05  # only at the edge of the even part


def test_windows_grow_with_the_frame(picture):
    assert window_energy(picture).shape == (11, 20)
    twice = F.interpolate(picture[None], scale_factor=2)[0]
    assert window_energy(twice).shape == (11, 20)
    assert window_energy(picture[:, :16, :24]).shape[0] > 0


def test_an_even_picture_has_no_soft_windows():
    even = torch.full((3, 64, 64), 0.5)
    assert texture_shares(even, even) == (0, 0)


def test_the_recorder_compares_outputs_with_the_per_frame_one(picture):
    recorder = CurveRecorder(["itn", "smeared"], ["dis"], BaselineSource("itn"))
    recorder.step(picture, {"itn": picture, "smeared": blurred(picture)}, {"dis": None}, None, True)
    values = {name: row["dis"].points[0].values for name, row in recorder.rows.items() if "dis" in row}
    assert values["smeared"]["soft"] == 1
    assert "soft" not in values["itn"]
    assert "soft" not in values["input"]
