"""Reading clips as frames."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import SHARED, Sound, make_clip, yuv_frame
from PIL import Image

from vst.errors import MediaError
from vst.media import Reader
from vst.media.colour.planes import to_rgb
from vst.media.colour.spec import ColourSpec
from vst.media.probe import probe
from vst.media.probe.orientation import Orientation, _from_matrix

UNEVEN = [Fraction(n, 25) for n in (5, 6, 8, 9, 15, 16, 17, 25, 26, 27)]


def test_frames_are_read_in_order_with_exact_times(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=7, rate=Fraction(30000, 1001), time_base=Fraction(1, 30000))
    frames = list(Reader(clip))
    assert [f.index for f in frames] == list(range(7))
    assert [f.time for f in frames] == [Fraction(1001 * n, 30000) for n in range(7)]
    assert {f.duration for f in frames} == {Fraction(1001, 30000)}
    assert {tuple(f.image.shape) for f in frames} == {(3, 32, 48)}
    assert frames[0].image.dtype == torch.float32
    assert frames[0].alpha is None


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
def test_a_variable_frame_rate_is_exact(tmp_path, name):
    frames = list(Reader(make_clip(tmp_path / name, times=UNEVEN)))
    assert [f.time for f in frames] == UNEVEN
    assert [f.duration for f in frames[:-1]] == [b - a for a, b in itertools.pairwise(UNEVEN)]
    assert frames[-1].duration > 0


def test_probe_gives_the_properties_of_a_clip(tmp_path):
    clip = make_clip(
        tmp_path / "c.mp4",
        sound=[Sound(language="fra", rate=44100)],
        chapters=[(0, 0.2, "one"), (0.2, 0.48, "two")],
        colour=(1, 1, 1),
        full_range=False,
        sample_aspect=Fraction(4, 3),
        tags={"title": "A clip"},
    )
    info = probe(clip)
    assert (info.width, info.height, info.frames, info.duration) == (48, 32, 12, Fraction(12, 25))
    assert (info.is_still, info.codec, info.pix_fmt, info.bit_depth) == (False, "h264", "yuv420p", 8)
    assert (info.average_rate, info.time_base, info.sample_aspect) == (
        25,
        Fraction(1, 12800),
        Fraction(4, 3),
    )
    assert (info.colour.matrix, info.colour.full_range, info.colour.matrix_tagged) == ("bt709", False, True)
    assert [(a.codec, a.rate, a.channels, a.language) for a in info.audio] == [("aac", 44100, 1, "fra")]
    assert [(c.start, c.end, c.title) for c in info.chapters] == [
        (0, Fraction(1, 5), "one"),
        (Fraction(1, 5), Fraction(12, 25), "two"),
    ]
    assert info.metadata["title"] == "A clip"


def test_an_assumed_matrix_is_noted(tmp_path):
    info = probe(make_clip(tmp_path / "c.mp4"))
    assert not info.colour.matrix_tagged
    assert any("no colour matrix tag" in note for note in info.notes)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_frames_are_read_upright(tmp_path, rotation, mirrored):
    # Lossless, so that the turned pixels can be compared one by one.
    turned = make_clip(
        tmp_path / "t.mp4",
        frames=2,
        pix_fmt="yuv444p",
        options={"qp": "0"},
        rotation=-rotation,
        hflip=mirrored,
    )
    info = probe(turned)
    (frame, _) = Reader(turned)
    stored = to_rgb(yuv_frame(48, 32, 0, "yuv444p"), info.colour)[0]
    expected = torch.rot90(stored, -rotation // 90, (1, 2))
    if mirrored:
        expected = expected.flip(2)
    assert (info.stored.rotation, info.stored.mirrored) == (rotation, mirrored)
    assert (info.width, info.height) == ((32, 48) if rotation in (90, 270) else (48, 32))
    assert torch.equal(frame.image, expected)


def test_an_odd_angle_becomes_the_nearest_right_angle():
    near = _from_matrix((65000, 5000, 0, -5000, 65000, 0, 0, 0, 1 << 30))
    assert near == Orientation(0, False, exact=False)


def test_a_rotation_inverts_the_sample_aspect(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", sample_aspect=Fraction(4, 3), rotation=90)
    assert probe(clip).sample_aspect == Fraction(3, 4)


@pytest.mark.parametrize(("width", "height"), [(33, 17), (48, 31), (21, 9)])
def test_odd_sizes_are_read_completely(tmp_path, width, height):
    options = {"level": "3"}
    clip = make_clip(
        tmp_path / "c.mkv", frames=2, width=width, height=height, codec="ffv1", options=options
    )
    (frame, _) = Reader(clip)
    expected = to_rgb(yuv_frame(width, height, 0), ColourSpec("bt601", False))[0]
    assert torch.equal(frame.image, expected)


@pytest.mark.parametrize(("pix_fmt", "bits"), [("yuv420p10le", 10), ("yuv422p12le", 12), ("gray16le", 16)])
def test_samples_of_more_than_eight_bits_keep_their_depth(tmp_path, pix_fmt, bits):
    top = (1 << bits) - 1
    clip = make_clip(
        tmp_path / "c.mkv", frames=1, codec="ffv1", options={"level": "3"}, pix_fmt=pix_fmt, top=top
    )
    (frame,) = Reader(clip)
    assert probe(clip).bit_depth == bits
    assert torch.equal(
        frame.image, to_rgb(yuv_frame(48, 32, 0, pix_fmt, top), ColourSpec("bt601", False))[0]
    )


def test_alpha_is_read(tmp_path):
    clip = make_clip(tmp_path / "c.mkv", frames=1, codec="ffv1", options={"level": "3"}, pix_fmt="yuva420p")
    (frame,) = Reader(clip)
    assert probe(clip).has_alpha
    assert tuple(frame.alpha.shape) == (1, 32, 48)
    assert torch.equal(frame.alpha, to_rgb(yuv_frame(48, 32, 0, "yuva420p"), ColourSpec("bt601", False))[1])


def damage(source: Path, target: Path, numbers: set[int], kept: float = 0.0) -> None:
    """Copy a clip and replace the payload of some packets by noise, except for a part at their start."""
    noise = random.Random(1)
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        stream = given.streams.video[0]
        copy = out.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(p for p in given.demux(stream) if p.size):
            if number in numbers:
                good = max(5, int(packet.size * kept))
                payload = bytes(packet)[:good] + noise.randbytes(max(1, packet.size - good))
                broken = av.Packet(payload)
                broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
                broken.duration, broken.is_keyframe = packet.duration, packet.is_keyframe
                packet = broken
            packet.stream = copy
            out.mux_one(packet)


def intra_clip(path: Path, frames: int = 20) -> Path:
    return make_clip(path, frames=frames, codec="ffv1", options={"level": "3", "slicecrc": "1", "g": "1"})


def test_a_damaged_frame_is_replaced_by_its_neighbour(tmp_path):
    clip = intra_clip(tmp_path / "good.mkv")
    damage(clip, tmp_path / "bad.mkv", {0, 5, 6, 19})
    reader = Reader(tmp_path / "bad.mkv")
    frames = list(reader)
    good = list(Reader(clip))
    assert [f.time for f in frames] == [f.time for f in good]
    assert reader.repaired == 4
    assert any("4 damaged frames were replaced" in note for note in reader.notes)
    for number, stand_in in {0: 1, 4: 4, 5: 4, 6: 4, 7: 7, 19: 18}.items():
        assert torch.equal(frames[number].image, good[stand_in].image)


def test_too_many_damaged_frames_in_a_row_end_the_clip_with_what_was_good(tmp_path):
    damage(intra_clip(tmp_path / "good.mkv"), tmp_path / "bad.mkv", set(range(8, 12)))
    frames = []
    with pytest.raises(MediaError, match="4 frames in a row cannot be decoded"):
        frames.extend(Reader(tmp_path / "bad.mkv", max_damaged=3))
    assert [f.index for f in frames] == list(range(8))


def test_the_error_for_one_damaged_frame_is_singular(tmp_path):
    damage(intra_clip(tmp_path / "good.mkv"), tmp_path / "bad.mkv", {8})
    with pytest.raises(
        MediaError, match=r"damaged: 1 frame cannot be decoded \(more than 0, --max-damaged\)"
    ):
        list(Reader(tmp_path / "bad.mkv", max_damaged=0))


def test_frames_with_concealed_errors_are_counted(tmp_path):
    clip = make_clip(tmp_path / "good.mp4", codec="libx264")
    damage(clip, tmp_path / "bad.mp4", {0}, kept=0.5)
    good, bad = Reader(clip), Reader(tmp_path / "bad.mp4")
    assert len(list(good)) == len(list(bad)) == 12
    assert (good.concealed, bad.concealed, bad.repaired) == (0, 1, 0)
    said = "1 frame was decoded only in part; the decoder concealed the rest"
    assert said in bad.notes
    assert said not in good.notes


def test_frames_that_are_lost_without_an_error_are_repaired(tmp_path):
    clip = make_clip(tmp_path / "good.mp4", frames=30, codec="mpeg4")
    damage(clip, tmp_path / "bad.mp4", {5, 6})
    frames = list(Reader(tmp_path / "bad.mp4"))
    assert [f.time for f in frames] == [Fraction(n, 25) for n in range(30)]


def test_a_truncated_file_is_read_to_its_end_with_a_note(tmp_path):
    whole = intra_clip(tmp_path / "c.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 6 // 10])
    reader = Reader(tmp_path / "cut.mkv")
    frames = list(reader)
    assert 8 <= len(frames) <= 13
    assert any("may be cut short" in note for note in reader.notes)


def test_a_file_that_holds_only_a_header_has_no_frame(tmp_path):
    whole = intra_clip(tmp_path / "c.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[:700])
    with pytest.raises(MediaError, match=r"cut\.mkv (has no frame|is not a media file)"):
        Reader(tmp_path / "cut.mkv")


def test_a_reader_cannot_be_iterated_twice(tmp_path):
    reader = Reader(make_clip(tmp_path / "c.mp4", frames=2))
    assert len(list(reader)) == 2
    with pytest.raises(MediaError, match="one pass"):
        list(reader)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", r"empty\.mp4 is empty \(0 bytes\)"),
        ("text.mp4", b"this is no video\n" * 40, r"text\.mp4 is not a media file"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", r"list\.m3u8 is not a media file"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 50, r"cut\.jpg is not a picture"),
    ],
)
def test_a_file_that_is_not_a_clip_is_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match=message) as caught:
        probe(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file_gets_the_nearest_name(tmp_path):
    make_clip(tmp_path / "holiday.mp4", frames=1)
    with pytest.raises(MediaError, match=r"holidy\.mp4 does not exist; did you mean holiday\.mp4\?"):
        probe(tmp_path / "holidy.mp4")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(MediaError, match=r"is a folder: .*%04d\.png; .* vst batch"):
        probe(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_read_permission_is_refused(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=1)
    clip.chmod(0)
    with pytest.raises(MediaError, match="permission denied"):
        probe(clip)


def test_audio_without_video_is_refused(tmp_path):
    with av.open(str(tmp_path / "s.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        stream.codec_context.layout = "mono"
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), "<i2"), "s16", "mono")
        samples.sample_rate = 8000
        out.mux(stream.encode(samples))
    with pytest.raises(MediaError, match="has audio but no video stream"):
        probe(tmp_path / "s.wav")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_a_picture_is_a_clip_of_one_frame(tmp_path, suffix):
    pixels = np.arange(12 * 20 * 3, dtype=np.uint8).reshape(12, 20, 3)
    Image.fromarray(pixels).save(
        tmp_path / f"p{suffix}", **({"lossless": True} if suffix == ".webp" else {})
    )
    reader = Reader(tmp_path / f"p{suffix}")
    (frame,) = reader
    assert (reader.info.is_still, reader.info.width, reader.info.height, reader.info.frames) == (
        True,
        20,
        12,
        1,
    )
    assert (frame.index, frame.time, frame.alpha) == (0, 0, None)
    if suffix != ".jpg":
        assert torch.equal(
            (frame.image * 255).round().to(torch.uint8), torch.from_numpy(pixels).permute(2, 0, 1)
        )


def test_a_picture_is_oriented_by_its_exif_data_and_keeps_its_alpha(tmp_path):
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[0, 0] = (255, 0, 0, 128)
    exif = Image.Exif()
    exif[0x0112] = 6  # stands upright after a quarter turn clockwise
    Image.fromarray(pixels).save(tmp_path / "p.png", exif=exif)
    info = probe(tmp_path / "p.png")
    (frame,) = Reader(tmp_path / "p.png")
    assert (info.width, info.height, info.has_alpha) == (4, 6, True)
    assert frame.image[:, 0, 3].tolist() == [1, 0, 0]
    assert frame.alpha[0, 0, 3].item() == pytest.approx(128 / 255)


def test_a_picture_above_the_pixel_limit_is_refused(tmp_path, monkeypatch):
    Image.new("RGB", (40, 40)).save(tmp_path / "p.png")
    monkeypatch.setenv("VST_MAX_PIXELS", "100")
    with pytest.raises(MediaError, match=r"1,600 pixels per frame.*limit of 100.*set VST_MAX_PIXELS=1600"):
        probe(tmp_path / "p.png")


ODD = sorted((SHARED / "odd").glob("*")) if (SHARED / "odd").is_dir() else []
REFUSED = ("audio_only", "aac-tracks")


@pytest.mark.skipif(not ODD, reason="../shared/data/odd is not here")
@pytest.mark.parametrize("clip", [p for p in ODD if "4k" not in p.name], ids=lambda path: path.name)
def test_odd_files_are_read_or_refused_in_one_line(clip):
    if any(name in clip.name for name in REFUSED):
        with pytest.raises(MediaError, match=r"^[^\n]*has audio but no video stream[^\n]*$"):
            Reader(clip)
        return
    with Reader(clip) as reader:
        for frame in reader:
            assert tuple(frame.image.shape) == (3, reader.info.height, reader.info.width)
            assert frame.image.isfinite().all()
            assert frame.duration > 0
            if frame.index == 2:
                break


@pytest.mark.parametrize("name", ["c.mkv", "c.mp4", "c.mov", "c.ts"])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(2)])
def test_a_clip_that_starts_late_has_its_own_duration(tmp_path, name, start):
    clip = make_clip(tmp_path / name, times=[start + Fraction(n, 25) for n in range(12)])
    with Reader(clip) as reader:
        count = len(list(reader))
    assert count == 12
    assert reader.info.duration == pytest.approx(Fraction(12, 25), abs=0.05)
    assert reader.info.frames in (None, 11, 12)
    assert not [note for note in reader.notes if "cut short" in note]


def test_a_clip_that_is_cut_short_is_noted_with_both_lengths(tmp_path):
    info = probe(make_clip(tmp_path / "c.mkv", frames=12))
    reader = Reader(tmp_path / "c.mkv")
    reader.info = dataclasses.replace(info, duration=Fraction(2))
    assert len(list(reader)) == 12
    assert any("lasts 0.480 s, but the file states a duration of 2.000 s" in note for note in reader.notes)
