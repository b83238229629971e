"""Files above a limit are refused, by their headers where possible, and every limit can be raised."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import pytest
from clips import make_clip
from PIL import Image

from vst.errors import CutShort, MediaError, UsageError
from vst.media import Reader
from vst.media.decode.image_converter import ImageConverter
from vst.media.limits import LIMITS
from vst.media.probe import probe


def png_header(width: int, height: int) -> bytes:
    """A PNG file with a size in its header and almost no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def patched(path: Path, box: bytes, offset: int, *numbers: int) -> Path:
    """A copy with 32-bit numbers written `offset` bytes after the name of a box."""
    content = bytearray(path.read_bytes())
    place = content.index(box) + len(box) + offset
    content[place : place + 4 * len(numbers)] = struct.pack(f">{len(numbers)}I", *numbers)
    target = path.with_name(f"patched-{path.name}")
    target.write_bytes(content)
    return target


def test_a_picture_bomb_is_refused_by_its_header(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_header(60000, 60000))
    with pytest.raises(MediaError, match=r"3,600,000,000 pixels per frame.*set VST_MAX_PIXELS=3600000000$"):
        probe(tmp_path / "bomb.png")
    (tmp_path / "far.png").write_bytes(png_header(2_000_000_000, 2_000_000_000))
    with pytest.raises(MediaError, match=r"far\.png"):
        probe(tmp_path / "far.png")


def test_pillows_own_limit_is_lifted_and_restored(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (40, 40)).save(tmp_path / "p.png")
    assert probe(tmp_path / "p.png").width == 40


def test_a_clip_with_huge_frames_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "c.mp4", frames=2)
    monkeypatch.setenv("VST_MAX_PIXELS", "1000")
    with pytest.raises(
        MediaError, match=r"c\.mp4 has 1,536 pixels per frame, more than the limit of 1,000: if"
    ):
        probe(clip)
    monkeypatch.setenv("VST_MAX_PIXELS", "1536")
    assert probe(clip).width == 48


def test_frames_that_grow_beyond_the_limit_within_a_clip_are_not_decoded(tmp_path, monkeypatch):
    options = {"codec": "mpeg2video", "time_base": Fraction(1, 25)}
    small = make_clip(tmp_path / "a.ts", frames=5, **options)
    large = make_clip(tmp_path / "b.ts", frames=5, width=2560, height=1920, **options)
    (tmp_path / "c.ts").write_bytes(small.read_bytes() + large.read_bytes())
    decoded = []
    monkeypatch.setattr(ImageConverter, "resize", lambda self, picture: decoded.append(picture) or picture)
    monkeypatch.setenv("VST_MAX_PIXELS", "2000")
    reader = Reader(tmp_path / "c.ts")
    assert len(list(reader)) == 10
    assert {picture.image.shape for picture in decoded} == {(3, 32, 48)}
    assert reader.errors > 0
    # The decoder also loses the frame that it holds when the size changes.
    assert reader.repaired == 6


def test_a_clip_whose_header_exceeds_a_limit_is_refused(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "c.mp4", frames=12)
    monkeypatch.setenv("VST_MAX_FRAMES", "11")
    with pytest.raises(MediaError, match=r"12 frames, more than the limit of 11.*VST_MAX_FRAMES=12"):
        probe(clip)
    monkeypatch.delenv("VST_MAX_FRAMES")
    monkeypatch.setenv("VST_MAX_SECONDS", "1")
    with pytest.raises(MediaError, match=r"2 seconds, more than the limit of 1.*VST_MAX_SECONDS=2"):
        probe(make_clip(tmp_path / "long.mp4", frames=40))


def test_a_clip_that_is_longer_than_its_header_ends_at_the_limit(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "c.mkv", frames=12)
    reader = Reader(clip)
    monkeypatch.setenv("VST_MAX_FRAMES", "5")
    reader._limits = {limit: limit.value for limit in LIMITS}
    frames = []
    with pytest.raises(CutShort, match="6 frames, more than the limit of 5"):
        frames.extend(reader)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]


def test_a_sequence_of_too_many_files_is_refused_without_listing_them_all(tmp_path, monkeypatch):
    for number in range(8):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number}.png")
    monkeypatch.setenv("VST_MAX_FRAMES", "5")
    with pytest.raises(MediaError, match="has 6 frames, more than the limit of 5"):
        probe(tmp_path / "%d.png")


def test_a_sample_table_that_exceeds_the_limit_is_refused(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=6)
    with pytest.raises(MediaError, match="has 80,000,000 frames, more than the limit of 1,000,000"):
        probe(patched(clip, b"stsz", 4, 1, 80_000_000))


def test_more_audio_samples_than_the_file_can_hold_are_refused(tmp_path):
    sound = make_clip(tmp_path / "c.mp4", frames=6)
    silent = patched(sound, b"stsz", 4, 7, 80_000_000)
    content = silent.read_bytes().replace(b"vide" + bytes(12), b"soun" + bytes(12))
    silent.write_bytes(content)
    with pytest.raises(MediaError, match=r"80,000,000 samples of 7 bytes, but has .* set VST_MAX_FRAMES="):
        probe(silent)


def test_samples_of_empty_fragments_are_added_up(tmp_path):
    whole = make_clip(tmp_path / "c.mp4", frames=6).read_bytes()

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + kind + body

    run = box(b"trun", struct.pack(">II", 0, 600_000))
    (tmp_path / "f.mp4").write_bytes(whole + 2 * box(b"moof", box(b"traf", run)))
    with pytest.raises(MediaError, match="has 1,200,000 frames"):
        probe(tmp_path / "f.mp4")


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.variable)
def test_every_limit_can_be_raised_and_refuses_invalid_values(monkeypatch, limit):
    monkeypatch.setenv(limit.variable, "1_000_000_000_000")
    assert limit.value == 10**12
    monkeypatch.setenv(limit.variable, "")
    assert limit.value == limit.default
    for wrong in ("many", "-1", "0", "1.5"):
        monkeypatch.setenv(limit.variable, wrong)
        with pytest.raises(UsageError, match=f"{limit.variable} is '{wrong}': expected a whole number"):
            assert limit.value
