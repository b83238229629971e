"""Picture formats beside PNG, JPEG and OpenEXR, and the orientation of all."""

from __future__ import annotations

import itertools
import os
import struct
import sys
import types

import av
import cv2
import numpy as np
import pytest
import torch
from clips import make_clip, pattern
from PIL import Image, ImageOps

from vst.errors import MediaError, UsageError
from vst.media import Encoding, Reader, open_writer
from vst.media.colour.planes import from_rgb
from vst.media.colour.spec import RGB
from vst.media.probe import probe
from vst.media.stills import samples
from vst.media.stills.coded_picture import encode_coded
from vst.media.stills.read import read_still

SUFFIXES = (".tif", ".png", ".jpg", ".webp")


def copy(source, target, encoding=None, **options):
    with Reader(source, **options) as reader, open_writer(target, reader.info, encoding) as writer:
        for frame in reader:
            writer.write(frame)
    return reader, writer


def quarters(mode="RGB"):
    """Four quarters in four colours, 21×13: no two orientations of it are the same."""
    pixels = np.zeros((13, 21, 3), np.uint8)
    pixels[:6, :10], pixels[6:, :10], pixels[:6, 10:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return Image.fromarray(pixels).convert(mode)


def picture(channels=3, top=1.0):
    return torch.from_numpy(pattern(22, 14, 3, channels)).float() * top


@pytest.mark.parametrize(("first", "second"), list(itertools.product(SUFFIXES, SUFFIXES)))
@pytest.mark.parametrize("orientation", [3, 5, 6, 8])
def test_an_orientation_is_applied_once(tmp_path, first, second, orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = orientation, "A camera", "A painter"
    options = {".tif": {"compression": "tiff_lzw"}, ".webp": {"lossless": True}, ".jpg": {"subsampling": 0}}
    source, target = tmp_path / f"p{first}", tmp_path / f"o{second}"
    quarters().save(source, exif=exif, **options.get(first, {}))
    copy(source, target)
    with Image.open(source) as before, Image.open(target) as after:
        assert after.getexif().get(0x0112, 1) == 1
        assert after.getexif()[0x010F] == "A camera"
        assert after.getexif()[0x013B] == "A painter"
        wanted = np.array(ImageOps.exif_transpose(before).convert("RGB")).astype(int)
        found = np.array(ImageOps.exif_transpose(after).convert("RGB")).astype(int)
    assert wanted.shape == found.shape
    assert np.abs(wanted - found).mean() < 12


@pytest.mark.parametrize("compression", ["raw", "tiff_deflate", "jpeg", "packbits"])
def test_a_tiff_in_another_storage_is_copied_to_tiff(tmp_path, compression):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    quarters().save(tmp_path / "p.tif", compression=compression, exif=exif)
    copy(tmp_path / "p.tif", tmp_path / "o.tif")
    with Image.open(tmp_path / "p.tif") as before, Image.open(tmp_path / "o.tif") as after:
        wanted = np.array(ImageOps.exif_transpose(before).convert("RGB"))
        assert np.array_equal(np.array(after.convert("RGB")), wanted)
        assert after.getexif()[0x010F] == "A camera"


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "1"])
def test_a_tiff_of_another_mode_is_copied_to_tiff(tmp_path, mode):
    exif = Image.Exif()
    exif[0x0112] = 8
    quarters(mode).save(tmp_path / "p.tif", exif=exif)
    copy(tmp_path / "p.tif", tmp_path / "o.tif")
    with Image.open(tmp_path / "o.tif") as after:
        # Not what Pillow reads from p.tif: uncompressed, it is memory-mapped with rows of a wrong length.
        wanted = np.array(quarters(mode).transpose(Image.Transpose.ROTATE_90).convert("RGBA"))
        assert np.array_equal(np.array(after.convert("RGBA")), wanted)


@pytest.mark.parametrize("pix_fmt", ["gbrp10be", "gbrp12be", "rgb48be", "rgba64be", "rgb24", "rgba"])
def test_dpx_is_copied_exactly(tmp_path, pix_fmt):
    alpha = picture(4)[3:] if "a" in pix_fmt else None
    encoder = av.CodecContext.create("dpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 22, 14, pix_fmt, 1
    frame = from_rgb(picture(), alpha, pix_fmt, RGB)
    frame.pts = 0
    (packet,) = encoder.encode(frame)
    (tmp_path / "p.dpx").write_bytes(bytes(packet))
    info = probe(tmp_path / "p.dpx")
    bits = {"gbrp10be": 10, "gbrp12be": 12}.get(pix_fmt, 16 if "6" in pix_fmt or "48" in pix_fmt else 8)
    assert (info.width, info.height, info.bit_depth, info.has_alpha) == (22, 14, bits, alpha is not None)
    _, writer = copy(tmp_path / "p.dpx", tmp_path / "o.dpx")
    assert writer.notes == ()
    one, two = read_still(tmp_path / "p.dpx"), read_still(tmp_path / "o.dpx")
    assert (one.image - picture()).abs().max() <= 0.5001 / ((1 << bits) - 1)
    assert torch.equal(one.image, two.image)
    assert alpha is None or torch.equal(one.alpha, two.alpha)
    assert probe(tmp_path / "o.dpx").bit_depth == bits


@pytest.mark.parametrize(("name", "bits"), [("o.png", 16), ("o.tif", 16), ("o.jpg", 8), ("o.jp2", 16)])
def test_dpx_is_written_to_other_formats(tmp_path, name, bits):
    (tmp_path / "p.dpx").write_bytes(encode_coded("dpx", picture(), None, 10))
    copy(tmp_path / "p.dpx", tmp_path / name)
    assert probe(tmp_path / name).bit_depth == bits
    again = read_still(tmp_path / name)
    assert (again.image - picture()).abs().mean() < (0.08 if bits == 8 else 1e-3)


def test_a_sequence_of_dpx_files_is_written_with_ten_bits(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=3)
    copy(clip, tmp_path / "out" / "%04d.dpx")
    info = probe(tmp_path / "out" / "%04d.dpx")
    assert (info.frames, info.bit_depth, info.codec) == (3, 10, "dpx")
    for one, two in zip(Reader(clip), Reader(tmp_path / "out" / "%04d.dpx"), strict=True):
        assert (one.image.clamp(0, 1) - two.image).abs().max() <= 0.5001 / 1023


@pytest.mark.parametrize(("bits", "channels"), [(8, 3), (8, 4), (16, 3), (16, 4)])
@pytest.mark.parametrize("suffix", [".jp2", ".j2k"])
def test_jpeg_2000_is_copied_exactly(tmp_path, bits, channels, suffix):
    alpha = picture(4)[3:] if channels == 4 else None
    data = encode_coded("jpeg2000", picture(), alpha, bits)
    if suffix == ".j2k":
        data = data[data.index(b"\xff\x4f\xff\x51") :]
    (tmp_path / f"p{suffix}").write_bytes(data)
    info = probe(tmp_path / f"p{suffix}")
    assert (info.width, info.height, info.bit_depth, info.has_alpha) == (22, 14, bits, channels == 4)
    copy(tmp_path / f"p{suffix}", tmp_path / "o.jp2")
    one, two = read_still(tmp_path / f"p{suffix}"), read_still(tmp_path / "o.jp2")
    assert (one.image - picture()).abs().max() <= 0.5001 / ((1 << bits) - 1)
    assert torch.equal(one.image, two.image)
    assert alpha is None or torch.equal(one.alpha, two.alpha)


def test_jpeg_2000_of_pillow_is_read(tmp_path):
    quarters().save(tmp_path / "p.jp2", irreversible=False)
    image = read_still(tmp_path / "p.jp2").image
    assert torch.equal(
        (image * 255).round().permute(1, 2, 0), torch.from_numpy(np.array(quarters())).float()
    )


def test_white_of_a_ten_bit_jpeg_2000_is_white(tmp_path):
    encoder = av.CodecContext.create("jpeg2000", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 22, 14, "gbrp10le", 1
    encoder.options = {"pred": "dwt53"}
    frame = from_rgb(torch.ones(3, 14, 22), None, "gbrp10le", RGB)
    frame.pts = 0
    (packet,) = encoder.encode(frame)
    (tmp_path / "p.jp2").write_bytes(bytes(packet))
    assert probe(tmp_path / "p.jp2").bit_depth == 10
    assert read_still(tmp_path / "p.jp2").image.mean().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("codec", "suffix"), [("dpx", ".dpx"), ("jpeg2000", ".jp2")])
def test_damaged_dpx_and_jpeg_2000_are_refused_or_read(tmp_path, codec, suffix):
    data = encode_coded(codec, picture(), None, 8)
    chance = np.random.default_rng(1)
    lines = []
    for number in range(60):
        spoilt = bytearray(data[: int(chance.integers(4, len(data)))] if number % 2 else data)
        for _ in range(4):
            spoilt[int(chance.integers(4, len(spoilt)))] ^= 1 << int(chance.integers(8))
        (tmp_path / f"d{suffix}").write_bytes(spoilt)
        try:
            (frame,) = Reader(tmp_path / f"d{suffix}")
            lines.append("" if frame.image.isfinite().all() else "not finite\n")
        except MediaError as error:
            lines.append(str(error))
    assert any(lines)
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize(("codec", "suffix"), [("dpx", ".dpx"), ("jpeg2000", ".jp2")])
def test_huge_dpx_and_jpeg_2000_are_refused_from_their_headers(tmp_path, codec, suffix):
    data = bytearray(encode_coded(codec, picture(), None, 8))
    at = 772 if codec == "dpx" else data.index(b"\xff\x51") + 6
    order = "<" if codec == "dpx" and data[:4] == b"XPDS" else ">"
    struct.pack_into(f"{order}II", data, at, 1 << 24, 1 << 24)
    (tmp_path / f"d{suffix}").write_bytes(data)
    with pytest.raises(MediaError, match="pixels per frame, more than the limit"):
        probe(tmp_path / f"d{suffix}")


@pytest.mark.parametrize("top", [255, 65535])
def test_ppm_is_read_with_its_depth(tmp_path, top):
    values = np.round(pattern(22, 14, 0).transpose(1, 2, 0) * top)
    data = values.astype(">u2" if top > 255 else "u1").tobytes()
    (tmp_path / "p.ppm").write_bytes(b"P6 22 14 %d\n" % top + data)
    assert probe(tmp_path / "p.ppm").bit_depth == (16 if top > 255 else 8)
    copy(tmp_path / "p.ppm", tmp_path / "o.png")
    written = cv2.imread(str(tmp_path / "o.png"), cv2.IMREAD_UNCHANGED)[:, :, ::-1]
    assert np.array_equal(written, values)


@pytest.mark.parametrize("channels", [3, 4])
def test_avif_is_written_and_read(tmp_path, channels):
    Image.fromarray(np.round(pattern(22, 14, 0, channels).transpose(1, 2, 0) * 255).astype("u1")).save(
        tmp_path / "p.png"
    )
    copy(tmp_path / "p.png", tmp_path / "o.avif")
    info = probe(tmp_path / "o.avif")
    assert (info.is_still, info.codec, info.has_alpha) == (True, "avif", channels == 4)
    one, two = read_still(tmp_path / "p.png"), read_still(tmp_path / "o.avif")
    assert (one.image - two.image).abs().mean() < 0.06


def test_a_picture_in_gif_has_the_nearest_of_256_colours(tmp_path):
    Image.fromarray(np.round(pattern(64, 48, 0, 4).transpose(1, 2, 0) * 255).astype("u1")).save(
        tmp_path / "p.png"
    )
    _, writer = copy(tmp_path / "p.png", tmp_path / "o.gif")
    assert any("GIF has 256 colours" in note for note in writer.notes)
    assert any("alpha below a half becomes transparent" in note for note in writer.notes)
    one, two = read_still(tmp_path / "p.png"), read_still(tmp_path / "o.gif")
    visible = (one.alpha > 0.5)[0]
    assert torch.equal(visible, (two.alpha > 0.5)[0])
    assert (one.image - two.image).abs()[:, visible].mean() < 0.02


def heic_bytes():
    """The beginning of a HEIC file, enough to recognise it."""
    return struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + bytes(64)


def test_heic_without_its_plugin_is_a_line_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "p.heic").write_bytes(heic_bytes())
    with pytest.raises(
        MediaError, match="is a HEIC picture, which needs the package pillow-heif: install it"
    ):
        probe(tmp_path / "p.heic")


def test_the_plugin_for_heic_is_registered_when_it_is_needed(tmp_path, monkeypatch):
    calls = []
    plugin = types.ModuleType("pillow_heif")
    plugin.register_heif_opener = lambda **options: calls.append(options)
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    (tmp_path / "p.heic").write_bytes(heic_bytes())
    quarters().save(tmp_path / "p.png")
    probe(tmp_path / "p.png")
    assert calls == []
    with pytest.raises(MediaError, match="is not a picture that can be read"):
        probe(tmp_path / "p.heic")
    assert calls == [{"thumbnails": False}]


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_is_read_upright(tmp_path, orientation):
    plugin = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    plugin.register_heif_opener(thumbnails=False)
    stored = quarters().resize((84, 52), Image.Resampling.NEAREST)
    stored.getexif()[0x0112] = orientation
    stored.save(tmp_path / "p.heic", quality=95)
    image = read_still(tmp_path / "p.heic").image
    wanted = quarters().resize((84, 52), Image.Resampling.NEAREST)
    wanted = wanted.transpose(Image.Transpose.ROTATE_270) if orientation == 6 else wanted
    assert tuple(image.shape[1:]) == wanted.size[::-1]
    difference = image.permute(1, 2, 0) * 255 - torch.from_numpy(np.array(wanted)).float()
    assert difference.abs().mean() < 12


def test_a_video_is_not_mistaken_for_a_picture(tmp_path):
    for name in ("c.mp4", "c.mov"):
        assert not samples.is_still(make_clip(tmp_path / name, frames=2))


def test_a_text_that_looks_like_a_picture_is_refused_in_one_line(tmp_path):
    for number, data in enumerate((b"P5 is my favourite", b"GIF89a", b"SDPX", b"\xff\x4f\xff\x51", b"BM")):
        path = tmp_path / f"{number}.png"
        path.write_bytes(data)
        with pytest.raises(MediaError, match=r"^[^\n]+$"):
            list(Reader(path))


def test_pixel_formats_of_dpx_are_chosen(tmp_path):
    quarters().save(tmp_path / "p.png")
    copy(tmp_path / "p.png", tmp_path / "o.dpx", Encoding(pix_fmt="rgb48le"))
    assert probe(tmp_path / "o.dpx").bit_depth == 16
    with pytest.raises(UsageError, match="DPX does not support pixel format yuv420p"):
        copy(tmp_path / "p.png", tmp_path / "q.dpx", Encoding(pix_fmt="yuv420p"))
    assert "q.dpx" not in os.listdir(tmp_path)
