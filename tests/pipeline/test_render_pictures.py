"""Renders of animated pictures, overscan and log sequences: from file to file."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import OpenEXR
import pytest
import torch
from clips import make_clip, pattern
from PIL import Image

from vst.batch.find import find_files
from vst.errors import Interrupted, UsageError
from vst.media.probe import probe
from vst.media.stills.animation import animation_of
from vst.media.stills.coded_picture import encode_coded
from vst.media.stills.exr import probe_exr
from vst.media.stills.read import read_still
from vst.pipeline import follow_motion, render
from vst.pipeline.output_path import output_path


def animation(path, count=6, delays=(100, 20, 70, 250, 40, 330), **options):
    frames = [
        Image.fromarray(np.round(pattern(48, 32, n).transpose(1, 2, 0) * 255).astype(np.uint8))
        for n in range(count)
    ]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=list(delays)[:count], **options)
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_is_rendered_to_its_own_format(tmp_path, settings, name):
    source = animation(tmp_path / name, loop=2)
    report = render(source, settings())
    assert report.output.suffix == source.suffix
    assert report.frames == 6
    before, after = animation_of(source), animation_of(report.output)
    assert (after.delays, after.plays) == (before.delays, before.plays)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.avif", "a.png"])
def test_a_picture_of_one_frame_stays_a_picture(tmp_path, settings, name):
    Image.new("RGB", (32, 24), (90, 30, 200)).save(tmp_path / name)
    report = render(tmp_path / name, settings())
    assert report.output.suffix == f".{name.split('.')[1]}"
    assert probe(report.output).is_still


def test_default_names_of_formats_that_cannot_be_written(tmp_path, settings):
    frames = [Image.new("RGB", (32, 24), (n, 0, 0)) for n in (0, 90, 200)]
    frames[0].save(tmp_path / "a.avif", save_all=True, append_images=frames[1:], duration=100)
    assert output_path(tmp_path / "a.avif", settings()).suffix == ".mkv"
    for name in ("p.heic", "p.ppm", "p.j2k", "p.bmp"):
        assert output_path(tmp_path / name, settings()).suffix == ".png"
    (tmp_path / "out").mkdir()
    (found,) = find_files(tmp_path, tmp_path / "out").files
    assert found.output.suffix == ".mkv"


def test_a_stopped_animation_is_resumed_to_the_same_file(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("vst.pipeline.job.MAX_SEGMENT_FRAMES", 4)
    clip = make_clip(tmp_path / "c.mp4", frames=12)
    render(clip, settings(strength=0), tmp_path / "whole.gif")
    stop = threading.Event()

    def after_some(progress):
        if progress.frame >= 5:
            stop.set()

    with pytest.raises(Interrupted):
        render(clip, settings(strength=0), tmp_path / "o.gif", progress=after_some, stop=stop)
    assert not (tmp_path / "o.gif").exists()
    report = render(clip, settings(strength=0), tmp_path / "o.gif")
    assert report.resumed > 0
    assert (tmp_path / "o.gif").read_bytes() == (tmp_path / "whole.gif").read_bytes()


def test_a_part_of_an_animation_is_rendered(tmp_path, settings):
    source = animation(tmp_path / "a.gif")
    report = render(source, settings(start="2f", frames=3), tmp_path / "o.gif")
    assert report.frames == 3
    assert animation_of(report.output).delays == animation_of(source).delays[2:5]


def test_motion_is_drawn_into_an_animation(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=4)
    follow_motion(clip, view=tmp_path / "v.gif")
    assert len(animation_of(tmp_path / "v.gif").delays) >= 3
    with pytest.raises(UsageError, match=r"--view takes a video such as v\.mp4, or v\.gif"):
        follow_motion(clip, view=tmp_path / "v.png")


def test_overscan_is_stylized_and_written(tmp_path, settings):
    stored = pattern(56, 40, 1)
    planes = {name: plane.astype(np.float16) for name, plane in zip("RGB", stored, strict=True)}
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "dataWindow": (np.array([-4, -4], "i4"), np.array([51, 35], "i4")),
        "displayWindow": (np.array([0, 0], "i4"), np.array([47, 31], "i4")),
    }
    with OpenEXR.File(header, planes) as file:
        file.write(str(tmp_path / "p.exr"))
    report = render(tmp_path / "p.exr", settings(), tmp_path / "o.exr")
    assert probe_exr(report.output).windows == probe_exr(tmp_path / "p.exr").windows
    with OpenEXR.File(str(report.output), separate_channels=True) as file:
        border = file.channels()["G"].pixels[:4]
    assert np.abs(border.astype(float) - stored[1, :4]).mean() > 0.02
    assert any("stylized with their overscan, 56×40" in note for note in report.notes)
    report = render(tmp_path / "p.exr", settings(), tmp_path / "o.png")
    assert Image.open(report.output).size == (48, 32)


@pytest.mark.parametrize("curve", ["cineon", "slog3", "logc3", "acescct"])
def test_strength_0_returns_a_log_sequence_code_for_code(tmp_path, settings, curve):
    (tmp_path / "in").mkdir()
    for number in (1, 2, 3):
        image = torch.from_numpy(pattern(48, 32, number)).float() * 0.9
        (tmp_path / "in" / f"{number:04d}.dpx").write_bytes(encode_coded("dpx", image, None, 10))
    options = settings(strength=0, input_color=curve, fps=Fraction(24))
    render(tmp_path / "in" / "%04d.dpx", options, tmp_path / "out" / "%04d.dpx")
    for number in (1, 2, 3):
        before, after = (read_still(tmp_path / each / f"{number:04d}.dpx") for each in ("in", "out"))
        assert torch.equal(before.image, after.image)


def test_a_log_sequence_is_stylized_as_it_would_be_shown(tmp_path, settings):
    (tmp_path / "in").mkdir()
    image = torch.from_numpy(pattern(48, 32, 1)).float() * 0.6
    (tmp_path / "in" / "0001.dpx").write_bytes(encode_coded("dpx", image, None, 10))
    shown = {}
    for curve in ("auto", "slog3"):
        target = tmp_path / curve / "%04d.png"
        render(tmp_path / "in" / "%04d.dpx", settings(strength=0, input_color=curve), target)
        shown[curve] = read_still(tmp_path / curve / "0001.png").image
    # Log code values are flat: decoded, the darks are darker and the contrast is larger.
    assert shown["slog3"].std() > shown["auto"].std()
    with pytest.raises(UsageError, match="--input-colour is for pictures and image sequences"):
        render(make_clip(tmp_path / "c.mp4"), settings(strength=0, input_color="slog3"))
