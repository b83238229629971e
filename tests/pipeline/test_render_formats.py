"""Renders of image sequences, linear light, HDR, interlaced and transparent input."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from clips import make_clip, pattern
from PIL import Image

from vst.errors import UsageError
from vst.media import Reader
from vst.media.colour.light import KNEE
from vst.media.probe import probe
from vst.pipeline import FlowSettings, follow_motion, render
from vst.pipeline.output_path import output_path

SIZE = (80, 72)


def linear_sequence(folder: Path, numbers=(1, 2, 3), alpha=False) -> Path:
    """An OpenEXR sequence in half float, linear light up to 8 that falls from left to right."""
    folder.mkdir()
    for number in numbers:
        planes = pattern(*SIZE, number, 3) * np.linspace(8, 0.1, SIZE[0])[None, None]
        channels = {name: plane.astype(np.float16) for name, plane in zip("RGB", planes, strict=True)}
        if alpha:
            channels["A"] = np.full(SIZE[::-1], 0.5, np.float16)
            channels |= {name: (channels[name] * 0.5).astype(np.float16) for name in "RGB"}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, channels) as file:
            file.write(str(folder / f"{number:04d}.exr"))
    return folder / "%04d.exr"


def planes_of(path: Path) -> dict[str, np.ndarray]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels.astype(np.float32) for name, channel in file.channels().items()}


def test_strength_0_returns_a_linear_sequence_unchanged(tmp_path, settings):
    source = linear_sequence(tmp_path / "in", (3, 4, 6), alpha=True)
    report = render(source, settings(strength=0, fps=Fraction(24)), tmp_path / "out" / "%04d.exr")
    assert report.frames == 3
    assert sorted(os.listdir(tmp_path / "out")) == ["0003.exr", "0004.exr", "0006.exr"]
    for name in os.listdir(tmp_path / "out"):
        before, after = planes_of(tmp_path / "in" / name), planes_of(tmp_path / "out" / name)
        assert before.keys() == after.keys()
        for channel, plane in before.items():
            assert after[channel] == pytest.approx(plane, rel=2e-3, abs=1e-4)
    assert any("frame 5 is missing" in note for note in report.notes)


def test_a_stylized_linear_sequence_keeps_its_highlights(tmp_path, settings):
    source = linear_sequence(tmp_path / "in")
    render(source, settings(), tmp_path / "out" / "%04d.exr")
    after = planes_of(tmp_path / "out" / "0002.exr")
    before = planes_of(tmp_path / "in" / "0002.exr")
    was, brightest = (np.stack([each[name] for name in "RGB"]).max(0) for each in (before, after))
    assert brightest[:, :20].max() > 1.5
    # Light above the knee is compressed, and what was compressed is brightened again.
    assert brightest[was < KNEE].max() <= 1.001
    assert not np.allclose(after["G"], before["G"], rtol=0.05)


def test_alpha_of_a_linear_sequence_is_kept(tmp_path, settings):
    source = linear_sequence(tmp_path / "in", alpha=True)
    render(source, settings(), tmp_path / "out" / "%04d.exr")
    assert (planes_of(tmp_path / "out" / "0001.exr")["A"] == 0.5).all()


def test_a_linear_sequence_can_be_scaled(tmp_path, settings):
    source = linear_sequence(tmp_path / "in")
    render(source, settings(strength=0, scale=0.5), tmp_path / "out" / "%04d.exr")
    after = planes_of(tmp_path / "out" / "0001.exr")["R"]
    assert after.shape == (36, 40)
    assert after.max() > 3


def test_the_default_output_of_a_sequence_is_a_folder_named_after_the_style(tmp_path, settings):
    source = linear_sequence(tmp_path / "in")
    report = render(source, settings(strength=0))
    assert report.output == tmp_path / "in" / "red" / "%04d.exr"
    assert sorted(os.listdir(tmp_path / "in" / "red")) == ["0001.exr", "0002.exr", "0003.exr"]
    with pytest.raises(UsageError, match=r"no output for \*\.exr: give one with -o, such as out/%04d\.exr"):
        output_path(tmp_path / "in" / "*.exr", settings())


def test_a_sequence_becomes_a_clip_at_the_given_frame_rate(tmp_path, settings):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(4):
        pixels = np.round(pattern(*SIZE, number).transpose(1, 2, 0) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"f.{number}.png")
    render(folder / "f.#.png", settings(fps=Fraction(30)), tmp_path / "o.mp4")
    assert [frame.time for frame in Reader(tmp_path / "o.mp4")] == [Fraction(n, 30) for n in range(4)]


def test_hdr_can_be_stylized_and_kept(tmp_path, settings):
    source = make_clip(tmp_path / "c.mp4", frames=3, width=80, height=72, colour=(9, 9, 16))
    report = render(source, settings(hdr="keep"), tmp_path / "o.mp4")
    info = probe(tmp_path / "o.mp4")
    assert (info.codec, info.bit_depth, info.colour.transfer) == ("hevc", 10, 16)
    assert any("HDR (PQ) is kept" in note for note in report.notes)
    stylized = [frame.image for frame in Reader(info.path, hdr="keep")]
    clip = [frame.image for frame in Reader(source, hdr="keep")]
    assert (stylized[1] - clip[1]).abs().mean() > 0.02


def test_hdr_is_tone_mapped_by_default(tmp_path, settings):
    source = make_clip(tmp_path / "c.mp4", frames=3, width=80, height=72, colour=(9, 9, 18))
    report = render(source, settings(), tmp_path / "o.mp4")
    assert not probe(tmp_path / "o.mp4").colour.is_hdr
    assert any("HDR (HLG) is tone-mapped" in note for note in report.notes)


def test_deinterlacing_fields_doubles_the_frame_rate(tmp_path, settings):
    source = make_clip(tmp_path / "c.mp4", frames=4)
    report = render(source, settings(deinterlace="fields", strength=0), tmp_path / "o.mp4")
    assert report.frames == 8
    assert probe(tmp_path / "o.mp4").average_rate == 50


def test_flow_of_a_sequence_is_recorded_and_used(tmp_path, settings):
    source = linear_sequence(tmp_path / "in")
    follow_motion(source, FlowSettings(flow="dis"), folder=tmp_path / "flow", view=tmp_path / "view.mp4")
    assert len(list(Reader(tmp_path / "view.mp4"))) == 3
    report = render(source, settings(flow=f"file:{tmp_path / 'flow'}"), tmp_path / "out" / "%04d.exr")
    assert report.frames == 3


def test_a_linear_still_is_stylized_in_linear_light(tmp_path, settings):
    linear_sequence(tmp_path / "in", (1,))
    report = render(tmp_path / "in" / "0001.exr", settings(mode="itn"))
    assert report.output.name == "0001.red.exr"
    assert max(plane.max() for plane in planes_of(report.output).values()) > 1.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hdr": "kept"}, "hdr is 'kept': did you mean 'keep'"),
        ({"deinterlace": "field"}, "deinterlace is 'field': did you mean 'fields'"),
        ({"fps": Fraction(0)}, "fps is 0; expected more than 0 and at most 1000"),
        ({"fps": Fraction(5000)}, "fps is 5000"),
    ],
)
def test_invalid_settings_are_refused(settings, options, message):
    with pytest.raises(UsageError, match=message):
        settings(**options)


def test_a_frame_rate_for_a_video_file_is_refused(tmp_path, settings):
    clip = make_clip(tmp_path / "c.mp4", frames=2)
    with pytest.raises(UsageError, match="--fps is for image sequences"):
        render(clip, settings(fps=Fraction(25)), tmp_path / "o.mp4")
