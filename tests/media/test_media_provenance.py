"""The metadata of every kind of output say how it was made, and what the source says stays."""

from __future__ import annotations

import itertools
import re
import struct

import av
import cv2
import numpy as np
import OpenEXR
import pytest
from clips import make_clip, pattern
from PIL import Image

from vst.media import Encoding, Reader, open_writer
from vst.media.probe import probe
from vst.media.provenance import (
    MAX_CHARACTERS,
    StylePart,
    add_provenance,
    find_provenance,
    provenance_text,
)
from vst.media.stills.animation import animation_of

HASH = "0123456789abcdef" * 4
TEXT = provenance_text("1.2.3", "itn", [StylePart("candy", 1.0, HASH)])
LATER = provenance_text("1.2.4", "vtn", [StylePart("wave", 1.0, HASH[::-1])], TEXT)


def copy(source, target, text=TEXT, count=None, **options):
    encoding = Encoding(provenance=text, **options)
    with (
        Reader(source) as reader,
        open_writer(target, reader.info, encoding, overwrite=True) as writer,
    ):
        for frame in itertools.islice(reader, count):
            writer.write(frame)
    return target


def frames(path):
    with Reader(path) as reader:
        return [(frame.image, frame.alpha, frame.time, frame.duration) for frame in reader]


def same(one, other):
    return len(one) == len(other) and all(
        a[2:] == b[2:] and bool((a[0] == b[0]).all()) and (a[1] is None or bool((a[1] == b[1]).all()))
        for a, b in zip(one, other, strict=True)
    )


def deep_picture(path, channels=3):
    pixels = np.round(pattern(21, 13, 1, 4).transpose(1, 2, 0) * 65535).astype(np.uint16)
    assert cv2.imwrite(str(path), pixels[:, :, :channels])
    return path


def test_a_text_has_program_mode_styles_and_hashes():
    assert f"vst 1.2.3; mode itn; style candy; weights candy sha256:{HASH}" == TEXT
    blend = [StylePart("candy", 0.6, HASH), StylePart("wave", 0.4, HASH[::-1])]
    assert provenance_text("1.2.3", "vtn", blend) == (
        f"vst 1.2.3; mode vtn; style candy:0.6+wave:0.4; "
        f"weights candy sha256:{HASH}, wave sha256:{HASH[::-1]}"
    )
    assert provenance_text("1.2.3", "itn", []) == "vst 1.2.3; strength 0: not stylized"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/home/someone/private/night.jpg", "night.jpg"),
        ("C:\\Users\\someone\\night.jpg", "night.jpg"),
        ("caf\xe9", r"caf\xe9"),
        ("two\nlines\0\x1b", r"two\nlines\x00\x1b"),
        ("half a \ud800 pair", r"half a \ud800 pair"),
    ],
)
def test_a_style_is_named_in_ascii_and_without_folders(name, shown):
    text = provenance_text("1.2.3", "itn", [StylePart(name, 1.0, HASH)])
    assert text == f"vst 1.2.3; mode itn; style {shown}; weights {shown} sha256:{HASH}"
    assert find_provenance({"comment": text}) == text


def test_the_provenance_of_the_source_goes_before():
    assert LATER.splitlines() == [TEXT, provenance_text("1.2.4", "vtn", [StylePart("wave", 1, HASH[::-1])])]
    assert find_provenance({"x": LATER}) == LATER
    huge = f"{TEXT}{'y' * MAX_CHARACTERS}"
    assert provenance_text("1.2.3", "itn", [StylePart("candy", 1.0, HASH)], huge) == TEXT
    assert len(provenance_text("1.2.3", "itn", [StylePart("z" * 99_999, 1.0, HASH)])) == MAX_CHARACTERS


@pytest.mark.parametrize(
    "value", ["", "vst", "made with vst 1.0; mode itn", f"{TEXT}\nmine", TEXT + "y" * MAX_CHARACTERS]
)
def test_other_texts_are_no_provenance(value):
    assert find_provenance({"comment": value}) is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, {"comment": LATER}),
        ({"COMMENT": TEXT}, {"COMMENT": LATER}),
        ({"Comment": "mine"}, {"Comment": "mine", "other": LATER}),
        ({"comment": "v"}, {"comment": "v", "other": LATER}),
        ({"comment": "mine", "other": "yours"}, {"comment": "mine", "other": f"yours\n{LATER}"}),
    ],
)
def test_a_free_tag_is_taken_and_no_other_text_is_lost(tags, expected):
    add_provenance(tags, ("comment", "other"), LATER)
    assert tags == expected


def test_a_format_without_tags_gets_none():
    tags = {"title": "mine"}
    add_provenance(tags, (), TEXT)
    assert tags == {"title": "mine"}


VIDEOS = ("o.mp4", "o.m4v", "o.mov", "o.mkv", "o.webm", "o.avi")


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_has_it_as_a_comment(tmp_path, name):
    clip = make_clip(tmp_path / "c.mp4", frames=3)
    target = copy(clip, tmp_path / name)
    info = probe(target)
    assert {key.lower(): value for key, value in info.metadata.items()}["comment"] == TEXT
    assert info.provenance == TEXT
    bare = copy(clip, tmp_path / f"bare-{name}", None)
    assert probe(bare).provenance is None
    assert b"vst" not in bare.read_bytes()
    assert same(frames(target), frames(bare))
    assert target.read_bytes() == copy(clip, tmp_path / f"again-{name}").read_bytes()


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("taken", [("comment",), ("comment", "description", "synopsis")])
def test_a_comment_of_the_clip_stays(tmp_path, name, taken):
    own = {key: f"my own {key}" for key in taken}
    clip = make_clip(tmp_path / "c.mp4", frames=3, tags={"title": "a title", **own})
    info = probe(copy(clip, tmp_path / name))
    tags = {key.lower(): value for key, value in info.metadata.items()}
    assert (tags["title"], tags["comment"]) == ("a title", "my own comment")
    if not name.endswith("avi"):
        assert own.items() <= tags.items()
    assert info.provenance == TEXT


@pytest.mark.parametrize("name", ["o.mov", "o.mp4"])
def test_a_description_gets_into_quicktime_too(tmp_path, name):
    # The older metadata box of QuickTime has none.
    clip = make_clip(tmp_path / "c.mp4", frames=3, tags={"description": "what it shows"})
    assert probe(copy(clip, tmp_path / name, None)).metadata["description"] == "what it shows"


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.avi", "o.png", "o.jpg", "o.gif", "o.tif", "o.exr"])
def test_a_second_render_adds_to_the_first(tmp_path, name):
    clip = make_clip(tmp_path / "c.mkv", frames=2)
    count = 2 if name in ("o.mp4", "o.mkv", "o.avi", "o.gif") else 1
    first = copy(clip, tmp_path / name, count=count)
    second = copy(first, tmp_path / f"second-{name}", LATER)
    assert probe(second).provenance == LATER
    if name != "o.tif":  # which keeps the bytes of a value that is replaced
        assert len(re.findall(b"vst 1.2.3;", second.read_bytes())) == 1


PICTURES = ("png", "jpg", "webp", "tif", "exr", "gif", "avif", "dpx", "jp2", "apng")


@pytest.mark.parametrize("suffix", PICTURES)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_picture_has_it_and_its_samples_are_the_same(tmp_path, suffix, alpha):
    pixels = np.round(pattern(30, 20, 1, 4).transpose(1, 2, 0) * 255).astype(np.uint8)
    Image.fromarray(pixels[:, :, : 4 if alpha else 3]).save(tmp_path / "p.png")
    target = copy(tmp_path / "p.png", tmp_path / f"o.{suffix}")
    bare = copy(tmp_path / "p.png", tmp_path / f"bare.{suffix}", None)
    assert probe(target).provenance == TEXT
    assert probe(bare).provenance is None
    assert TEXT.encode()[:7] not in bare.read_bytes()
    assert same(frames(target), frames(bare))


@pytest.mark.parametrize("suffix", ["png", "tif", "jp2", "dpx", "exr"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_deep_picture_has_it_and_its_samples_are_the_same(tmp_path, suffix, channels):
    source = deep_picture(tmp_path / "p.png", channels)
    target = copy(source, tmp_path / f"o.{suffix}")
    bare = copy(source, tmp_path / f"bare.{suffix}", None)
    assert probe(target).provenance == TEXT
    assert probe(target).bit_depth == 16
    assert same(frames(target), frames(bare))


def test_other_programs_read_it(tmp_path):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "p.bmp")

    def opened(suffix, text=TEXT):
        with Image.open(copy(tmp_path / "p.bmp", tmp_path / f"o.{suffix}", text)) as image:
            image.load()
            return image, dict(image.info), dict(getattr(image, "tag_v2", {}))

    assert opened("png")[0].text == {"Comment": TEXT}
    assert opened("jpg")[1]["comment"] == TEXT.encode()
    assert opened("gif")[1]["comment"] == TEXT.encode()
    assert opened("tif")[2][305] == TEXT
    for suffix in ("webp", "avif"):
        assert f'xmp:CreatorTool="{TEXT}"'.encode() in opened(suffix)[1]["xmp"]
    assert opened("jp2")[0].size == (30, 20)
    with OpenEXR.File(str(copy(tmp_path / "p.bmp", tmp_path / "o.exr")), header_only=True) as file:
        assert file.header()["comments"] == TEXT
    with av.open(str(copy(tmp_path / "p.bmp", tmp_path / "o.dpx"))) as container:
        assert next(container.decode(video=0)).width == 30


def test_a_long_text_fits_into_every_picture_format(tmp_path):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "p.bmp")
    parts = [StylePart(f"style-{number}", 1 / 300, HASH) for number in range(300)]
    text = provenance_text("1.2.3", "itn", parts)
    assert len(text) > 25_000
    for suffix in PICTURES:
        assert probe(copy(tmp_path / "p.bmp", tmp_path / f"o.{suffix}", text)).provenance == text


@pytest.mark.parametrize("suffix", ["tif", "jpg", "webp", "avif"])
def test_the_exif_data_of_a_picture_stay(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x010E], exif[0x0131], exif[0x010F] = "a caption", "firmware 1.0", "a camera"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "p.tif", exif=exif)
    target = copy(tmp_path / "p.tif", tmp_path / f"o.{suffix}")
    with Image.open(target) as image:
        now = image.getexif()
    assert now[0x010F] == "a camera"
    assert now[0x0131] == "firmware 1.0"
    assert now[0x010E] == ("a caption" if suffix != "tif" else f"a caption\n{TEXT}")
    if suffix != "tif":
        assert probe(target).provenance == TEXT


def test_a_tiff_file_of_a_camera_has_it_as_its_description(tmp_path):
    exif = Image.Exif()
    exif[0x0131] = "firmware 1.0"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "p.tif", exif=exif)
    target = copy(tmp_path / "p.tif", tmp_path / "o.tif")
    with Image.open(target) as image:
        assert (image.tag_v2[0x0131], image.tag_v2[0x010E]) == ("firmware 1.0", TEXT)
    assert probe(target).provenance == TEXT


@pytest.mark.parametrize("value", ["a comment of the artist", 4.5])
def test_an_attribute_of_openexr_stays(tmp_path, value):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, "comments": value}
    planes = {name: np.zeros((12, 20), np.float16) for name in "RGB"}
    with OpenEXR.File(header, planes) as file:
        file.write(str(tmp_path / "p.exr"))
    target = copy(tmp_path / "p.exr", tmp_path / "o.exr")
    with OpenEXR.File(str(target), header_only=True) as file:
        assert (file.header()["comments"], file.header()["provenance"]) == (value, TEXT)
    assert probe(target).provenance == TEXT


@pytest.mark.parametrize(
    ("suffix", "options"), [("gif", {}), ("apng", {}), ("webp", {}), ("webp", {"crf": 0})]
)
@pytest.mark.parametrize("still", [False, True])
def test_an_animation_has_it_and_is_shown_alike(tmp_path, suffix, options, still):
    # Of equal frames libwebp makes a file without animation.
    pictures = [Image.fromarray(np.full((24, 40, 3), 9 if still else 40 * n, np.uint8)) for n in range(4)]
    source = tmp_path / "s.gif"
    clip = make_clip(tmp_path / "c.mkv", frames=4)
    if still:
        with av.open(str(clip), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 40, 24, "bgr0"
            for picture in pictures:
                container.mux(stream.encode(av.VideoFrame.from_image(picture).reformat(format="bgr0")))
            container.mux(stream.encode(None))
        source = clip
    else:
        pictures[0].save(
            source, save_all=True, append_images=pictures[1:], duration=[70, 50, 90, 40], loop=2
        )
    target = copy(source, tmp_path / f"o.{suffix}", **options)
    bare = copy(source, tmp_path / f"bare.{suffix}", None, **options)
    if suffix == "webp":
        assert (bare.read_bytes()[12:16] == b"VP8X") is not still
    assert probe(target).provenance == TEXT
    assert probe(bare).provenance is None
    assert animation_of(target) == animation_of(bare)
    assert same(frames(target), frames(bare))
    with Image.open(target) as one, Image.open(bare) as other:
        assert (one.size, one.info.get("loop")) == (other.size, other.info.get("loop"))
        for number in range(getattr(other, "n_frames", 1)):
            one.seek(number)
            other.seek(number)
            assert one.convert("RGBA").tobytes() == other.convert("RGBA").tobytes()


@pytest.mark.parametrize("suffix", ["png", "exr", "dpx", "gif"])
def test_every_picture_of_a_sequence_has_it(tmp_path, suffix):
    clip = make_clip(tmp_path / "c.mp4", frames=3)
    copy(clip, tmp_path / "out" / f"%d.{suffix}")
    files = [tmp_path / "out" / f"{number}.{suffix}" for number in (1, 2, 3)]
    assert [probe(file).provenance for file in files] == [TEXT] * 3


@pytest.mark.parametrize("size", [0, 31, 33, 2**31, 2**32 - 1])
def test_a_dpx_file_with_odd_user_data_is_read(tmp_path, size):
    source = copy(deep_picture(tmp_path / "p.png"), tmp_path / "o.dpx")
    data = bytearray(source.read_bytes())
    struct.pack_into(">I", data, 28, size)
    source.write_bytes(data)
    assert probe(source).provenance is None


@pytest.mark.parametrize("size", [0, 7, 8, 12, 2**32 - 1])
def test_a_jpeg_2000_file_with_an_odd_last_box_is_read(tmp_path, size):
    source = copy(deep_picture(tmp_path / "p.png"), tmp_path / "o.jp2")
    data = bytearray(source.read_bytes())
    struct.pack_into(">I", data, data.rindex(b"uuid") - 4, size)
    source.write_bytes(data)
    assert probe(source).provenance in (None, TEXT)
