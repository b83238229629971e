"""Pictures of every depth, with alpha, colour profile and linear light."""

from __future__ import annotations

import itertools
import random
import struct
import sys

import cv2
import numpy as np
import OpenEXR
import pytest
import torch
from clips import make_clip, pattern
from PIL import Image, ImageCms

from vst.errors import MediaError, UsageError
from vst.media import Encoding, Reader, open_writer
from vst.media.probe import probe
from vst.media.stills import exr
from vst.media.stills.read import read_still

DEEP = np.round(pattern(21, 13, 1, 4).transpose(1, 2, 0) * 65535).astype(np.uint16)


def copy(source, target, encoding=None, **options):
    with Reader(source, **options) as reader, open_writer(target, reader.info, encoding) as writer:
        for frame in reader:
            writer.write(frame)
    return reader, writer


def write_exr(path, light, kind=np.float16, names="RGBA", **header):
    planes = {n: np.ascontiguousarray(p.astype(kind)) for n, p in zip(names, light, strict=False)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(header, planes) as file:
        file.write(str(path))
    return path


def exr_planes(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def light(channels=3):
    """Linear light up to 40, more than half of it above white."""
    return (pattern(20, 12, 0, channels) ** 3 * 40).astype(np.float32)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_pictures_are_copied_exactly(tmp_path, suffix, channels):
    cv2.imwrite(str(tmp_path / f"p{suffix}"), DEEP[:, :, :channels])
    info = probe(tmp_path / f"p{suffix}")
    assert (info.bit_depth, info.has_alpha) == (16, channels == 4)
    for name in ("o.png", "o.tif"):
        _, writer = copy(tmp_path / f"p{suffix}", tmp_path / name)
        assert np.array_equal(cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED), DEEP[:, :, :channels])
        assert writer.notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_sixteen_bit_tiff_is_oriented(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray((DEEP[:, :, 2::-1] >> 8).astype(np.uint8)).save(tmp_path / "s.tif", exif=exif)
    good, data = cv2.imencode(".tif", DEEP[:, :, :3])
    assert good
    tags = data.tobytes()
    start = int.from_bytes(tags[4:8], "little")
    # OpenCV writes no orientation; the directory, at the end of the file, gets one more entry.
    count = int.from_bytes(tags[start : start + 2], "little")
    entries = [tags[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    entries.append(struct.pack("<HHII", 0x0112, 3, 1, orientation))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    end = len(tags) + len(tags) % 2
    directory = struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    (tmp_path / "d.tif").write_bytes(
        tags[:4] + struct.pack("<I", end) + tags[8:].ljust(end - 8, b"\0") + directory
    )
    one, two = read_still(tmp_path / "s.tif"), read_still(tmp_path / "d.tif")
    assert one.image.shape == two.image.shape
    assert (one.image - two.image).abs().max() < 1 / 128
    info = probe(tmp_path / "d.tif")
    assert (info.height, info.width) == tuple(two.image.shape[1:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_sixteen_bit_picture_is_oriented_by_its_exif_data(tmp_path, orientation):
    good, data = cv2.imencode(".png", DEEP[:, :, :3])
    assert good
    shallow = Image.fromarray((DEEP[:, :, 2::-1] >> 8).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    shallow.save(tmp_path / "s.png", exif=exif)
    small = (tmp_path / "s.png").read_bytes()
    start = small.index(b"eXIf") - 4
    chunk = small[start : start + 12 + int.from_bytes(small[start : start + 4], "big")]
    (tmp_path / "d.png").write_bytes(data.tobytes()[:33] + chunk + data.tobytes()[33:])
    one, two = read_still(tmp_path / "s.png"), read_still(tmp_path / "d.png")
    assert one.image.shape == two.image.shape
    assert (one.image - two.image).abs().max() < 1 / 128


def test_reduced_depth_is_noted(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), DEEP)
    _, writer = copy(tmp_path / "p.png", tmp_path / "o.jpg")
    assert writer.notes == (
        "alpha is dropped: JPEG as rgb24 has no alpha channel",
        "16 bits per sample are reduced to 8",
    )
    _, writer = copy(tmp_path / "p.png", tmp_path / "o.png", Encoding(pix_fmt="rgb24"))
    assert probe(tmp_path / "o.png").bit_depth == 8
    assert "16 bits per sample are reduced to 8" in writer.notes


def test_an_unsupported_pixel_format_of_a_picture_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "p.png"), DEEP)
    with pytest.raises(UsageError, match="does not support pixel format rgb48le: did you mean 'rgb24'"):
        copy(tmp_path / "p.png", tmp_path / "o.jpg", Encoding(pix_fmt="rgb48le"))


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.permutations((".png", ".jpg", ".tif", ".webp"), 2))
)
def test_colour_profile_and_exif_data_are_copied(tmp_path, first, second):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif[0x0112] = 6
    picture = Image.fromarray((DEEP[:, :, :3] >> 8).astype(np.uint8))
    picture.save(tmp_path / f"p{first}", icc_profile=profile, exif=exif)
    copy(tmp_path / f"p{first}", tmp_path / f"o{second}")
    with Image.open(tmp_path / f"o{second}") as after:
        assert after.info["icc_profile"] == profile
        assert after.getexif()[0x010F] == "A camera"
        assert after.getexif().get(0x0112, 1) == 1
        assert after.size == (13, 21)


def test_a_sixteen_bit_png_keeps_its_colour_profile(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray((DEEP[:, :, :3] >> 8).astype(np.uint8))
    picture.save(tmp_path / "p.png", icc_profile=profile)
    copy(tmp_path / "p.png", tmp_path / "o.png", Encoding(pix_fmt="rgb48le"))
    with Image.open(tmp_path / "o.png") as after:
        assert after.info["icc_profile"] == profile
    assert probe(tmp_path / "o.png").bit_depth == 16


def test_dropping_the_colour_profile_in_a_video_is_noted(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (32, 32)).save(tmp_path / "p.png", icc_profile=profile)
    _, writer = copy(tmp_path / "p.png", tmp_path / "o.mp4")
    assert any("colour profile is dropped" in note for note in writer.notes)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_openexr_is_copied_with_light_above_white(tmp_path, kind, channels):
    samples = light(channels)
    if channels == 4:
        samples[3] = np.maximum(samples[3] / 40, 0.25)
    source = write_exr(tmp_path / "p.exr", samples, kind)
    info = probe(source)
    assert (info.light, info.has_alpha, info.bit_depth) == (
        "linear",
        channels == 4,
        16 if kind == np.float16 else 32,
    )
    (frame,) = Reader(source)
    assert frame.image.max() <= 1
    assert frame.gain.max() > 4
    _, writer = copy(source, tmp_path / "o.exr")
    assert writer.notes == ()
    before, after = exr_planes(source), exr_planes(tmp_path / "o.exr")
    for name, plane in before.items():
        assert after[name].dtype == kind
        assert np.allclose(after[name], plane, rtol=2e-3 if kind == np.float16 else 1e-5)


def test_light_up_to_the_knee_is_converted_by_the_srgb_curve(tmp_path):
    source = write_exr(tmp_path / "p.exr", np.full((3, 2, 2), 0.2140, np.float32), np.float32)
    (frame,) = Reader(source)
    assert frame.image.mean().item() == pytest.approx(0.5, abs=1e-4)


def test_negative_light_is_kept(tmp_path):
    source = write_exr(tmp_path / "p.exr", np.full((3, 2, 2), -0.25, np.float32))
    copy(source, tmp_path / "o.exr")
    assert exr_planes(tmp_path / "o.exr")["R"] == pytest.approx(-0.25, rel=1e-3)


def test_compressing_light_above_white_is_noted(tmp_path):
    source = write_exr(tmp_path / "p.exr", light())
    for name in ("o.png", "o.mp4"):
        _, writer = copy(source, tmp_path / name)
        assert any("light above white is compressed" in note for note in writer.notes)


def test_light_below_white_is_kept_in_a_sixteen_bit_png(tmp_path):
    source = write_exr(tmp_path / "p.exr", light() / 50)
    _, writer = copy(source, tmp_path / "o.png")
    assert probe(tmp_path / "o.png").bit_depth == 16
    assert not any("compressed" in note for note in writer.notes)
    copy(tmp_path / "o.png", tmp_path / "b.exr")
    for name, plane in exr_planes(source).items():
        assert exr_planes(tmp_path / "b.exr")[name] == pytest.approx(
            plane.astype(np.float32), rel=2e-3, abs=1e-5
        )


def test_openexr_colours_are_read_with_straight_alpha(tmp_path):
    samples = np.stack([np.full((2, 2), value, np.float32) for value in (0.25, 0.25, 0.25, 0.5)])
    (frame,) = Reader(write_exr(tmp_path / "p.exr", samples))
    assert frame.image.mean().item() == pytest.approx(0.7354, abs=1e-3)
    assert frame.alpha.mean().item() == pytest.approx(0.5)


def test_light_in_transparent_pixels_is_dropped_with_a_note_unless_the_output_is_openexr(tmp_path):
    samples = np.stack([np.full((2, 2), value, np.float32) for value in (0.25, 0.25, 0.25, 0)])
    reader = Reader(write_exr(tmp_path / "p.exr", samples))
    (frame,) = reader
    assert frame.image.max() == 0
    assert any("light in pixels with alpha 0 is dropped" in note for note in reader.notes)
    copy(tmp_path / "p.exr", tmp_path / "o.exr", for_exr=True)
    after = exr_planes(tmp_path / "o.exr")
    assert (after["R"] == 0.25).all()
    assert (after["A"] == 0).all()


def test_a_data_window_is_placed_in_its_display_window(tmp_path):
    source = write_exr(
        tmp_path / "p.exr",
        np.full((3, 4, 5), 0.5, np.float32),
        dataWindow=(np.array([-1, 2], "i4"), np.array([3, 5], "i4")),
        displayWindow=(np.array([0, 0], "i4"), np.array([9, 7], "i4")),
    )
    (frame,) = Reader(source)
    assert tuple(frame.image.shape) == (3, 8, 10)
    lit = (frame.image[0] > 0.1).nonzero()
    assert (lit.amin(0).tolist(), lit.amax(0).tolist()) == ([2, 0], [5, 3])


@pytest.mark.parametrize(
    "compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"]
)
def test_every_compression_is_read(tmp_path, compression):
    kind = getattr(OpenEXR, f"{compression}_COMPRESSION")
    samples = np.stack([np.linspace(0, 2, 20 * 12).reshape(12, 20)] * 3).astype(np.float32)
    (frame,) = Reader(write_exr(tmp_path / "p.exr", samples, compression=kind))
    shown = torch.from_numpy(samples)
    assert (frame.image[0].mean() - (shown[0].clamp(0, 1) ** (1 / 2.2)).mean()).abs() < 0.05


@pytest.mark.parametrize(
    ("names", "note"),
    [("Y", None), (("beauty.R", "beauty.G", "beauty.B"), None), ("RGBZ", "channels Z")],
)
def test_gray_pictures_layers_and_further_channels_are_read(tmp_path, names, note):
    reader = Reader(
        write_exr(tmp_path / "p.exr", np.full((len(names), 3, 4), 0.2140, np.float32), names=names)
    )
    (frame,) = reader
    assert frame.image.mean().item() == pytest.approx(0.5, abs=1e-3)
    assert (note is None and reader.notes == ()) or "channels Z are dropped" in reader.notes[0]


def test_samples_that_are_not_finite_are_replaced_with_a_note(tmp_path):
    samples = np.full((3, 2, 2), 0.5, np.float32)
    samples[0, 0, 0], samples[1, 0, 0] = np.nan, np.inf
    reader = Reader(write_exr(tmp_path / "p.exr", samples))
    (frame,) = reader
    assert frame.image.isfinite().all()
    assert any("NaN samples are set to 0" in note for note in reader.notes)


def test_a_damaged_openexr_file_is_one_line_and_nothing_on_stdout(tmp_path, capfd):
    whole = write_exr(tmp_path / "p.exr", np.random.default_rng(0).random((3, 40, 40))).read_bytes()
    for size in (20, 200, len(whole) // 2, len(whole) - 50):
        (tmp_path / "cut.exr").write_bytes(whole[:size])
        with pytest.raises(MediaError, match=r"^[^\n]*cut\.exr is damaged[^\n]*$"):
            list(Reader(tmp_path / "cut.exr"))
    assert capfd.readouterr().out == ""
    assert sys.stdout.write("") == 0


def test_mutated_openexr_files_are_read_or_refused_in_one_line(tmp_path):
    chance = random.Random(7)
    wholes = [
        write_exr(tmp_path / "p.exr", light(4), kind, compression=compression).read_bytes()
        for kind, compression in (
            (np.float16, OpenEXR.PIZ_COMPRESSION),
            (np.float32, OpenEXR.ZIP_COMPRESSION),
            (np.float32, OpenEXR.DWAA_COMPRESSION),
        )
    ]
    lines = []
    for number in range(60):
        data = bytearray(chance.choice(wholes))
        for _ in range(chance.randint(1, 5)):
            data[chance.randrange(4, len(data) if number % 2 else 400)] ^= 1 << chance.randrange(8)
        (tmp_path / "m.exr").write_bytes(data[: chance.choice((len(data), len(data), len(data) // 2))])
        try:
            for frame in Reader(tmp_path / "m.exr"):
                assert frame.image.isfinite().all()
        except MediaError as error:
            lines.append(str(error))
    assert len(lines) > 10
    assert not any("\n" in line for line in lines)


def test_a_huge_openexr_file_is_refused_from_its_header(tmp_path, monkeypatch):
    source = write_exr(tmp_path / "p.exr", light())
    monkeypatch.setenv("VST_MAX_PIXELS", "10")
    with pytest.raises(MediaError, match=r"more than the limit of 10: .* set VST_MAX_PIXELS="):
        probe(source)
    monkeypatch.delenv("VST_MAX_PIXELS")
    monkeypatch.setattr(exr, "MAX_BYTES_PER_PIXEL", 1e-6)
    with pytest.raises(MediaError, match="has 3 channels, too many at this size"):
        probe(source)


def test_an_openexr_file_without_colour_channels_is_refused(tmp_path):
    source = write_exr(tmp_path / "p.exr", light(), names=("X", "Z", "id"))
    with pytest.raises(MediaError, match="has the channels X, Z, id: expected R, G, B or Y"):
        probe(source)


def test_a_video_is_written_to_openexr_as_linear_light(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=2)
    _, writer = copy(clip, tmp_path / "%d.exr")
    assert any("linear light, converted by the sRGB curve" in note for note in writer.notes)
    for frame, number in zip(Reader(clip), (1, 2), strict=True):
        again = read_still(tmp_path / f"{number}.exr")
        reached = frame.image.amax(0) < 0.9
        assert (again.image - frame.image).abs().amax(0)[reached].max() < 2e-3
