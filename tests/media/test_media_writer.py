"""Writing frames to files."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import Sound, make_clip, packets
from PIL import Image

from vst.errors import MediaError, UsageError
from vst.frame import Frame
from vst.media import CODECS, CONTAINERS, ColourSpec, Encoding, Reader, Writer, open_writer
from vst.media.encode import video_writer
from vst.media.probe import probe
from vst.media.segments.encoder import read_packets
from vst.media.segments.work_folder import WorkFolder

UNEVEN = [Fraction(n, 25) for n in (5, 6, 8, 9, 15, 16, 17, 25, 26, 27)]


def render(
    source: Path, target: Path, codec: str | None = None, *, cuts: tuple[int, ...] = (), **options
) -> Writer:
    """Copy every frame, with a cut before each frame of `cuts`."""
    encoding = options.pop("encoding", None) or Encoding(codec)
    with Reader(source) as reader, open_writer(target, reader.info, encoding, **options) as writer:
        for frame in reader:
            if frame.index in cuts:
                writer.cut()
            writer.write(frame)
    return writer


def large_enough(codec: str) -> dict[str, int]:
    """A size that the codec supports."""
    width, height = CODECS[codec].min_size
    return {"width": max(width, 80), "height": max(height, 72)}


def times(path: Path) -> list[Fraction]:
    return [frame.time for frame in Reader(path)]


def video_stamps(path: Path) -> list[tuple[Fraction, Fraction]]:
    """Decoding and presentation time of every video packet."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [p for p in container.demux(stream) if p.size and p.dts is not None]
        return [(p.dts * p.time_base, p.pts * p.time_base) for p in found]


# Timing


@pytest.mark.parametrize("name", ["o.mp4", "o.mov", "o.mkv"])
def test_a_variable_frame_rate_survives_across_segments(tmp_path, name):
    source = make_clip(tmp_path / "c.mp4", times=UNEVEN)
    render(source, tmp_path / name, segment_frames=4)
    tick = probe(tmp_path / name).time_base
    assert all(abs(a - b) <= tick for a, b in zip(times(tmp_path / name), UNEVEN, strict=True))


def test_the_output_has_the_time_base_of_the_source(tmp_path):
    source = make_clip(tmp_path / "c.mp4", rate=Fraction(30000, 1001), time_base=Fraction(1, 30000))
    render(source, tmp_path / "o.mp4")
    assert probe(tmp_path / "o.mp4").time_base == Fraction(1, 30000)
    assert times(tmp_path / "o.mp4") == times(source)


def test_the_last_frame_keeps_the_duration_of_the_source(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=5)
    render(source, tmp_path / "o.mp4")
    assert [f.duration for f in Reader(tmp_path / "o.mp4")] == [Fraction(1, 25)] * 5


@pytest.mark.parametrize(("name", "codec"), [("o.mp4", "h264"), ("o.mov", "h265"), ("o.mkv", "h264")])
@pytest.mark.parametrize("length", [Fraction(1, 100), Fraction(1, 25), Fraction(3)])
@pytest.mark.parametrize(("frames", "longest"), [(1, 240), (3, 240), (11, 4)])
def test_the_last_frame_has_its_own_duration(tmp_path, name, codec, length, frames, longest):
    info = probe(make_clip(tmp_path / "c.mp4", frames=1, width=80, height=72))
    with open_writer(tmp_path / name, info, Encoding(codec), segment_frames=longest) as writer:
        for n in range(frames):
            duration = length if n + 1 == frames else Fraction(1, 25)
            image = torch.full((3, 72, 80), n / 20)
            writer.write(Frame(n, Fraction(n, 25), duration, image))
    shown = list(Reader(tmp_path / name))
    assert [frame.time for frame in shown] == [Fraction(n, 25) for n in range(frames)]
    assert shown[-1].duration == length
    stamps = [(dts, pts) for dts, pts in video_stamps(tmp_path / name)]
    assert all(dts <= pts for dts, pts in stamps)
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(stamps))


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_decoding_times_increase_and_never_exceed_presentation_times(tmp_path, codec):
    source = make_clip(
        tmp_path / "c.mp4", times=[Fraction(n * n + n, 100) for n in range(40)], width=80, height=72
    )
    render(source, tmp_path / "o.mp4", codec, segment_frames=13, cuts=(5, 30))
    stamps = video_stamps(tmp_path / "o.mp4")
    decoding = [dts for dts, _ in stamps]
    assert len(stamps) == 40
    assert all(a < b for a, b in itertools.pairwise(decoding))
    assert all(dts <= pts for dts, pts in stamps)
    assert any(dts < pts for dts, pts in stamps)
    assert times(tmp_path / "o.mp4") == times(source)


def test_frames_closer_than_a_tick_are_all_kept(tmp_path):
    source = make_clip(
        tmp_path / "c.mp4", times=[Fraction(n, 5000) for n in range(6)], time_base=Fraction(1, 10000)
    )
    writer = render(source, tmp_path / "o.mkv")
    assert len(times(tmp_path / "o.mkv")) == 6
    assert any("one tick apart" in note for note in writer.notes)


def test_a_broadcast_stream_that_starts_after_hours_starts_at_zero(tmp_path):
    late = [Fraction(40000) + Fraction(n, 25) for n in range(6)]
    source = make_clip(tmp_path / "c.ts", times=late, time_base=Fraction(1, 90000))
    begin = times(source)[0]
    writer = render(source, tmp_path / "o.mp4")
    assert begin > 39000
    assert times(tmp_path / "o.mp4") == [Fraction(n, 25) for n in range(6)]
    assert any("start at 0 instead of" in note for note in writer.notes)


# Segments


def test_a_cut_begins_a_segment_and_a_long_shot_is_divided(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=20)
    reader = Reader(source)
    writer = open_writer(tmp_path / "o.mp4", reader.info, segment_frames=8)
    for frame in reader:
        if frame.index == 5:
            writer.cut()
        writer.write(frame)
    assert [s.frames for s in writer.work.finished()] == [5, 8]
    writer.finish()
    assert len(times(tmp_path / "o.mp4")) == 20
    with av.open(str(tmp_path / "o.mp4")) as container:
        keys = [p.pts * p.time_base for p in container.demux(video=0) if p.size and p.is_keyframe]
    assert set(keys) >= {Fraction(0), Fraction(5, 25), Fraction(13, 25)}


def test_a_cut_without_frames_does_nothing(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=6)
    render(source, tmp_path / "o.mp4", cuts=(0, 3), segment_frames=3)
    assert len(times(tmp_path / "o.mp4")) == 6


def test_joined_segments_decode_as_each_does_alone(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=12)
    render(source, tmp_path / "whole.mp4", cuts=(5,))
    joined = list(Reader(tmp_path / "whole.mp4"))
    for begin, end in ((0, 5), (5, 12)):
        reader = Reader(source)
        with open_writer(tmp_path / f"{begin}.mp4", reader.info) as alone:
            for frame in reader:
                if begin <= frame.index < end:
                    alone.write(frame)
        for ours, theirs in zip(joined[begin:end], Reader(tmp_path / f"{begin}.mp4"), strict=True):
            assert torch.equal(ours.image, theirs.image)


def test_a_segment_counts_as_finished_only_with_its_record(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=9)
    reader = Reader(source)
    writer = open_writer(tmp_path / "o.mp4", reader.info, segment_frames=4)
    for frame in reader:
        writer.write(frame)
    store = writer.work
    first, second = store.finished()
    assert sorted(number for number, _ in read_packets(store, first)) == [0, 1, 2, 3]
    assert second.pts == [round(Fraction(n, 25) * 12800) for n in range(4, 8)]
    with store.video(1).open("ab") as file:
        file.write(b"x")
    assert store.finished() == [first]
    store.record(0).write_text("{")
    assert store.finished() == []
    writer.abort()


def test_segments_of_different_settings_are_not_joined(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=8)
    stores = []
    for number, pix_fmt in enumerate(("yuv420p", "yuv444p")):
        reader = Reader(source)
        work = tmp_path / f"work{number}"
        encoding = Encoding(pix_fmt=pix_fmt)
        work.mkdir()
        output = tmp_path / f"o{number}.mp4"
        writer = open_writer(output, reader.info, encoding, work_dir=work, segment_frames=4)
        for frame in reader:
            writer.write(frame)
        stores.append(writer.work)
    os.replace(stores[0].video(1), stores[1].video(1))
    with pytest.raises(MediaError, match="other settings"):
        writer.finish()
    assert not output.exists()


@pytest.mark.parametrize("codec", [name for name in CODECS if name != "ffv1"])
def test_two_runs_give_the_same_video(tmp_path, codec):
    source = make_clip(tmp_path / "c.mp4", frames=9, **large_enough(codec))
    suffix = CODECS[codec].containers[0]
    for name in ("a", "b"):
        render(source, tmp_path / f"{name}.{suffix}", codec, segment_frames=5)
    one, two = (packets(tmp_path / f"{name}.{suffix}", "video") for name in ("a", "b"))
    assert one == two


# Sound, subtitles, chapters, tags


@pytest.mark.parametrize("name", ["o.mp4", "o.mov", "o.mkv"])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 10)])
def test_audio_is_copied_with_its_offset(tmp_path, name, start):
    source = make_clip(tmp_path / "c.mp4", times=UNEVEN, sound=[Sound(start=start, language="fra")])
    writer = render(source, tmp_path / name, segment_frames=4)
    before, after = packets(source, "audio"), packets(tmp_path / name, "audio")
    assert [payload for _, payload in after] == [payload for _, payload in before]
    tick = Fraction(1, 1000) if name.endswith("mkv") else Fraction(1, 48000)
    assert all(abs(a - b) <= tick for (a, _), (b, _) in zip(after, before, strict=True))
    assert [a.language for a in probe(tmp_path / name).audio] == ["fra"]
    assert writer.notes == ()


def test_audio_that_starts_late_is_refused_in_avi(tmp_path):
    source = make_clip(tmp_path / "c.mp4", sound=[Sound(start=Fraction(1, 5))])
    with pytest.raises(
        UsageError,
        match=r"the audio starts 0\.179 s after the video, but \.avi has no start times: use \.mp4",
    ):
        open_writer(tmp_path / "o.avi", probe(source))


def test_every_audio_stream_is_kept_in_order(tmp_path):
    source = make_clip(
        tmp_path / "c.mkv", sound=[Sound("pcm_s16le", language="eng"), Sound(language="fra")]
    )
    render(source, tmp_path / "o.mkv")
    assert [(a.codec, a.language) for a in probe(tmp_path / "o.mkv").audio] == [
        ("pcm_s16le", "eng"),
        ("aac", "fra"),
    ]
    for number in range(2):
        assert packets(tmp_path / "o.mkv", "audio", number) == packets(source, "audio", number)


def test_audio_that_the_container_does_not_support_is_converted_with_a_note(tmp_path):
    source = make_clip(tmp_path / "c.mkv", sound=[Sound("aac", start=Fraction(1, 5))], frames=30)
    writer = render(source, tmp_path / "o.webm", "vp9")
    assert [a.codec for a in probe(tmp_path / "o.webm").audio] == ["opus"]
    assert any("converted to opus" in note for note in writer.notes)

    def onset(path: Path) -> float:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                loud = np.abs(frame.to_ndarray()).max(axis=0) > 0.1
                if loud.any():
                    return frame.time + float(np.argmax(loud)) / frame.sample_rate
        raise AssertionError("the sound is silent")

    assert onset(tmp_path / "o.webm") == pytest.approx(onset(source), abs=0.01)


def test_subtitles_are_copied_or_converted(tmp_path):
    lines = [(0.1, 0.3, "hello"), (0.4, 0.9, "world")]
    source = make_clip(tmp_path / "c.mkv", subtitles=lines, frames=25)
    copied = render(source, tmp_path / "o.mkv")
    assert packets(tmp_path / "o.mkv", "subtitle") == packets(source, "subtitle")
    assert copied.notes == ()
    converted = render(source, tmp_path / "o.mp4")
    assert [(s.codec, s.language) for s in probe(tmp_path / "o.mp4").subtitles] == [("mov_text", "eng")]
    spoken = [(t, p[2:]) for t, p in packets(tmp_path / "o.mp4", "subtitle") if len(p) > 2]
    assert spoken == [(Fraction(1, 10), b"hello"), (Fraction(2, 5), b"world")]
    assert any("converted to mov_text" in note for note in converted.notes)
    dropped = render(source, tmp_path / "o.avi")
    assert any("is dropped" in note for note in dropped.notes)


@pytest.mark.parametrize("name", ["o.mp4", "o.mov", "o.mkv"])
def test_chapters_and_tags_are_copied(tmp_path, name):
    tags = {"title": "A clip", "artist": "Somebody", "studio": "own tag"}
    source = make_clip(
        tmp_path / "c.mkv",
        chapters=[(0, 0.2, "one"), (0.2, 0.48, "two")],
        tags=tags,
    )
    render(source, tmp_path / name)
    info = probe(tmp_path / name)
    assert [(c.start, c.end, c.title) for c in info.chapters] == [
        (0, Fraction(1, 5), "one"),
        (Fraction(1, 5), Fraction(12, 25), "two"),
    ]
    assert {key.lower(): value for key, value in info.metadata.items()}.items() >= tags.items()


# Picture


@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuva420p", "gray", "bgr0"]
)
@pytest.mark.parametrize("colour", [(1, 1, 1), (6, 6, 6)])
@pytest.mark.parametrize("full", [False, True])
def test_unchanged_frames_are_exact_after_a_lossless_codec(tmp_path, pix_fmt, colour, full):
    options = {"codec": "ffv1", "options": {"level": "3"}, "pix_fmt": pix_fmt, "colour": colour}
    top = 1023 if "10" in pix_fmt else 255
    if pix_fmt == "bgr0":
        options["colour"] = (0, 1, 13)
    source = make_clip(
        tmp_path / "c.mkv", frames=3, width=34, height=18, top=top, full_range=full, **options
    )
    render(source, tmp_path / "o.mkv", "ffv1")
    before, after = probe(source), probe(tmp_path / "o.mkv")
    assert (after.pix_fmt, after.bit_depth, after.colour) == (
        before.pix_fmt,
        before.bit_depth,
        before.colour,
    )
    for ours, theirs in zip(Reader(tmp_path / "o.mkv"), Reader(source), strict=True):
        assert torch.equal(ours.image, theirs.image)
        assert (ours.alpha is None) == (theirs.alpha is None)
        assert ours.alpha is None or torch.equal(ours.alpha, theirs.alpha)


@pytest.mark.parametrize(
    ("width", "height", "rotation"), [(33, 17, 0), (33, 17, 90), (48, 32, 90), (48, 31, 180)]
)
def test_odd_and_rotated_frames_are_exact_after_a_lossless_codec(tmp_path, width, height, rotation):
    source = make_clip(
        tmp_path / "c.mp4",
        frames=2,
        width=width,
        height=height,
        pix_fmt="yuv422p" if width % 2 == 0 and height % 2 else "yuv444p" if width % 2 else "yuv420p",
        options={"qp": "0"},
        rotation=rotation,
    )
    render(source, tmp_path / "o.mkv", "ffv1")
    assert probe(tmp_path / "o.mkv").stored.rotation == 0
    for ours, theirs in zip(Reader(tmp_path / "o.mkv"), Reader(source), strict=True):
        # The slopes of chroma are added in another order when rows become columns.
        assert torch.allclose(ours.image, theirs.image, rtol=0, atol=1e-6)


FLAGGED = [(name, suffix) for name, codec in CODECS.items() for suffix in codec.containers]


@pytest.mark.parametrize(("codec", "suffix"), FLAGGED, ids=lambda value: value)
def test_every_codec_in_every_container_keeps_time_aspect_and_colour(tmp_path, codec, suffix):
    source = make_clip(
        tmp_path / "c.mp4",
        frames=9,
        **large_enough(codec),
        colour=(1, 1, 1),
        full_range=codec != "prores",
        sample_aspect=Fraction(4, 3),
    )
    writer = render(source, tmp_path / f"o.{suffix}", codec, segment_frames=4)
    before, after = probe(source), probe(tmp_path / f"o.{suffix}")
    assert after.sample_aspect == Fraction(4, 3)
    assert after.colour == before.colour
    assert writer.notes == ()
    assert all(abs(a - b) <= after.time_base for a, b in zip(times(after.path), times(source), strict=True))
    for ours, theirs in zip(Reader(after.path), Reader(source), strict=True):
        assert (ours.image.mean((1, 2)) - theirs.image.mean((1, 2))).abs().max() < 0.03


def test_full_range_becomes_limited_in_prores_with_a_note(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=2, colour=(1, 1, 1), full_range=True)
    writer = render(source, tmp_path / "o.mov", "prores")
    assert any("full range becomes limited" in note for note in writer.notes)
    for ours, theirs in zip(Reader(tmp_path / "o.mov"), Reader(source), strict=True):
        assert (ours.image.mean((1, 2)) - theirs.image.mean((1, 2))).abs().max() < 0.01


def test_a_rotated_anamorphic_clip_keeps_its_shape(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=2, sample_aspect=Fraction(4, 3), rotation=90)
    for name in ("o.mp4", "o.mkv"):
        render(source, tmp_path / name)
        info = probe(tmp_path / name)
        assert (info.width, info.height, info.stored.rotation, info.sample_aspect) == (
            32,
            48,
            0,
            Fraction(3, 4),
        )


def test_another_size_keeps_the_matrix_that_was_assumed(tmp_path):
    info = probe(make_clip(tmp_path / "c.mp4", frames=1))
    image = torch.rand(3, 640, 32)
    with open_writer(tmp_path / "o.mp4", info, width=32, height=640) as writer:
        writer.write(Frame(0, Fraction(0), Fraction(1, 25), image))
    colour = probe(tmp_path / "o.mp4").colour
    assert (colour.matrix, colour.matrix_tagged) == ("bt601", True)


def test_conversion_of_rgb_to_yuv_is_noted(tmp_path):
    source = make_clip(
        tmp_path / "c.mkv",
        frames=2,
        codec="ffv1",
        options={"level": "3"},
        pix_fmt="bgr0",
        colour=(0, 1, 13),
    )
    writer = render(source, tmp_path / "o.mp4")
    assert probe(tmp_path / "o.mp4").colour == ColourSpec("bt709", False, 1, 1, 1, True, True)
    assert any("BT.709" in note for note in writer.notes)


def test_lost_depth_and_lost_alpha_are_noted(tmp_path):
    deep = make_clip(
        tmp_path / "d.mkv", frames=1, codec="ffv1", options={"level": "3"}, pix_fmt="yuv420p10le", top=1023
    )
    assert any(
        "10 bits per sample are reduced to 8" in note for note in render(deep, tmp_path / "d.mp4").notes
    )
    clear = make_clip(
        tmp_path / "a.mkv", frames=1, codec="ffv1", options={"level": "3"}, pix_fmt="yuva420p"
    )
    assert any("alpha is dropped" in note for note in render(clear, tmp_path / "a.mp4").notes)


@pytest.mark.parametrize(("codec", "name"), [("prores", "o.mov"), ("vp9", "o.webm"), ("ffv1", "o.mkv")])
def test_alpha_is_kept_in_codecs_that_support_it(tmp_path, codec, name):
    source = make_clip(
        tmp_path / "a.mkv",
        frames=2,
        width=64,
        height=64,
        codec="ffv1",
        options={"level": "3"},
        pix_fmt="yuva420p",
    )
    writer = render(source, tmp_path / name, codec)
    assert not any("alpha" in note for note in writer.notes)
    for ours, theirs in zip(Reader(tmp_path / name), Reader(source), strict=True):
        assert (ours.alpha - theirs.alpha).abs().mean() < 0.05


def test_other_files_in_the_folder_of_the_work_folder_are_kept(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=3)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "mine.txt").write_text("precious")
    render(source, tmp_path / "o.mp4", work_dir=tmp_path / "work")
    assert os.listdir(tmp_path / "work") == ["mine.txt"]


@pytest.mark.parametrize("resumable", [False, True])
def test_a_file_with_the_name_of_the_work_folder_is_reported_and_kept(clip, tmp_path, resumable):
    taken = tmp_path / "out" / ".o.mp4.vst-work"
    taken.write_text("precious")
    refusal = rf"{re.escape(str(taken))} is in the way: expected .*; move it away, or choose .* -o$"

    def begin():
        with (
            Reader(clip) as reader,
            open_writer(taken.with_name("o.mp4"), reader.info, resumable=resumable) as o,
        ):
            o.start()

    with pytest.raises(MediaError, match=refusal):
        begin()
    assert taken.read_text() == "precious"
    assert os.listdir(tmp_path / "out") == [taken.name]


# Stills


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_picture_is_written_from_a_picture(tmp_path, suffix):
    pixels = (np.indices((12, 20)).sum(0) * 8 % 256).astype(np.uint8)[:, :, None].repeat(3, 2)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    render(tmp_path / "p.png", tmp_path / f"o{suffix}")
    (before,), (after,) = Reader(tmp_path / "p.png"), Reader(tmp_path / f"o{suffix}")
    assert (before.image - after.image).abs().max() <= (0.1 if suffix == ".jpg" else 0)


def test_a_second_frame_of_a_picture_is_refused(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=2)
    with pytest.raises(UsageError, match=r"o\.png is a picture, but the clip has several frames"):
        render(source, tmp_path / "o.png")
    assert sorted(os.listdir(tmp_path)) == ["c.mp4"]


# Errors


@pytest.fixture
def clip(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    return make_clip(tmp_path / "in" / "c.mp4", frames=4)


@pytest.mark.parametrize(
    ("name", "encoding", "message"),
    [
        ("o.xyz", Encoding(), r"o\.xyz does not have the extension of a video.*\.mp4.*\.mkv.*\.png"),
        ("o", Encoding(), "does not have the extension"),
        ("o.mp4", Encoding("h246"), r"unknown codec 'h246': did you mean 'h26"),
        ("o.webm", Encoding("h264"), r"h264 is not supported in \.webm: use \.mp4.*av1, vp9"),
        ("o.mp4", Encoding("h264", crf=99), "--crf 99 is out of range for h264: use 0 to 51"),
        ("o.mp4", Encoding("h265"), "h265 needs at least 72×72 pixels, got 48×32"),
        ("o.mov", Encoding("prores", crf=3), "prores has no quality setting"),
        (
            "o.mp4",
            Encoding("h264", pix_fmt="yuv420p12le"),
            r"h264 does not support pixel format yuv420p12le: choose one of yuv420p",
        ),
    ],
)
def test_an_invalid_combination_is_refused_before_any_work(clip, tmp_path, name, encoding, message):
    with pytest.raises(UsageError, match=message) as caught:
        open_writer(tmp_path / "out" / name, probe(clip), encoding)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path / "out") == []


def test_an_existing_file_is_kept_without_overwrite(clip, tmp_path):
    target = tmp_path / "out" / "o.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(MediaError, match=r"o\.mp4 exists already: pass -y") as caught:
        open_writer(target, probe(clip))
    assert caught.value.exit_code == 1
    assert target.read_bytes() == b"precious"
    render(clip, target, overwrite=True)
    assert len(times(target)) == 4


def test_the_input_is_never_overwritten(clip):
    with pytest.raises(MediaError, match="is the input itself"):
        open_writer(clip, probe(clip), overwrite=True)


def test_a_missing_folder_is_reported(clip, tmp_path):
    with pytest.raises(MediaError, match="nowhere does not exist"):
        open_writer(tmp_path / "nowhere" / "o.mp4", probe(clip))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_write_permission_is_reported(clip, tmp_path):
    (tmp_path / "out").chmod(0o500)
    with pytest.raises(MediaError, match="cannot be written to"):
        open_writer(tmp_path / "out" / "o.mp4", probe(clip))


def test_a_clip_without_frames_leaves_no_file(clip, tmp_path):
    with (
        pytest.raises(MediaError, match="there are no frames"),
        open_writer(tmp_path / "out" / "o.mp4", probe(clip)),
    ):
        pass
    assert os.listdir(tmp_path / "out") == []


def test_a_failure_leaves_nothing_behind(clip, tmp_path):
    target = tmp_path / "out" / "o.mp4"
    target.write_bytes(b"precious")

    def broken_network() -> None:
        reader = Reader(clip)
        with open_writer(target, reader.info, overwrite=True, segment_frames=2) as writer:
            for frame in reader:
                writer.write(frame)
            raise KeyError("the network broke")

    with pytest.raises(KeyError):
        broken_network()
    assert os.listdir(tmp_path / "out") == ["o.mp4"]
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("place", ["join", "cut"])
def test_a_full_disk_is_one_line_and_leaves_nothing_behind(clip, tmp_path, monkeypatch, place):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    if place == "join":
        monkeypatch.setattr(video_writer, "join", full)
    else:
        monkeypatch.setattr(WorkFolder, "finish", full)
    with pytest.raises(MediaError, match=r"o\.mp4 could not be written: the disk is full") as caught:
        render(clip, tmp_path / "out" / "o.mp4", segment_frames=2)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_during_encoding_is_reported(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(WorkFolder, "video", lambda self, index: Path("/dev/full"))
    with pytest.raises(MediaError, match="the disk is full"):
        render(clip, tmp_path / "out" / "o.mp4", segment_frames=2)
    assert os.listdir(tmp_path / "out") == []


def test_the_final_name_appears_only_when_the_file_is_complete(clip, tmp_path):
    reader = Reader(clip)
    target = tmp_path / "out" / "o.mp4"
    writer = open_writer(target, reader.info, segment_frames=2)
    for frame in reader:
        writer.write(frame)
        assert not target.exists()
    assert writer.finish() == target
    assert os.listdir(tmp_path / "out") == ["o.mp4"]


def test_libav_prints_nothing(tmp_path, capfd):
    clip = make_clip(tmp_path / "c.mp4", frames=2, width=256, height=120)
    (tmp_path / "out").mkdir()
    capfd.readouterr()
    for codec in CODECS:
        render(clip, tmp_path / "out" / f"{codec}.{CODECS[codec].containers[0]}", codec)
    assert capfd.readouterr() == ("", "")


def test_every_container_has_a_codec():
    assert {suffix for codec in CODECS.values() for suffix in codec.containers} == set(CONTAINERS)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_same_frames_give_the_same_packets_whatever_the_memory_held(tmp_path, codec):
    source = make_clip(tmp_path / "a.mp4", frames=10, width=192, height=128)
    rng = torch.Generator().manual_seed(0)
    grain = torch.rand(10, 3, 128, 192, generator=rng) * 0.2 + 0.4
    found = set()
    for number in range(6):
        kept = [torch.rand(size) for size in torch.randint(1000, 90000, (12,)).tolist()]
        path = tmp_path / f"{number}.mkv"
        with Reader(source) as reader, open_writer(path, reader.info, Encoding(codec)) as writer:
            for frame, image in zip(reader, grain, strict=True):
                writer.write(dataclasses.replace(frame, image=image))
            writer.finish()
        del kept
        with av.open(str(path)) as container:
            found.add(tuple(bytes(packet) for packet in container.demux(video=0) if packet.size))
    assert len(found) == 1
