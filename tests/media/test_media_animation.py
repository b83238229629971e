"""Animated GIF, PNG and WebP: frames, delays, number of plays and transparency, in and out."""

from __future__ import annotations

import itertools
import struct
import zlib
from contextlib import suppress
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest
from clips import Sound, make_clip
from PIL import Image

from vst.errors import CutShort, MediaError, UsageError
from vst.media import Encoding, Reader, open_writer
from vst.media.probe import probe
from vst.media.stills.animate import ANIMATIONS, plan_timing
from vst.media.stills.animation import animation_of

DELAYS = (100, 20, 70, 250, 40, 330)
NAMES = ("a.gif", "a.png", "a.webp")


def pictures(count=6, width=40, height=24, alpha=False):
    """A box that moves, and with alpha a hole that moves too."""
    frames = []
    for number in range(count):
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[..., :3], pixels[..., 3] = 40 * number % 200 + 20, 255
        pixels[2:8, 2 + number : 8 + number, :3] = (255, 10 * number % 256, 0)
        if alpha:
            pixels[10:, 3 * number : 10 + 3 * number, 3] = 0
        frames.append(Image.fromarray(pixels))
    return frames


def animate(path, frames=None, delays=DELAYS, **options):
    frames = pictures() if frames is None else frames
    options = {"lossless": True, **options} if path.suffix == ".webp" else options
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=list(delays), **options)
    return path


def copy(source, target, encoding=None, count=None, **options):
    with Reader(source, **options) as reader, open_writer(target, reader.info, encoding) as writer:
        for frame in itertools.islice(reader, count):
            writer.write(frame)
    return reader, writer


def shown(path):
    """What Pillow reads: the frames as RGBA, and the delays in milliseconds."""
    frames, delays = [], []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(np.array(image.convert("RGBA")).astype(int))
            delays.append(image.info.get("duration"))
    return frames, delays


def largest_difference(one, two):
    """Of alpha everywhere, and of the colours of pixels that are not transparent."""
    pairs = [(a, b) for a, b in zip(one, two, strict=True)]
    return max(max(np.abs(a - b)[..., 3].max(), (np.abs(a - b) * (a[..., 3:] > 0)).max()) for a, b in pairs)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", ["o.gif", "o.png", "o.apng", "o.webp"])
def test_animations_keep_frames_delays_and_transparency(tmp_path, source, target, alpha):
    animate(tmp_path / source, pictures(alpha=alpha), disposal=2 if source == "a.gif" else 0)
    encoding = Encoding(crf=0) if target == "o.webp" else None
    reader, writer = copy(tmp_path / source, tmp_path / target, encoding)
    before, after = shown(tmp_path / source), shown(tmp_path / target)
    assert largest_difference(before[0], after[0]) == 0
    assert [round(delay) for delay in after[1]] == list(DELAYS)
    assert writer.frames == reader.info.frames == len(DELAYS)
    assert reader.info.duration == Fraction(sum(DELAYS), 1000)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(NAMES, NAMES)))
@pytest.mark.parametrize("plays", [0, 1, 2, 7])
def test_the_number_of_plays_is_kept(tmp_path, source, target, plays):
    # A GIF counts repetitions.
    loop = {"loop": plays - 1 if plays else 0} if source == "a.gif" else {"loop": plays}
    animate(tmp_path / source, **({} if source == "a.gif" and plays == 1 else loop))
    assert probe(tmp_path / source).plays == plays
    copy(tmp_path / source, tmp_path / f"o{target}")
    assert animation_of(tmp_path / f"o{target}").plays == plays


@pytest.mark.parametrize("name", NAMES)
def test_the_times_of_frames_are_the_sums_of_the_delays(tmp_path, name):
    frames = list(Reader(animate(tmp_path / name)))
    starts = [Fraction(sum(DELAYS[:number]), 1000) for number in range(len(DELAYS))]
    assert [frame.time for frame in frames] == starts
    assert frames[-1].duration == Fraction(DELAYS[-1], 1000)


@pytest.mark.parametrize("name", NAMES)
def test_reading_may_begin_in_the_middle(tmp_path, name):
    animate(tmp_path / name)
    whole = list(Reader(tmp_path / name))
    reader = Reader(tmp_path / name)
    reader.begin_at(4)
    for one, two in zip(whole[4:], reader, strict=True):
        assert (one.image - two.image).abs().max() == 0
        assert (one.index, one.time, one.duration) == (two.index, two.time, two.duration)


@pytest.mark.parametrize("name", NAMES)
def test_delays_of_zero_are_shown_as_long_as_browsers_show_them(tmp_path, name):
    animate(tmp_path / name, delays=(0,) * 6)
    copy(tmp_path / name, tmp_path / f"o{name}")
    assert [round(delay) for delay in shown(tmp_path / f"o{name}")[1]] == [100] * 6


def test_huge_delays_are_kept(tmp_path):
    delays = (655_350, 10, 655_350, 20)
    animate(tmp_path / "a.gif", pictures(4), delays)
    copy(tmp_path / "a.gif", tmp_path / "o.gif")
    assert shown(tmp_path / "o.gif")[1] == [655_350, 100, 655_350, 20]


def test_a_delay_that_gif_cannot_hold_repeats_the_frame(tmp_path):
    animate(tmp_path / "a.png", pictures(3), (1_000_000, 500, 700))
    copy(tmp_path / "a.png", tmp_path / "o.gif")
    frames, delays = shown(tmp_path / "o.gif")
    assert sum(delays) == 1_001_200
    assert max(delays) <= 655_350
    assert np.array_equal(frames[0], frames[1])


def test_frames_smaller_than_the_canvas_are_composed(tmp_path):
    frames = pictures()
    animate(tmp_path / "a.gif", frames, optimize=True)
    with av.open(str(tmp_path / "a.gif")) as container:
        sizes = {packet.size for packet in container.demux() if packet.size}
    assert len(sizes) > 1  # Pillow stores only what changes.
    for frame, picture in zip(Reader(tmp_path / "a.gif"), frames, strict=True):
        expected = np.array(picture)[..., :3].transpose(2, 0, 1) / 255
        assert np.abs(frame.image.numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_an_animation_of_one_pixel_is_copied(tmp_path, name):
    animate(tmp_path / name, [Image.new("RGB", (1, 1), (30 * n, 0, 0)) for n in range(6)])
    copy(tmp_path / name, tmp_path / f"o{name}", Encoding(crf=0) if name == "a.webp" else None)
    before, after = shown(tmp_path / name), shown(tmp_path / f"o{name}")
    assert largest_difference(before[0], after[0]) == 0


def test_a_damaged_frame_in_the_middle_of_a_gif_is_replaced(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (6, 24, 40), np.uint8)
    animate(tmp_path / "a.gif", [Image.fromarray(each) for each in noise])
    data = bytearray((tmp_path / "a.gif").read_bytes())
    with av.open(str(tmp_path / "a.gif")) as container:
        packet = [bytes(packet) for packet in container.demux() if packet.size][3]
    start = data.index(packet) + len(packet) // 2
    data[start : start + 8] = bytes(each ^ 0xFF for each in data[start : start + 8])
    (tmp_path / "d.gif").write_bytes(data)
    assert len(animation_of(tmp_path / "d.gif").delays) == 6
    reader, writer = copy(tmp_path / "d.gif", tmp_path / "o.gif")
    assert writer.frames == 6
    assert reader.info.duration == Fraction(sum(DELAYS), 1000)


def spoil_webp_frame(path, number):
    data = bytearray(path.read_bytes())
    at, found = 12, 0
    while data[at : at + 4] != b"ANMF" or found < number:
        found += data[at : at + 4] == b"ANMF"
        at += 8 + (size := int.from_bytes(data[at + 4 : at + 8], "little")) + size % 2
    data[at + 40 : at + 70] = bytes([255] * 30)
    path.write_bytes(data)


def test_a_damaged_frame_of_a_webp_is_replaced_up_to_the_end(tmp_path):
    animate(tmp_path / "a.webp")
    spoil_webp_frame(tmp_path / "a.webp", 3)
    reader = Reader(tmp_path / "a.webp")
    frames = list(reader)
    assert len(frames) == 6
    assert all((frame.image - frames[2].image).abs().max() == 0 for frame in frames[3:])
    assert any("3 damaged frames were replaced" in note for note in reader.notes)
    with pytest.raises(CutShort, match="3 frames in a row cannot be decoded"):
        list(Reader(tmp_path / "a.webp", max_damaged=2))


@pytest.mark.parametrize("name", NAMES)
def test_an_animation_that_is_cut_short_is_read_as_far_as_it_goes_or_refused(tmp_path, name):
    data = animate(tmp_path / name).read_bytes()
    for size in range(1, len(data), 7):
        (tmp_path / f"c{name}").write_bytes(data[:size])
        with suppress(MediaError):
            assert len(list(Reader(tmp_path / f"c{name}"))) <= 6


@pytest.mark.parametrize("name", [*NAMES, "a.avif"])
def test_one_frame_is_a_picture(tmp_path, name):
    picture = pictures(1)[0].convert("RGB")
    picture.save(tmp_path / name)
    info = probe(tmp_path / name)
    assert info.is_still
    copy(tmp_path / name, tmp_path / f"o{name}")
    assert probe(tmp_path / f"o{name}").is_still
    one, two = Image.open(tmp_path / name).convert("RGB"), Image.open(tmp_path / f"o{name}").convert("RGB")
    assert np.abs(np.array(one).astype(int) - np.array(two)).max() <= (12 if name == "a.avif" else 0)


def test_an_animation_with_one_frame_is_a_picture(tmp_path):
    animate(tmp_path / "a.png", pictures(2), DELAYS[:2])
    data = (tmp_path / "a.png").read_bytes()
    control = data.rindex(b"fcTL")
    chunk = b"acTL" + struct.pack(">II", 1, 0)
    start = data.index(b"acTL") - 4
    data = data[: control - 4] + data[data.rindex(b"IEND") - 4 :]
    data = data[: start + 4] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[start + 20 :]
    (tmp_path / "a.png").write_bytes(data)
    assert probe(tmp_path / "a.png").is_still
    assert len(list(Reader(tmp_path / "a.png"))) == 1


@pytest.mark.parametrize("name", ["o.gif", "o.webp", "o.apng"])
def test_a_clip_becomes_an_animation_by_the_name_of_the_output(tmp_path, name):
    clip = make_clip(tmp_path / "c.mp4", sound=[Sound()])
    _, writer = copy(clip, tmp_path / name, Encoding(crf=0) if name == "o.webp" else None)
    frames, delays = shown(tmp_path / name)
    assert (len(frames), [round(delay) for delay in delays]) == (12, [40] * 12)
    assert animation_of(tmp_path / name).plays == 0
    assert any("animated pictures cannot store audio" in note for note in writer.notes)
    for frame, picture in zip(Reader(clip), frames, strict=True):
        difference = np.abs(frame.image.clamp(0, 1).numpy().transpose(1, 2, 0) * 255 - picture[..., :3])
        assert difference.mean() < (8 if name == "o.gif" else 0.6)


def test_a_clip_becomes_an_animated_png_only_if_that_is_asked_for(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=3)
    with pytest.raises(UsageError, match=r"the clip has several frames: choose a video extension, \.gif"):
        copy(clip, tmp_path / "o.png")
    copy(clip, tmp_path / "o.png", Encoding("apng"))
    assert len(shown(tmp_path / "o.png")[0]) == 3


@pytest.mark.parametrize("name", ["o.webp", "o.png", "o.gif"])
def test_one_frame_of_a_clip_is_a_picture(tmp_path, name):
    clip = make_clip(tmp_path / "c.mp4", frames=3)
    copy(clip, tmp_path / name, count=1)
    assert probe(tmp_path / name).is_still
    if name != "o.gif":
        (first, *_), (again,) = Reader(clip), Reader(tmp_path / name)
        assert (first.image.clamp(0, 1) - again.image).abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("name", "encoding", "message"),
    [
        ("o.gif", Encoding("h264"), r"codec h264 is not supported in \.gif: use gif"),
        ("o.gif", Encoding("webp"), r"codec webp is not supported in \.gif: use gif"),
        ("o.mkv", Encoding("gif"), r"codec gif is for animated pictures: use the extension \.gif"),
        ("o.gif", Encoding(crf=3), "codec gif has no quality setting: leave --crf out"),
        ("o.webp", Encoding(crf=101), r"--crf 101 is out of range for webp: use 0 \(lossless\) to 100"),
        ("o.gif", Encoding(pix_fmt="yuv420p"), "GIF does not support pixel format yuv420p"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, name, encoding, message):
    with pytest.raises(UsageError, match=message):
        copy(animate(tmp_path / "a.gif"), tmp_path / name, encoding)
    assert [each.name for each in tmp_path.iterdir()] == ["a.gif"]


def test_lossy_webp_is_smaller_than_lossless(tmp_path):
    clip = make_clip(tmp_path / "c.mp4")
    sizes = []
    for crf in (0, 5, None, 60):
        copy(clip, tmp_path / f"{crf}.webp", Encoding(crf=crf))
        sizes.append((tmp_path / f"{crf}.webp").stat().st_size)
    assert sizes[1] > sizes[2] > sizes[3]


def test_a_sixteen_bit_apng_keeps_its_bits(tmp_path):
    values = np.arange(24 * 40 * 3, dtype=np.uint16).reshape(24, 40, 3) * 22
    with av.open(str(tmp_path / "a.apng"), "w", format="apng") as out:
        stream = out.add_stream("apng", rate=5)
        stream.width, stream.height, stream.pix_fmt = 40, 24, "rgb48be"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(values + number, format="rgb48le").reformat(format="rgb48be")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    copy(tmp_path / "a.apng", tmp_path / "o.png")
    assert probe(tmp_path / "o.png").bit_depth == 16
    for one, two in zip(Reader(tmp_path / "a.apng"), Reader(tmp_path / "o.png"), strict=True):
        assert (one.image - two.image).abs().max() == 0


def test_delays_are_rounded_without_drift():
    times = [Fraction(number, 15) for number in range(300)]
    timing = plan_timing(ANIMATIONS["gif"], times, Fraction(300, 15), 0)
    assert timing.end == 2000
    assert all(
        abs(Fraction(tick, 100) - time) <= Fraction(1, 200)
        for tick, time in zip(timing.ticks, times, strict=True)
    )
    assert timing.left_out == 0


@pytest.mark.parametrize(
    ("rate", "kept"),
    [(Fraction(50), 100), (Fraction(60), 50), (Fraction(60000, 1001), 50), (Fraction(100), 50)],
)
def test_frames_faster_than_gif_shows_are_left_out_and_the_speed_is_kept(rate, kept):
    times = [number / rate for number in range(100)]
    timing = plan_timing(ANIMATIONS["gif"], times, 100 / rate, 0)
    assert 100 - timing.left_out == kept
    assert abs(timing.end / 100 - 100 / rate) < 0.03
    shown_ticks = [tick for tick in timing.ticks if tick is not None]
    assert min(b - a for a, b in itertools.pairwise((*shown_ticks, timing.end))) >= 2


def test_leaving_out_frames_is_noted(tmp_path):
    clip = make_clip(tmp_path / "c.mp4", frames=20, rate=Fraction(100))
    _, writer = copy(clip, tmp_path / "o.gif")
    assert any("10 of 20 frames are left out: GIF shows at most 50 frames/s" in n for n in writer.notes)
    assert shown(tmp_path / "o.gif")[1] == [20] * 10


def test_colours_of_a_gif_do_not_change_where_the_picture_does_not(tmp_path):
    ramp = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    frames = []
    for number in range(4):
        pixels = ramp.copy()
        pixels[:8, number * 8 : number * 8 + 8] = (255, 0, 255)
        frames.append(Image.fromarray(pixels))
    animate(tmp_path / "a.webp", frames, DELAYS[:4])
    copy(tmp_path / "a.webp", tmp_path / "o.gif")
    after = shown(tmp_path / "o.gif")[0]
    assert all(np.array_equal(each[8:], after[0][8:]) for each in after)


def test_a_resumed_animation_is_the_same_file(tmp_path):
    clip = make_clip(tmp_path / "c.mp4")
    for name in ("o.gif", "o.webp", "o.apng"):
        copy(clip, tmp_path / name)
        reader = Reader(clip)
        frames = list(reader)
        writer = open_writer(tmp_path / f"r{name}", reader.info, segment_frames=4, resumable=True)
        writer.start()
        for frame in frames[:7]:
            writer.write(frame)
        writer.abort()
        assert writer.kept_frames == 4
        writer = open_writer(tmp_path / f"r{name}", reader.info, segment_frames=4, resumable=True)
        writer.resume(writer.work.finished())
        for frame in frames[4:]:
            writer.write(frame)
        writer.finish()
        assert (tmp_path / f"r{name}").read_bytes() == (tmp_path / name).read_bytes()


def test_a_number_of_frames_above_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VST_MAX_FRAMES", "3")
    for name in NAMES:
        with pytest.raises(MediaError, match="frames, more than the limit of 3"):
            probe(animate(tmp_path / name))


def test_a_large_canvas_is_refused_from_its_header(tmp_path, monkeypatch):
    for name in NAMES:
        animate(tmp_path / name)
    monkeypatch.setenv("VST_MAX_PIXELS", "10")
    for name in NAMES:
        with pytest.raises(MediaError, match="more than the limit of 10"):
            probe(tmp_path / name)


def test_damaged_blocks_end_the_search_for_frames(tmp_path):
    chunk = struct.pack(">I4sII", 8, b"acTL", 2, 0)
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 1 << 31, b"IHDR") + chunk
    for number, data in enumerate(
        (
            b"GIF89a",
            b"GIF89a" + bytes(7) + b"\x2c",
            png,
            b"RIFF\0\0\0\0WEBPANIM\2\0\0\0\0\0",
            b"RIFF\0\0\0\0WEBPANMF\0\0\0\0",
        )
    ):
        (tmp_path / f"{number}").write_bytes(data)
        assert animation_of(tmp_path / f"{number}") is None


def test_an_animated_avif_is_a_clip(tmp_path):
    out = BytesIO()
    frames = [each.convert("RGB") for each in pictures(3)]
    frames[0].save(out, "AVIF", save_all=True, append_images=frames[1:], duration=100)
    (tmp_path / "a.avif").write_bytes(out.getvalue())
    assert not probe(tmp_path / "a.avif").is_still
    assert len(list(Reader(tmp_path / "a.avif"))) == 3


def test_a_gif_has_alpha_only_where_a_pixel_can_be_transparent(tmp_path):
    animate(tmp_path / "opaque.gif")
    animate(tmp_path / "cleared.gif", disposal=2)
    animate(tmp_path / "holes.gif", pictures(alpha=True), disposal=2)
    data = bytearray((tmp_path / "opaque.gif").read_bytes())
    data[data.index(b"\x2c\0\0\0\0\x28\0\x18\0") + 1] = 1  # The first frame begins at column 1.
    (tmp_path / "small.gif").write_bytes(data)
    found = {path.stem: probe(path).has_alpha for path in tmp_path.iterdir()}
    assert found == {"opaque": False, "cleared": True, "holes": True, "small": True}
    _, writer = copy(tmp_path / "opaque.gif", tmp_path / "o.mp4")
    assert not any("alpha" in note for note in writer.notes)
    copy(tmp_path / "opaque.gif", tmp_path / "o.mkv", Encoding("ffv1"))
    one, two = Reader(tmp_path / "opaque.gif"), Reader(tmp_path / "o.mkv")
    assert all((a.image - b.image).abs().max() == 0 for a, b in zip(one, two, strict=True))
