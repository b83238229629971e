"""The frei0r filter in real hosts: ffmpeg and melt."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.host.conftest import pan_with_disc
from tests.plugins.conftest import decoded

PROFILE = """description=test
frame_rate_num=25
frame_rate_den=1
width=64
height=48
progressive=1
sample_aspect_num=1
sample_aspect_den=1
display_aspect_num=4
display_aspect_den=3
colorspace=709
"""


@pytest.fixture
def render_file(render_file):
    """As hosts of frei0r give no later frames."""
    return partial(render_file, look_ahead="0")


@pytest.fixture
def filter_environment(environment, built, tmp_path):
    folder = tmp_path / "frei0r"
    folder.mkdir()
    shutil.copy(built.frei0r, folder)
    return {
        **environment,
        "FREI0R_PATH": str(folder),
        "SDL_AUDIODRIVER": "dummy",
        "QT_QPA_PLATFORM": "offscreen",
    }


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run(command: list[object], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def ffmpeg_with_frei0r() -> str:
    ffmpeg = program("ffmpeg")
    if "--enable-frei0r" not in subprocess.run([ffmpeg, "-version"], capture_output=True, text=True).stdout:
        pytest.skip("this ffmpeg was built without frei0r")
    return ffmpeg


def through_ffmpeg(
    clip: Path, parameters: str, environment: dict[str, str], before: str = "format=rgba"
) -> tuple[np.ndarray, str]:
    out = clip.with_name("ffmpeg.mkv")
    graph = f"{before},frei0r=filter_name=vst_frei0r:filter_params={parameters}"
    command = [ffmpeg_with_frei0r(), "-y", "-loglevel", "warning", "-i", clip, "-vf", graph]
    err = run([*command, "-c:v", "ffv1", "-pix_fmt", "bgr0", out], environment)
    return decoded(out), err


@pytest.mark.parametrize("mode", ["vtn", "itn"])
def test_frames_of_ffmpeg_equal_those_of_a_render(
    filter_environment, lossless, render_file, pictures, mode
):
    expected = render_file(pictures, mode)
    stylized, _ = through_ffmpeg(lossless("clip.mkv", pictures), f"red|{mode}", filter_environment)
    assert stylized.shape == expected.shape
    assert np.abs(stylized.astype(int) - expected).max() <= 1


def test_frames_with_padded_lines_equal_those_of_a_render(filter_environment, lossless, render_file):
    # ffmpeg 5 pads their lines, and gives AV_NOPTS_VALUE as the time of most of them.
    widths = (854, 1366, 336, 328, 100, 50, 63, 16)
    modes = ("itn", "vtn")
    command: list[object] = [ffmpeg_with_frei0r(), "-y", "-loglevel", "warning"]
    clips = {width: np.stack([pan_with_disc(n / 4, width, 32) for n in range(4)]) for width in widths}
    files = {width: lossless(f"{width}.mkv", clip) for width, clip in clips.items()}
    for file in files.values():
        command += ["-i", file]
    outputs = {}
    for number, (width, mode) in enumerate(itertools.product(widths, modes)):
        outputs[width, mode] = out = files[width].with_suffix(f".{mode}.mkv")
        graph = f"format=rgba,frei0r=filter_name=vst_frei0r:filter_params=red|{mode}"
        command += ["-map", f"{number // len(modes)}:v", "-vf", graph]
        command += ["-c:v", "ffv1", "-pix_fmt", "bgr0", out]
    assert run(command, filter_environment) == ""
    worst = {}
    for (width, mode), out in outputs.items():
        expected = render_file(clips[width], mode)
        worst[width, mode] = int(np.abs(decoded(out).astype(int) - expected).max())
    assert max(worst.values()) <= 1, worst


def test_frames_of_melt_equal_those_of_a_render(
    filter_environment, lossless, render_file, pictures, tmp_path
):
    melt = program("melt")
    (tmp_path / "profile").write_text(PROFILE)
    out = tmp_path / "melt.mkv"
    clip = lossless("clip.mkv", pictures)
    effect = ["-filter", "frei0r.vst_frei0r", "style=red", "mode=vtn"]
    consumer = ["-consumer", f"avformat:{out}", "vcodec=ffv1", "pix_fmt=bgr0", "an=1", "real_time=-1"]
    run([melt, "-profile", tmp_path / "profile", clip, *effect, *consumer], filter_environment)
    stylized, expected = decoded(out), render_file(pictures, "vtn")
    assert stylized.shape == expected.shape
    assert np.abs(stylized.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_borders_equal_those_of_a_render(filter_environment, lossless, render_file, pictures, mode):
    framed = np.pad(pictures[:6], ((0, 0), (8, 8), (0, 0), (0, 0)))
    expected = render_file(framed, mode)
    stylized, _ = through_ffmpeg(lossless("clip.mkv", framed), f"red|{mode}", filter_environment)
    assert np.abs(stylized.astype(int) - expected).max() <= 1
    assert not stylized[:, :8].any()
    assert not stylized[:, -8:].any()
    painted, _ = through_ffmpeg(
        lossless("clip.mkv", framed[:1]), f"red|{mode}|1|n|0|cpu||0|n", filter_environment
    )
    assert painted[:, :8].any()


def test_keyframes_equal_those_of_a_render(filter_environment, lossless, render_file, pictures):
    expected = render_file(pictures[:6], "vtn", keyframe_interval=3)
    clip = lossless("clip.mkv", pictures[:6])
    stylized, err = through_ffmpeg(clip, "red|vtn|1|n|0|cpu||0|y|0.1875", filter_environment)
    assert np.abs(stylized.astype(int) - expected).max() <= 1
    assert err == ""
    _, err = through_ffmpeg(clip, "red|vtn|1|n|0|cpu||0|y|-1", filter_environment)
    assert "keyframe_interval is -1; expected 0.0625 to 1, or 0" in err


def test_strength_and_colour_equal_those_of_a_render(filter_environment, lossless, render_file, pictures):
    expected = render_file(pictures[:3], "itn", strength=0.5, keep_color=True)
    stylized, _ = through_ffmpeg(lossless("clip.mkv", pictures[:3]), "red|itn|0.5|y", filter_environment)
    assert np.abs(stylized.astype(int) - expected).max() <= 1


def test_an_error_is_printed_once_and_the_frames_that_pass_through_are_counted(
    filter_environment, lossless, pictures
):
    stylized, err = through_ffmpeg(lossless("clip.mkv", pictures[:3]), "rd|itn", filter_environment)
    assert np.array_equal(stylized, pictures[:3])
    assert err.count("did you mean 'red'") == 1
    assert err.count("3 of 3 frames passed through without being stylized") == 1
    assert len(err.splitlines()) == 2
    assert "--" not in err


@pytest.mark.parametrize("value", ["nan", "-inf"])
def test_a_strength_that_is_no_number_is_refused(filter_environment, lossless, pictures, value):
    stylized, err = through_ffmpeg(
        lossless("clip.mkv", pictures[:2]), f"red|itn|{value}", filter_environment
    )
    assert np.array_equal(stylized, pictures[:2])
    assert "strength is not a number; set it to one between 0 and 1" in err


def test_a_number_out_of_range_has_the_scale_of_the_parameter(filter_environment, lossless, pictures):
    _, err = through_ffmpeg(lossless("clip.mkv", pictures[:1]), "red|itn|1|n|0.001", filter_environment)
    assert "style_scale is 0.001; expected 0.01 to 1, or 0" in err


def test_a_blend_is_written_with_two_backslashes_before_each_colon(
    filter_environment, lossless, render_file, pictures
):
    # No shell reads this: the graph's parser and the filter's parser take one backslash each.
    blend = r"red\\:0.6+blue\\:0.4"
    stylized, err = through_ffmpeg(lossless("clip.mkv", pictures[:1]), f"{blend}|itn", filter_environment)
    assert err == ""
    expected = render_file(pictures[:1], "itn", style="red:0.6+blue:0.4")
    assert np.abs(stylized.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("offset", ["1764288000", "2147484"])
def test_the_times_of_a_clock_are_no_trouble(filter_environment, lossless, render_file, pictures, offset):
    # In milliseconds they do not fit 32 bits.
    expected = render_file(pictures[:5], "vtn")
    stylized, err = through_ffmpeg(
        lossless("clip.mkv", pictures[:5]),
        "red|vtn",
        filter_environment,
        f"settb=1/1000,setpts=PTS+{offset}/TB,format=rgba",
    )
    assert err == ""
    assert np.abs(stylized.astype(int) - expected).max() <= 1


HOST = """
import ctypes, json, sys
import numpy as np
library, source, target = ctypes.CDLL(sys.argv[1]), np.load(sys.argv[2]), sys.argv[3]
times, stride = [float(each) for each in json.loads(sys.argv[4])], int(sys.argv[5])
library.f0r_construct.restype = ctypes.c_void_p
for name in ("f0r_destruct", "f0r_set_param_value", "f0r_update"):
    getattr(library, name).restype = None
library.f0r_init()
count, height, width = source.shape[:3]
instance = ctypes.c_void_p(library.f0r_construct(width, height))
for number, text in ((0, b"red"), (1, sys.argv[6].encode())):
    library.f0r_set_param_value(instance, ctypes.byref(ctypes.c_char_p(text)), number)
out = np.zeros((count, height, stride, 4), np.uint8)
for number, time in enumerate(times):
    padded = np.zeros((height, stride, 4), np.uint8)
    padded[:, :width] = source[number]
    before = out[number].copy()
    args = (padded.ctypes.data_as(ctypes.c_void_p), out[number].ctypes.data_as(ctypes.c_void_p))
    library.f0r_update(instance, ctypes.c_double(time), *args)
    assert (out[number, :, width:] == 0).all(), "padding was written"
np.save(target, out[:, :, :width])
library.f0r_destruct(instance)
library.f0r_deinit()
"""


@pytest.fixture
def through_filter(filter_environment, tmp_path):
    """Frames of a host that gives any times, and lines of any length in pixels."""

    def stylize(pictures, times, mode="vtn", stride=None) -> tuple[np.ndarray, str]:
        source, target = tmp_path / "source.npy", tmp_path / "target.npy"
        opaque = np.full((*pictures.shape[:3], 1), 255, np.uint8)
        np.save(source, np.concatenate([pictures, opaque], -1))
        library = Path(filter_environment["FREI0R_PATH"]) / "vst_frei0r.so"
        texts = json.dumps([str(each) for each in times])
        err = run(
            [sys.executable, "-c", HOST, library, source, target, texts, stride or pictures.shape[2], mode],
            filter_environment,
        )
        return np.load(target)[..., :3], err

    return stylize


NOPTS = -(2.0**63)


@pytest.mark.parametrize(
    "times",
    [
        [NOPTS] * 5,
        [NOPTS / 25 * 1000] * 5,
        [NOPTS * 1e-9] * 5,
        [math.nan] * 5,
        [math.inf, -math.inf, math.nan, 1e300, NOPTS],
        [0, 40, NOPTS, 120, math.nan],
        [1.764e12 + 40 * number for number in range(5)],
        [1.764e9 + 0.04 * number for number in range(5)],
    ],
    ids=str,
)
def test_a_time_that_makes_no_sense_becomes_a_counter(through_filter, render_file, pictures, times):
    expected = render_file(pictures[:5], "vtn")
    stylized, err = through_filter(pictures[:5], times)
    assert err == ""
    assert np.abs(stylized.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("width", "stride"), [(50, 64), (50, 52), (50, 50), (63, 64), (61, 61), (5, 16)])
def test_padding_of_zeros_is_found_in_any_host(through_filter, render_file, width, stride):
    pictures = np.stack([pan_with_disc(number / 4, width, 24) for number in range(2)])
    expected = render_file(pictures, "itn")
    stylized, _ = through_filter(pictures, [0, 40], "itn", stride)
    assert np.abs(stylized.astype(int) - expected).max() <= 1
