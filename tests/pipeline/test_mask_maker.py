"""Masks that are made for a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vst.errors import MediaError, UsageError
from vst.pipeline.mask_maker import make_mask
from vst.pipeline.mask_settings import Chroma, MaskSettings, parse_chroma, parse_luma, parse_rectangle

WIDTH, HEIGHT, FRAMES = 96, 64, 8


def texture(seed: int, width: int, height: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).random((height // 3, width // 3, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)


BACK, BALL = texture(0, WIDTH + 40, HEIGHT), texture(1, 24, 24)


def frame(n: int) -> np.ndarray:
    """A square that moves to the right by three pixels, before a background that moves by one."""
    picture = BACK[:, n : n + WIDTH].copy()
    picture[20:44, 10 + 3 * n : 34 + 3 * n] = BALL
    return (picture * 255).astype(np.uint8)


def square(n: int) -> torch.Tensor:
    mask = torch.zeros(HEIGHT, WIDTH)
    mask[20:44, 10 + 3 * n : 34 + 3 * n] = 1
    return mask


def overlap(one: torch.Tensor, other: torch.Tensor) -> float:
    """Intersection over union."""
    one, other = one > 0.5, other > 0.5
    return float((one & other).sum() / (one | other).sum().clamp_min(1))


@pytest.fixture
def clip(exact_clip) -> Path:
    return exact_clip("clip.mkv", map(frame, range(FRAMES)))


def test_a_rectangle_is_exact_in_every_frame(clip, tmp_path, images):
    report = make_mask(clip, tmp_path / "m.mkv", MaskSettings(rectangle=(10, 8, 30, 20)))
    made = images(tmp_path / "m.mkv")
    assert made.shape == (FRAMES, 3, HEIGHT, WIDTH)
    assert made[:, :, 8:28, 10:40].min() == 1
    assert made.sum() == FRAMES * 3 * 30 * 20
    assert report.inside == pytest.approx(600 / (WIDTH * HEIGHT))


@pytest.mark.parametrize("name", ["m.mov", "m.mp4"])
def test_other_containers_hold_black_and_white_too(name, clip, tmp_path, images):
    make_mask(clip, tmp_path / name, MaskSettings(rectangle=(10, 8, 30, 20)))
    made = images(tmp_path / name)
    assert made[:, :, 10:26, 12:38].min() > 0.99
    assert made[:, :, 30:].max() < 0.01


def test_luma_and_chroma_select_their_range(exact_clip, tmp_path, images):
    bars = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    bars[:, :32], bars[:, 32:64], bars[:, 64:] = (0, 177, 64), (250, 250, 250), (200, 30, 30)
    source = exact_clip("bars.mkv", [bars])
    make_mask(source, tmp_path / "l.mkv", MaskSettings(luma=(0.8, 1)))
    make_mask(source, tmp_path / "c.mkv", MaskSettings(chroma=parse_chroma("#00b140,0.1")))
    columns = (slice(0, 32), slice(32, 64), slice(64, 96))
    assert [float(images(tmp_path / "l.mkv")[..., each].mean()) for each in columns] == [0, 1, 0]
    assert [float(images(tmp_path / "c.mkv")[..., each].mean()) for each in columns] == [1, 0, 0]


def test_what_moves_against_the_camera_is_inside(clip, tmp_path, images):
    make_mask(clip, tmp_path / "m.mkv", MaskSettings(motion=True, flow="dis"))
    made = images(tmp_path / "m.mkv")[:, 0]
    assert len(made) == FRAMES
    for n in range(FRAMES):
        assert overlap(made[n], square(n)) > 0.6, n


def test_a_mask_of_the_first_frame_is_tracked_up_to_a_cut(exact_clip, tmp_path, images):
    other = (texture(7, WIDTH, HEIGHT)[:, :, ::-1] * 90).astype(np.uint8)
    source = exact_clip("cut.mkv", [*map(frame, range(FRAMES)), *[other] * 4])
    first = tmp_path / "first.png"
    Image.fromarray((square(0).numpy() * 255).astype(np.uint8)).save(first)
    report = make_mask(source, tmp_path / "m.mkv", MaskSettings(first=first, flow="dis"))
    made = images(tmp_path / "m.mkv")[:, 0]
    for n in range(FRAMES):
        assert overlap(made[n], square(n)) > 0.8, n
    assert made[FRAMES:].max() == 0
    assert any(f"empty from frame {FRAMES}f on" in note for note in report.notes)


def test_a_picture_has_a_mask_too(tmp_path):
    Image.fromarray(frame(0)).save(tmp_path / "photo.png")
    make_mask(tmp_path / "photo.png", tmp_path / "m.png", MaskSettings(rectangle=(0, 0, 48, 64)))
    made = np.asarray(Image.open(tmp_path / "m.png").convert("L"))
    assert made[:, :48].min() == 255
    assert made[:, 48:].max() == 0


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "got none; expected one of --luma LOW,HIGH"),
        ({"motion": True, "luma": (0.0, 1.0)}, "got --luma and --motion; expected one of"),
        ({"luma": (0.9, 0.1)}, "expected LOW,HIGH with"),
        ({"chroma": Chroma((0, 1, 0), 2)}, "range of chroma is 2"),
        ({"rectangle": (0, 0, 0, 5)}, "width and height of 1 or more"),
        ({"rectangle": (500, 0, 4, 4)}, "is outside of the 96×64"),
        ({"first": Path("no.png")}, "does not exist: check the path"),
    ],
)
def test_values_that_mean_nothing_are_refused_in_one_line(values, text, clip, tmp_path):
    with pytest.raises((UsageError, MediaError)) as caught:
        make_mask(clip, tmp_path / "m.mkv", MaskSettings(**values))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m.mkv").exists()


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_luma, "1"), (parse_luma, "a,b"), (parse_rectangle, "1,2,3"), (parse_rectangle, "1,2,3,4.5"),
     (parse_chroma, "nocolour,0.1"), (parse_chroma, "#fff"), (parse_chroma, "green,x")],
)  # fmt: skip
def test_text_that_is_no_value_says_what_is(parse, text):
    with pytest.raises(UsageError, match="expected"):
        parse(text)
