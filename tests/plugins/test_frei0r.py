"""The frei0r filter in real hosts: ffmpeg and melt."""

from __future__ import annotations

import itertools
import shutil
import subprocess
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


def test_strength_and_colour_equal_those_of_a_render(filter_environment, lossless, render_file, pictures):
    expected = render_file(pictures[:3], "itn", strength=0.5, keep_color=True)
    stylized, _ = through_ffmpeg(lossless("clip.mkv", pictures[:3]), "red|itn|0.5|y", filter_environment)
    assert np.abs(stylized.astype(int) - expected).max() <= 1


def test_an_error_is_printed_once_and_the_clip_passes_through(filter_environment, lossless, pictures):
    stylized, err = through_ffmpeg(lossless("clip.mkv", pictures[:3]), "rd|itn", filter_environment)
    assert np.array_equal(stylized, pictures[:3])
    assert err.count("did you mean 'red'") == 1
