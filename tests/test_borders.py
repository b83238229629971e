"""Which parts of a frame are borders, and how the borders of a shot develop."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from clips import SHARED
from torch import Tensor

from vst.borders import (
    MIN_DEPTH,
    NONE,
    Borders,
    Crop,
    Look,
    ShotBorders,
    follow,
    holds,
    look_at,
    pack,
    unpack,
)
from vst.media import Reader

HEIGHT, WIDTH = 180, 320


def picture(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> Tensor:
    """A picture without flat areas, 3×H×W: smooth shapes with some noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 12, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)[0]
    return (0.15 + 0.7 * smooth + 0.05 * torch.rand(3, height, width, generator=generator)).clamp(0, 1)


def framed(borders: Borders, colour: float = 0.0, seed: int = 0) -> Tensor:
    image = torch.full((3, HEIGHT, WIDTH), colour)
    width, height = borders.size(WIDTH, HEIGHT)
    borders.inside(image).copy_(picture(height, width, seed))
    return image


def coded(image: Tensor, crf: int) -> Tensor:
    """A frame that went through H.264, 4:2:0."""
    pixels = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = image.shape[-1], image.shape[-2], "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as again:
        return (
            torch.from_numpy(next(again.decode(video=0)).to_ndarray(format="rgb24")).permute(2, 0, 1) / 255
        )


BARS = {
    "letterbox": Borders(24, 24, 0, 0),
    "pillarbox": Borders(0, 0, 40, 40),
    "windowbox": Borders(20, 20, 30, 30),
    "narrow windowbox": Borders(16, 16, 120, 120),
    "uneven bars": Borders(10, 36, 0, 0),
    "bars at odd positions": Borders(23, 25, 0, 0),
    "the thinnest bars": Borders(0, 0, MIN_DEPTH, MIN_DEPTH),
}


@pytest.mark.parametrize("borders", BARS.values(), ids=BARS)
@pytest.mark.parametrize("colour", [0.0, 0.5, 1.0], ids=["black", "grey", "white"])
def test_bars_of_one_colour_are_borders(borders, colour):
    assert look_at(framed(borders, colour)) == Look(borders, possible=True)


@pytest.mark.parametrize("crf", [18, 32])
@pytest.mark.parametrize("borders", [Borders(24, 28), Borders(0, 0, 42, 38)], ids=["rows", "columns"])
def test_bars_are_found_exactly_in_compressed_video(borders, crf):
    image = framed(borders)
    assert look_at(coded(image, crf)).borders == borders


def test_noise_in_bars_does_not_hide_them():
    noisy = framed(BARS["letterbox"]) + 0.02 * torch.randn(3, HEIGHT, WIDTH, generator=torch.Generator())
    assert look_at(noisy).borders == BARS["letterbox"]


def night() -> Tensor:
    """Black but for lit windows, a lamp and a street."""
    image = torch.zeros(3, HEIGHT, WIDTH)
    image[:, 60:120, 100:220] = 0.06 * picture(60, 120)
    for x in range(110, 210, 25):
        image[:, 70:80, x : x + 6] = 0.8
    image[:, 30:33, 250:253] = 0.9
    image[:, 120:150] = 0.25 * picture(30, WIDTH) * torch.linspace(0, 1, WIDTH)
    return image


def sky_and_sea() -> Tensor:
    image = picture()
    image[:, :60] = torch.tensor([0.3, 0.5, 0.9])[:, None, None]
    image[:, 120:] = torch.tensor([0.0, 0.2, 0.4])[:, None, None]
    return image


def sky() -> Tensor:
    image = picture()
    image[:, :60] = torch.tensor([0.3, 0.5, 0.9])[:, None, None]
    return image


def cartoon() -> Tensor:
    """A figure on a flat background."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    figure = torch.from_numpy((x - 160) ** 2 / 9 + (y - 90) ** 2 < 60**2 / 4)
    return torch.where(figure, torch.tensor([0.9, 0.6, 0.1])[:, None, None], torch.full((3, 1, 1), 0.7))


def title() -> Tensor:
    """Letters of different heights on black."""
    image = torch.zeros(3, HEIGHT, WIDTH)
    for number, x in enumerate(range(60, 260, 16)):
        image[:, 80 + 3 * (number % 3) : 100 - 2 * (number % 2), x : x + 9] = 1
    return image


def blurred_bars() -> Tensor:
    """A narrow picture before an enlarged and blurred copy of itself."""
    image = F.avg_pool2d(F.pad(picture(seed=3)[None], (20, 20, 20, 20), mode="replicate"), 41, 1)[0]
    image[:, :, 110:210] = picture(HEIGHT, 100)
    return image


def gradient_bars() -> Tensor:
    image = framed(BARS["letterbox"])
    image[:, :24] = image[:, -24:] = torch.linspace(0, 0.3, WIDTH)
    return image


def bars_of_two_colours() -> Tensor:
    image = framed(BARS["letterbox"])
    image[:, :24] = 0.2
    return image


def dark_edges() -> Tensor:
    """Bars of two pixels, as captured tape has."""
    image = picture()
    image[:, :, :2] = image[:, :, -2:] = 0
    return image


NO_BORDERS = [
    night,
    sky,
    sky_and_sea,
    cartoon,
    title,
    blurred_bars,
    gradient_bars,
    bars_of_two_colours,
    dark_edges,
]


@pytest.mark.parametrize("make", [picture, *NO_BORDERS], ids=lambda make: make.__name__)
def test_other_pictures_have_no_borders(make):
    assert look_at(make()).borders == NONE
    assert not look_at(make()).blank


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the clips of ../shared/data")
@pytest.mark.parametrize("name", ["bear", "car", "dancer", "skiing", "cutbunny"])
@pytest.mark.parametrize("darkness", [0.0, 0.2, 0.35, 0.5])
def test_real_clips_have_no_borders_however_dark(name, darkness):
    with Reader(SHARED / "clips" / f"{name}.mp4") as reader:
        for frame, _ in zip(reader, range(3), strict=False):
            dark = ((frame.image - darkness).clamp_min(0) * 204).round() / 255
            assert look_at(dark).borders == NONE


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (8, 8), (15, 16), (16, 16)])
def test_tiny_frames_are_looked_at(size):
    assert look_at(torch.zeros(3, *size)).borders == NONE
    assert look_at(torch.rand(3, *size, generator=torch.Generator().manual_seed(0))).borders == NONE


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_frame_of_one_colour_has_no_borders_and_is_blank(level):
    assert look_at(torch.full((3, HEIGHT, WIDTH), level)) == Look(possible=True, blank=True)


def with_text(image: Tensor, top: int, bottom: int) -> Tensor:
    image = image.clone()
    for x in range(100, 220, 12):
        image[:, top:bottom, x : x + 6] = 0.9
    return image


DEEP = Borders(40, 40, 0, 0)


def test_text_and_logos_in_a_bar_belong_to_it():
    image = with_text(framed(DEEP), 155, 168)
    image[:, 6:18, 10:40] = 0.6
    assert look_at(image).borders == DEEP
    assert holds(image, DEEP)


def test_what_crosses_from_the_picture_into_a_bar_ends_it():
    image = with_text(framed(DEEP), 130, 168)
    assert not holds(image, DEEP)
    assert look_at(image).borders == NONE


def test_a_bar_that_shows_picture_is_none():
    assert holds(framed(DEEP, seed=5), DEEP)
    assert not holds(picture(), DEEP)
    half = framed(DEEP)
    half[:, 140:, :160] = picture(40, 160)
    assert not holds(half, DEEP)


def test_a_bar_that_changes_its_colour_in_a_fade_is_still_one():
    assert holds(framed(DEEP, 1.0) * 0.5, DEEP)


@pytest.mark.parametrize("borders", [Borders(24, 24), Borders(0, 0, 40, 40), Borders(20, 20, 30, 30)])
def test_borders_that_hold_were_possible(borders):
    # The start of a frame range relies on it.
    for image in (
        framed(borders),
        framed(borders) * 0.3,
        torch.zeros(3, HEIGHT, WIDTH),
        picture(),
        night(),
    ):
        assert not holds(image, borders) or look_at(image).possible


def shot(looks: list[Look], still: bool = False) -> list[ShotBorders]:
    found: list[ShotBorders] = []
    for index, look in enumerate(looks):
        found.append(follow(found[-1] if found else None, look, lambda borders: still, index))
    return found


def test_borders_are_decided_at_the_first_frame_and_never_grow():
    wide, thin = Borders(30, 30), Borders(20, 34)
    looks = [Look(wide, True), Look(thin, True), Look(wide, True), Look(), Look(wide, True)]
    assert [each.borders for each in shot(looks)] == [wide, Borders(20, 30), Borders(20, 30), NONE, NONE]
    assert [each.since for each in shot(looks)] == [0, 1, 1, 3, 3]
    assert [each.borders for each in shot([Look(), Look(wide, True)])] == [NONE, NONE]


def test_borders_that_still_hold_stay_whatever_else_a_frame_looks_like():
    wide = Borders(30, 30)
    looks = [Look(wide, True), Look(Borders(28, 30), True), Look(possible=True), Look(wide, True)]
    assert {each.borders for each in shot(looks, still=True)} == {wide}


def test_a_shot_that_begins_blank_decides_when_it_shows_something():
    wide, blank = Borders(30, 30), Look(possible=True, blank=True)
    assert [each.borders for each in shot([blank, blank, Look(wide, True), Look(wide, True)])] == [
        NONE, NONE, wide, wide
    ]  # fmt: skip
    assert [each.borders for each in shot([blank, Look(), Look(wide, True)])] == [NONE, NONE, NONE]


@pytest.mark.parametrize("borders", [None, ShotBorders(Borders(1, 2, 3, 4), True, 7)])
def test_the_borders_of_a_shot_are_saved_exactly(borders):
    assert unpack(pack(borders)) == borders


def test_a_crop_contains_nothing_of_the_borders_at_any_size():
    crop = Crop(Borders(23, 25, 40, 41), WIDTH, HEIGHT)
    mask = torch.ones(1, HEIGHT, WIDTH)
    crop.borders.inside(mask).zero_()
    for height, width in ((180, 320), (90, 160), (67, 119), (361, 641)):
        nearest = F.interpolate(mask[None], (height, width), mode="nearest")[0]
        assert crop.of(nearest).max() == 0


def test_a_dark_picture_with_one_clear_edge_has_the_same_bar_on_the_other_side():
    image = framed(DEEP)
    image[:, 40:60, 70:] = 0
    assert look_at(image).borders == DEEP
