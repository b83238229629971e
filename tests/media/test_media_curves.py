"""The curves of --input-colour: published values, and the way from samples to light and back."""

from __future__ import annotations

import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image

from vst.errors import UsageError
from vst.media import Reader, open_writer
from vst.media.colour.curves import CURVES, decoded
from vst.media.stills.coded_picture import encode_coded
from vst.media.stills.read import read_still
from vst.pipeline.option_groups.clip import INPUT_COLORS

PUBLISHED = [
    # Academy S-2016-001, section 4.4 and its table of values.
    ("acescct", 0.18, 0.4135884),
    ("acescct", 0.0, 0.0729055341958355),
    ("acescct", 0.0078125, 0.155251141552511),
    ("acescct", 1.0, 9.72 / 17.52),
    ("acescct", 65504.0, 1.4679964),
    # Sony's technical summary: 0 % is code 95, 18 % code 420, 90 % code 598.
    ("slog3", 0.0, 95 / 1023),
    ("slog3", 0.01125, 171.2102946929 / 1023),
    ("slog3", 0.18, 0.4105571850),
    ("slog3", 0.9, 598 / 1023),
    # ARRI's table of LogC3 at EI 800.
    ("logc3", 0.0, 0.092809),
    ("logc3", 0.18, 0.391007),
    ("logc3", 1.0, 0.570631),
    # Kodak's 95 and 685 are black and white; 0.18 as in OpenColorIO and colour-science.
    ("cineon", 0.0, 95 / 1023),
    ("cineon", 1.0, 685 / 1023),
    ("cineon", 0.18, 0.4573196),
    ("srgb", 0.18, 0.4613561),
    ("srgb", 1.0, 1.0),
    ("linear", 0.18, 0.18),
]
LOGARITHMIC = ("acescct", "cineon", "slog3", "logc3")


def copy(source, target, **options):
    with Reader(source, **options) as reader, open_writer(target, reader.info) as writer:
        for frame in reader:
            writer.write(frame)
    return reader, writer


def exr(path, planes, **header):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(header, dict(zip("RGBA", planes, strict=False))) as file:
        file.write(str(path))
    return path


def exr_planes(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return np.stack([file.channels()[name].pixels for name in "RGB"])


def code_values():
    """All codes of ten bits, 3×31×33."""
    return (torch.arange(1023).float() / 1023).view(1, 31, 33).repeat(3, 1, 1)


def test_the_option_has_the_curves():
    assert ("auto", *CURVES) == INPUT_COLORS


@pytest.mark.parametrize(("name", "light", "sample"), PUBLISHED)
def test_curves_have_their_published_values(name, light, sample):
    curve = CURVES[name]
    # Sony and ARRI publish some values to three or four digits only.
    assert curve.encode(torch.tensor(light)).item() == pytest.approx(
        sample, abs=2e-4 if light == 0.9 else 2e-6
    )
    assert curve.decode(torch.tensor(sample)).item() == pytest.approx(light, rel=2e-3, abs=2e-6)


@pytest.mark.parametrize("name", CURVES)
def test_samples_to_light_and_back_is_the_identity(name):
    samples = torch.linspace(-0.1 if name != "cineon" else 0, 1.1, 4001)
    assert (CURVES[name].encode(CURVES[name].decode(samples)) - samples).abs().max() < 2e-5


@pytest.mark.parametrize("name", CURVES)
def test_curves_rise_everywhere(name):
    light = CURVES[name].decode(torch.linspace(-0.2, 1.2, 2001))
    assert (light.diff() > 0).all()


@pytest.mark.parametrize("name", CURVES)
def test_light_of_any_samples_is_finite(name):
    samples = torch.tensor([-1e30, -65504, -1, 0, 1, 4, 300, 65504, 1e30])
    assert decoded(CURVES[name], samples).isfinite().all()


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_a_logarithmic_dpx_is_written_with_the_same_codes(tmp_path, name):
    (tmp_path / "p.dpx").write_bytes(encode_coded("dpx", code_values(), None, 10))
    reader, writer = copy(tmp_path / "p.dpx", tmp_path / "o.dpx", input_color=name)
    assert any(f"{CURVES[name].title} is decoded" in note for note in reader.notes)
    assert writer.notes == ()
    assert torch.equal(read_still(tmp_path / "o.dpx").image, read_still(tmp_path / "p.dpx").image)


@pytest.mark.parametrize("name", LOGARITHMIC)
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_a_logarithmic_openexr_is_written_with_the_same_samples(tmp_path, name, kind):
    samples = code_values().numpy().astype(kind)
    exr(tmp_path / "p.exr", samples)
    copy(tmp_path / "p.exr", tmp_path / "o.exr", input_color=name, for_exr=True)
    assert np.abs(exr_planes(tmp_path / "o.exr").astype(np.float64) - samples).max() < 6e-5
    if kind == np.float16:
        assert (exr_planes(tmp_path / "o.exr") == samples).mean() > 0.97


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_a_grey_card_is_middle_grey(tmp_path, name):
    sample = CURVES[name].encode(torch.tensor(0.18)).item()
    exr(tmp_path / "p.exr", np.full((3, 4, 4), sample, np.float32))
    (frame,) = Reader(tmp_path / "p.exr", input_color=name)
    assert frame.image.mean().item() == pytest.approx(0.4613561, abs=1e-4)
    _, writer = copy(tmp_path / "p.exr", tmp_path / "o.png", input_color=name)
    assert any(f"{CURVES[name].title} becomes sRGB, which PNG files hold" in note for note in writer.notes)
    assert np.array(Image.open(tmp_path / "o.png").convert("RGB")).mean() == pytest.approx(117.6, abs=1)


def test_a_logarithmic_dpx_becomes_linear_light_in_openexr(tmp_path):
    (tmp_path / "p.dpx").write_bytes(encode_coded("dpx", torch.full((3, 8, 8), 0.4573196), None, 16))
    _, writer = copy(tmp_path / "p.dpx", tmp_path / "o.exr", input_color="cineon", for_exr=True)
    assert exr_planes(tmp_path / "o.exr").mean() == pytest.approx(0.18, rel=2e-3)
    assert any("Cineon log becomes linear light, which EXR files hold" in note for note in writer.notes)


def test_openexr_that_is_srgb_and_png_that_is_linear(tmp_path):
    exr(tmp_path / "p.exr", np.full((3, 4, 4), 0.5, np.float32))
    (frame,) = Reader(tmp_path / "p.exr", input_color="srgb")
    assert frame.image.mean().item() == pytest.approx(0.5, abs=1e-5)
    Image.new("RGB", (4, 4), (128, 128, 128)).save(tmp_path / "p.png")
    (frame,) = Reader(tmp_path / "p.png", input_color="linear")
    assert frame.image.mean().item() == pytest.approx(0.7361, abs=1e-3)
    copy(tmp_path / "p.png", tmp_path / "o.png", input_color="linear")
    assert np.array(Image.open(tmp_path / "o.png")).mean() == 128


@pytest.mark.parametrize(("name", "input_color"), [("p.exr", "linear"), ("p.png", "srgb")])
def test_the_default_of_a_format_may_be_stated(tmp_path, name, input_color):
    exr(tmp_path / "p.exr", np.full((3, 4, 4), 0.5, np.float32))
    Image.new("RGB", (4, 4), (128, 128, 128)).save(tmp_path / "p.png")
    (one,), (two,) = Reader(tmp_path / name), Reader(tmp_path / name, input_color=input_color)
    assert torch.equal(one.image, two.image)


def test_a_header_that_states_logarithmic_samples_is_noted(tmp_path):
    data = encode_coded("dpx", code_values(), None, 10, logarithmic=True)
    (tmp_path / "p.dpx").write_bytes(data)
    assert any(
        "states logarithmic samples; they are treated as sRGB" in n
        for n in Reader(tmp_path / "p.dpx").notes
    )
    reader, _ = copy(tmp_path / "p.dpx", tmp_path / "o.dpx", input_color="cineon")
    assert not any("treated as sRGB" in note for note in reader.notes)
    assert (tmp_path / "o.dpx").read_bytes()[801] == 3


def test_a_curve_for_a_video_is_refused(tmp_path):
    frames = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in (0, 90, 200)]
    for name in ("a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=50)
        with pytest.raises(UsageError, match="--input-colour is for pictures and image sequences, and a"):
            Reader(tmp_path / name, input_color="slog3")
    with pytest.raises(UsageError, match="input colour is 'slog': did you mean 'slog3'"):
        Reader(tmp_path / "a.gif", input_color="slog")
