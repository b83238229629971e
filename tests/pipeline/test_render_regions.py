"""Renders with masks and regions."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vst
from vst.errors import Interrupted, MediaError, UsageError
from vst.media import Reader
from vst.media.pipes import input_stream
from vst.pipeline import render
from vst.pipeline.regions.mask_track import MaskTrack
from vst.pipeline.regions.region import Mask, Region

WIDTH, HEIGHT, FRAMES = 64, 48, 8
BOTH = ("itn", "vtn")


def picture(number: int) -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [(np.sin((x + number) / (5 + k)) + np.cos(y / (4 + k)) + 2) / 4 for k in range(3)]
    return (np.stack(planes, -1) * 200 + 20).astype(np.uint8)


def square(number: int, size: int = 16) -> np.ndarray:
    """A mask: a white square that moves by itself, four pixels a frame."""
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[16 : 16 + size, 4 * number : 4 * number + size] = 255
    return mask


@pytest.fixture
def clip(exact_clip) -> Path:
    return exact_clip("clip.mkv", map(picture, range(FRAMES)))


@pytest.fixture
def moving(exact_clip) -> Path:
    return exact_clip("mask.mkv", map(square, range(FRAMES)))


@pytest.fixture
def still(tmp_path: Path):
    """Writes a mask as a picture."""

    def make(values: np.ndarray, name: str = "mask.png") -> Path:
        Image.fromarray(values.astype(np.uint8)).save(tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def rendered(clip, settings, images, tmp_path):
    """Renders the clip losslessly and gives its frames."""
    names = iter(range(100))

    def make(**options: object) -> torch.Tensor:
        given = {"codec": "ffv1", "mode": "itn", **options}
        output = tmp_path / f"out{next(names)}.mkv"
        render(clip, settings(**given), output)
        return images(output)

    return make


def inside(frames: int = FRAMES) -> torch.Tensor:
    return (
        torch.stack([torch.from_numpy(square(n)[..., :1]) for n in range(frames)]).permute(0, 3, 1, 2) > 0
    )


@pytest.mark.parametrize("mode", BOTH)
def test_outside_of_a_mask_the_clip_is_as_with_strength_0_and_inside_as_without_a_mask(
    mode, rendered, moving
):
    masked, plain, clip = rendered(mode=mode, mask=str(moving)), rendered(mode=mode), rendered(strength=0)
    where = inside().expand_as(masked)
    assert torch.equal(masked[where], plain[where])
    assert torch.equal(masked[~where], clip[~where])


@pytest.mark.parametrize("mode", [*BOTH, "lstm", "reconet"])
@pytest.mark.parametrize("options", [{}, {"outside": "blue"}])
def test_a_mask_of_ones_equals_no_mask(mode, options, rendered, still):
    ones = str(still(np.full((9, 16), 255)))
    assert torch.equal(rendered(mode=mode, mask=ones, **options), rendered(mode=mode))


def test_a_mask_from_a_pipe_is_released(clip, moving, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(moving.read_bytes()))
    writer.start()
    with Reader(clip) as reader:
        track = MaskTrack(Mask(str(pipe)), reader.info)
    assert track.at(3, reader.info.start + 3 * reader.info.frame_duration).mean() > 0
    assert track.at(0, reader.info.start).mean() > 0  # it goes back by opening the pipe again
    track.close()
    writer.join()
    assert not input_stream._open


def test_a_mask_of_zeros_leaves_the_clip_or_gives_it_the_style_outside(rendered, still):
    zeros = str(still(np.zeros((9, 16))))
    assert torch.equal(rendered(mask=zeros), rendered(strength=0))
    assert torch.equal(rendered(mask=zeros, outside="blue"), rendered(style="blue"))
    assert torch.equal(rendered(mask=f"{zeros},invert"), rendered())


@pytest.mark.parametrize("mode", [*BOTH, "lstm", "reconet"])
@pytest.mark.parametrize("options", [{}, {"look_ahead": "0"}, {"keyframe_interval": 3}, {"steadiness": 0}])
def test_each_region_is_that_of_its_style_alone_wherever_its_mask_goes(mode, options, rendered, moving):
    if mode == "lstm" and "keyframe_interval" in options:
        pytest.skip("lstm sees every frame")
    given = {"mode": mode, **options}
    both = rendered(**given, style="blue", regions=[f"{moving}=red"])
    red, blue, where = rendered(**given), rendered(**given, style="blue"), inside()
    assert torch.equal(both, torch.where(where, red, blue))
    assert not torch.equal(red, blue)


def test_three_styles_and_the_clip_itself_each_have_their_place(rendered, still):
    regions = []
    for number, style in enumerate(("blue", "red:0.5+blue:0.5", "none")):
        mask = np.zeros((HEIGHT, WIDTH))
        mask[:, 16 * number + 16 : 16 * number + 32] = 255
        regions.append(f"{still(mask, f'{number}.png')}={style}")
    got = rendered(mode="vtn", regions=regions, elsewhere="red")
    for number, options in enumerate(
        ({}, {"style": "blue"}, {"style": "red:0.5+blue:0.5"}, {"strength": 0})
    ):
        columns = slice(16 * number, 16 * number + 16)
        assert torch.equal(got[..., columns], rendered(mode="vtn", **options)[..., columns]), number


def test_a_soft_mask_mixes_two_styles_in_its_shares(rendered, still):
    grey = str(still(np.full((4, 4), 64)))
    mixed = rendered(mode="vtn", style="blue", regions=[f"{grey}=red"])
    expected = torch.lerp(rendered(mode="vtn", style="blue"), rendered(mode="vtn"), 64 / 255)
    assert (mixed - expected).abs().max() < 2 / 255


def test_a_later_region_lies_over_an_earlier_one_and_none_leaves_the_clip(rendered, still):
    left = np.zeros((HEIGHT, WIDTH))
    left[:, : WIDTH // 2] = 255
    regions = [f"{still(np.full((4, 4), 255), 'all.png')}=blue", f"{still(left, 'left.png')}=none"]
    got, clip, blue = rendered(regions=regions), rendered(strength=0), rendered(style="blue")
    half = WIDTH // 2
    assert torch.equal(got[..., :half], clip[..., :half])
    assert torch.equal(got[..., half:], blue[..., half:])


def test_a_soft_mask_mixes(rendered, still):
    mixed = rendered(mask=str(still(np.full((4, 4), 128))))
    half = torch.lerp(rendered(strength=0), rendered(), 128 / 255)
    assert (mixed - half).abs().max() < 2 / 255


def test_a_feathered_edge_is_soft_and_the_rest_is_not_touched(rendered, still):
    left = np.zeros((HEIGHT, WIDTH))
    left[:, : WIDTH // 2] = 255
    soft = rendered(mask=Mask(still(left), feather=8))
    plain, clip = rendered(), rendered(strength=0)
    assert torch.equal(soft[..., :16], plain[..., :16])
    assert torch.equal(soft[..., -16:], clip[..., -16:])
    edge = (soft - clip).abs()[..., 26:38].mean(dim=(0, 1, 2)) / (plain - clip).abs()[..., 26:38].mean(
        dim=(0, 1, 2)
    )
    assert 0.2 < edge[6] < 0.8


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("keyframes", [{}, {"look_ahead": "0"}])
def test_a_range_gives_the_frames_of_the_whole_clip(mode, keyframes, rendered, moving):
    options = {"mode": mode, "style": "blue", "regions": [f"{moving}=red"], **keyframes}
    whole = rendered(**options)
    assert torch.equal(rendered(start="3f", frames=3, **options), whole[3:6])


def test_a_mask_at_another_rate_with_the_same_duration_is_matched_by_time(
    rendered, exact_clip, clip, still
):
    half = exact_clip("half.mkv", (square(2 * n) for n in range(FRAMES // 2)), rate=25 // 2)
    with Reader(half) as reader, Reader(clip) as other:
        assert abs(reader.info.duration - other.info.duration) <= Fraction(1, 12)
    masked, plain, outside = rendered(mask=str(half)), rendered(), rendered(strength=0)
    for n, shown in ((0, 0), (2, 0), (3, 2), (7, 6)):
        where = torch.from_numpy(square(shown)[..., 0] > 0).expand(3, HEIGHT, WIDTH)
        assert torch.equal(masked[n][where], plain[n][where])
        assert torch.equal(masked[n][~where], outside[n][~where])


def test_a_sequence_is_a_mask(rendered, still, tmp_path, moving):
    for n in range(FRAMES):
        still(square(n), f"m{n:04d}.png")
    assert torch.equal(rendered(mask=str(tmp_path / "m%04d.png")), rendered(mask=str(moving)))


@pytest.mark.parametrize("channel", [None, "alpha"])
def test_the_alpha_of_a_cut_out_is_its_mask(channel, rendered, still):
    cut = np.zeros((HEIGHT, WIDTH, 4))
    cut[:, : WIDTH // 2, 3] = 255
    given = rendered(mask=Mask(still(cut), channel=channel))
    white = np.zeros((HEIGHT, WIDTH))
    white[:, : WIDTH // 2] = 255
    assert torch.equal(given, rendered(mask=str(still(white, "white.png"))))


def test_the_clip_s_own_alpha_is_a_mask(settings, still, tmp_path):
    rgba = np.dstack((picture(0), square(3)[..., :1]))
    source = still(rgba, "photo.png")
    for name, options in {"m": {"mask": "alpha"}, "p": {}, "c": {"strength": 0}}.items():
        render(source, settings(mode="itn", **options), tmp_path / f"{name}.png")
    masked, plain, clip = (
        np.asarray(Image.open(tmp_path / f"{name}.png").convert("RGB")).astype(int) for name in "mpc"
    )
    where = square(3) > 0
    assert (masked[where] == plain[where]).all()
    assert (masked[~where] == clip[~where]).all()


@pytest.mark.parametrize("mode", BOTH)
def test_a_region_has_strokes_of_its_own_size(mode, rendered, moving, still):
    plain = rendered(mode=mode)
    ones = str(still(np.full((4, 4), 255)))
    coarse = rendered(mode=mode, regions=[f"{ones}=red,style-scale=5"])
    scaled = rendered(mode=mode, style_scale=5)
    # Motion is followed at the size of the whole render, so vtn has other frames between its keyframes.
    allowed = 0 if mode == "itn" else 0.5 * (plain - scaled).abs().mean()
    assert (coarse - scaled).abs().mean() <= allowed
    assert (coarse - plain).abs().mean() > 0.01
    both = rendered(mode=mode, regions=[Region(moving, style="red", style_scale=5)])
    far = torch.nn.functional.max_pool2d(inside().float(), 9, 1, 4).expand_as(both) == 0
    assert torch.allclose(both[0][far[0]], plain[0][far[0]], atol=2 / 255)
    assert (both - plain)[inside().expand_as(both)].abs().mean() > 0.01


def test_bars_are_kept_and_masks_lie_on_the_whole_frame(exact_clip, settings, images, tmp_path, moving):
    def barred(n: int) -> np.ndarray:
        frame = picture(n)
        frame[:8] = frame[-8:] = 0
        return frame

    source = exact_clip("bars.mkv", map(barred, range(FRAMES)))
    found = {}
    for name, options in {
        "m": {"style": "blue", "regions": [f"{moving}=red"], "elsewhere": "none"},
        "b": {"style": "blue", "regions": [f"{moving}=red"]},
        "c": {"strength": 0},
        "p": {},
    }.items():
        render(source, settings(mode="itn", codec="ffv1", **options), tmp_path / f"{name}.mkv")
        found[name] = images(tmp_path / f"{name}.mkv")
    where = inside().expand_as(found["m"])
    assert torch.equal(found["m"][where], found["p"][where])
    assert torch.equal(found["m"][~where], found["c"][~where])
    assert torch.equal(found["b"][..., :8, :], found["c"][..., :8, :])
    assert (found["b"] - found["m"])[~where].abs().mean() > 0.01


def test_a_resumed_render_gives_the_same_frames_and_another_mask_is_refused(
    clip, settings, moving, tmp_path, monkeypatch
):
    monkeypatch.setattr("vst.pipeline.job.MAX_SEGMENT_FRAMES", 3)
    given = settings(codec="ffv1", mode="vtn", style="blue", regions=[f"{moving}=red"], keyframe_interval=4)
    whole = render(clip, given, tmp_path / "whole.mkv")
    stop = threading.Event()
    output = tmp_path / "out.mkv"
    with pytest.raises(Interrupted):
        render(
            clip, given, output, stop=stop, progress=lambda each: stop.set() if each.frame == 4 else None
        )
    content, times = moving.read_bytes(), moving.stat()
    moving.write_bytes(content + b"\0")
    with pytest.raises(UsageError, match="the masks have changed"):
        render(clip, given, output)
    moving.write_bytes(content)
    os.utime(moving, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(UsageError, match=r"--region was .*=red.* and is .*=red,invert"):
        render(clip, replace(given, regions=[f"{moving}=red,invert"]), output)
    again = render(clip, given, output)
    assert again.resumed == 3
    assert again.output.read_bytes() == whole.output.read_bytes()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"outside": "blue"}, "there is no mask; give --mask FILE too"),
        ({"elsewhere": "blue"}, "there is no region; give --region FILE=STYLE too"),
        ({"mask": "m.png", "elsewhere": "blue"}, "--outside says what is outside of a mask"),
        ({"mask": "m.png,feather=a"}, "expected a number after feather="),
        ({"mask": "m.png,soft"}, "has 'soft'"),
        ({"mask": ""}, "expected FILE"),
        ({"regions": ["m.png"]}, "expected FILE=STYLE"),
        ({"regions": ["m.png=red,fether=2"]}, "did you mean 'feather'"),
        ({"regions": ["m.png=red,style-scale=99"]}, "expected 0.1 to 10"),
        ({"regions": ["m.png=none"], "elsewhere": "none"}, "nothing is stylized"),
        ({"regions": ["m.png=rad"]}, "did you mean 'red'"),
        ({"regions": ["m.png=0s:red 5s:blue"]}, "expected one style or blend"),
        ({"mask": "m.png", "outside": "time.json"}, "expected one style or blend"),
        ({"style": "0s:red 1s:blue", "regions": ["m.png=red"]}, "styles change over time"),
    ],
)
def test_options_that_mean_nothing_are_refused_in_one_line(options, text, clip, settings, tmp_path):
    with pytest.raises(UsageError) as caught:
        render(clip, settings(mode="itn", **options), tmp_path / "out.mkv")
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_mask_are_refused_in_one_line(clip, settings, tmp_path, exact_clip, still):
    text = tmp_path / "mask.txt"
    text.write_text("white")
    short = exact_clip("short.mkv", map(square, range(3)))
    for mask, expected in {
        str(tmp_path / "no.png"): f"the mask {tmp_path / 'no.png'} does not exist",
        str(text): "expected a picture, a clip, or the pattern",
        str(
            short
        ): "has 3 frames (0.12 s) and clip.mkv has 8 frames (0.32 s); expected a picture, or a clip",
        "alpha": "is the alpha of clip.mkv, which has none",
        f"{still(np.zeros((4, 4)))},channel=alpha": "has no alpha",
    }.items():
        with pytest.raises(MediaError) as caught:
            render(clip, settings(mode="itn", mask=mask), tmp_path / "out.mkv")
        assert expected in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out.mkv").exists()


def test_a_mask_of_another_shape_is_stretched_with_a_note(clip, settings, tmp_path, still):
    mask = still(np.full((10, 100), 255))
    report = render(clip, settings(mode="itn", mask=str(mask)), tmp_path / "out.mkv")
    assert any("mask.png is 100×10 and is stretched to the 64×48" in note for note in report.notes)


def test_the_library_has_typed_values():
    assert vst.Region("sky.png", style="wave") == vst.Region("sky.png", style="wave")
    given = vst.RenderSettings(style="red", regions=[vst.Region("sky.png", style="wave", feather=2)])
    assert given.regions == (Region("sky.png", style="wave", feather=2),)
    assert vst.RenderSettings(style="red", mask=vst.Mask("m.png", invert=True)).mask.invert
