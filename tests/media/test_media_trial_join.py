"""What an output cannot carry is found before the first frame, and converted or left out with a note."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Sound, make_clip, packets, yuv_frame

from vst.errors import MediaError
from vst.media import Encoding, Reader, Writer, open_writer
from vst.media.encode import extras, join, video_writer
from vst.media.probe import probe

SECONDS = 0.48
RATE = Fraction(25)


def sine(layout: str, rate: int, form: str, seconds: float = SECONDS) -> Iterator[av.AudioFrame]:
    """Frames of a tone."""
    channels = av.AudioLayout(layout).nb_channels
    for start in range(0, int(seconds * rate), 512):
        wave = np.repeat(np.sin(np.arange(start, start + 512) * 0.05) * 0.3, channels)
        frame = av.AudioFrame.from_ndarray(wave.astype("<f4")[None], "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield from av.AudioResampler(form, layout, rate).resample(frame)


def with_sound(
    path: Path,
    codec: str,
    layout: str = "mono",
    rate: int = 48000,
    *,
    video: str = "mpeg4",
    muxer: str | None = None,
    streams: int = 1,
    empty: int = 0,
    seconds: float = SECONDS,
) -> Path:
    """A clip of twelve frames with sound."""
    with av.open(str(path), "w", format=muxer) as out:
        picture = out.add_stream(video, rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 48, 32, "yuv420p"
        voices = []
        for _ in range(streams + empty):
            voice = out.add_stream(codec, rate=rate)
            voice.codec_context.layout = layout
            if codec.startswith("wma"):
                voice.codec_context.bit_rate = 64_000
            if codec == "vorbis":
                voice.codec_context.options = {"strict": "experimental"}
            voices.append(voice)
        for number in range(12):
            frame = yuv_frame(48, 32, number)
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        for voice in voices[:streams]:
            form = voice.codec_context.format.name
            for sound in sine(layout, rate, form, seconds):
                out.mux(voice.encode(sound))
            out.mux(voice.encode(None))
    return path


def begin(source: Path, target: Path, **options) -> Writer:
    """A writer that has not written anything yet."""
    return open_writer(target, probe(source), **options)


def render(source: Path, target: Path, encoding: Encoding | None = None) -> tuple[list[str], list[str]]:
    """Copy a clip; the notes before the first frame, and those that were added later."""
    with Reader(source) as reader, open_writer(target, reader.info, encoding) as writer:
        early = list(writer.notes)
        for frame in reader:
            writer.write(frame)
    return early, [note for note in writer.notes if note not in early]


def heard(path: Path, number: int = 0) -> tuple[str, str, int, float]:
    """Codec, layout, rate and seconds of a stream of sound, decoded to its end."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        samples = sum(frame.samples for frame in container.decode(stream))
        context = stream.codec_context
        return context.name, context.layout.name, context.sample_rate, samples / context.sample_rate


# Sound without a channel layout


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("c.wmv", "wmav2", 44100),
        ("c.wmv", "wmav1", 22050),
        ("c.avi", "pcm_u8", 11025),
        ("c.avi", "adpcm_ms", 44100),
        ("c.avi", "adpcm_ima_wav", 22050),
        ("c.avi", "wmav2", 44100),
        ("c.avi", "pcm_mulaw", 8000),
    ],
)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("target", ["o.mp4", "o.mov", "o.mkv", "o.webm", "o.avi"])
def test_sound_without_a_layout_is_carried_whole(tmp_path, name, codec, rate, layout, target):
    source = with_sound(tmp_path / name, codec, layout, rate, muxer="asf" if name == "c.wmv" else None)
    *_, before = heard(source)
    early, late = render(source, tmp_path / target)
    after, kept, _, seconds = heard(tmp_path / target)
    channels = av.AudioLayout(layout).nb_channels
    assert kept in (layout, f"{channels} channels")
    # AVI begins at 0: a packet that begins before the video is left out.
    lost = 0.05 if target == "o.avi" else 0.001
    assert before - lost <= seconds <= before + 0.12
    is_converted = any("is converted" in note for note in early)
    assert is_converted == (packets(tmp_path / target, "audio") == [] or after != codec)
    assert not late


LAYOUTS = ["mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_up_to_eight_channels_without_a_layout_get_the_default_one(tmp_path, layout):
    source = with_sound(tmp_path / "c.mkv", "pcm_u8", layout)
    channels = LAYOUTS.index(layout) + 1
    assert heard(source)[1] == f"{channels} channels"
    early, _ = render(source, tmp_path / "o.mp4")
    # libav's decoder does not name the layout of seven channels.
    assert heard(tmp_path / "o.mp4")[:2] == ("aac", "7 channels" if channels == 7 else layout)
    assert any(f"channels are assumed to be {layout}" in note for note in early) == (channels > 2)


def test_of_more_channels_without_a_layout_the_first_two_are_kept(tmp_path):
    source = with_sound(tmp_path / "c.mkv", "pcm_u8", "7.1.4")
    early, _ = render(source, tmp_path / "o.mp4")
    assert heard(tmp_path / "o.mp4")[:2] == ("aac", "stereo")
    assert any("the first two of 12 channels are kept" in note for note in early)


def test_pcm_without_a_layout_is_copied_into_mp4(tmp_path):
    source = with_sound(tmp_path / "c.mkv", "pcm_s16le", "stereo")
    render(source, tmp_path / "o.mp4")
    assert heard(tmp_path / "o.mp4")[:2] == ("pcm_s16le", "stereo")


# Sound that a container or an encoder does not take


@pytest.mark.parametrize(
    ("codec", "rate", "target", "expected"),
    [
        ("flac", 192000, "o.mov", ("aac", 48000)),
        ("flac", 7000, "o.mov", ("aac", 48000)),
        ("pcm_u8", 4000, "o.mp4", ("aac", 48000)),
        ("pcm_u8", 12000, "o.mp4", ("aac", 12000)),
        ("pcm_s16le", 96000, "o.webm", ("opus", 48000)),
        ("flac", 8000, "o.mov", ("aac", 8000)),
        ("alac", 96000, "o.avi", ("mp3float", 48000)),
        ("alac", 8000, "o.avi", ("mp3float", 8000)),
        ("pcm_s64le", 48000, "o.mp4", ("aac", 48000)),
        ("pcm_f64le", 44100, "o.webm", ("opus", 48000)),
        ("vorbis", 48000, "o.mov", ("aac", 48000)),
        ("libopus", 48000, "o.mov", ("aac", 48000)),
        ("libopus", 48000, "o.avi", ("mp3float", 48000)),
        ("tta", 48000, "o.avi", ("mp3float", 48000)),
        ("ac3", 48000, "o.webm", ("opus", 48000)),
    ],
)
def test_sound_is_converted_to_what_the_encoder_takes(tmp_path, codec, rate, target, expected):
    source = with_sound(tmp_path / ("c.nut" if codec == "pcm_s64le" else "c.mkv"), codec, "stereo", rate)
    *_, before = heard(source)
    early, late = render(source, tmp_path / target)
    name, layout, after, seconds = heard(tmp_path / target)
    assert (name, after) == expected
    assert layout == "stereo"
    assert seconds >= before - 0.001
    (note,) = [note for note in early if "is converted" in note]
    assert f"not supported in {target[1:]}" in note
    assert (f"{rate} Hz becomes {after} Hz" in note) == (after < rate)
    assert not late


@pytest.mark.parametrize(
    ("codec", "target"),
    [
        ("vorbis", "o.webm"),
        ("libopus", "o.mp4"),
        ("libopus", "o.webm"),
        ("flac", "o.mp4"),
        ("flac", "o.avi"),
        ("pcm_s16le", "o.mov"),
        ("ac3", "o.mov"),
    ],
)
def test_sound_that_the_container_takes_is_copied(tmp_path, codec, target):
    source = with_sound(tmp_path / "c.mkv", codec, "stereo")
    early, late = render(source, tmp_path / target)
    ours, theirs = (packets(path, "audio") for path in (tmp_path / target, source))
    assert b"".join(payload for _, payload in ours) == b"".join(payload for _, payload in theirs)
    assert not [note for note in early if "audio" in note]
    assert not late


def test_channels_that_are_mixed_are_noted(tmp_path):
    source = with_sound(tmp_path / "c.mkv", "flac", "5.1")
    early, _ = render(source, tmp_path / "o.webm")
    assert any("converted to opus, 6 channels are mixed to stereo" in note for note in early)


@pytest.mark.parametrize(
    ("name", "codec", "target"),
    [
        # A frame of WMA is one tick of 2048 samples there, which AAC divides in two.
        ("c.avi", "wmav2", "o.mp4"),
        # A tick is a millisecond there.
        ("c.mkv", "flac", "o.mov"),
        ("c.mkv", "pcm_u8", "o.mp4"),
    ],
)
def test_converted_sound_has_no_gaps_and_no_overlaps(tmp_path, name, codec, target):
    source = with_sound(tmp_path / name, codec, "stereo", 44100)
    render(source, tmp_path / target)
    stamps = [time for time, _ in packets(tmp_path / target, "audio")]
    assert {b - a for a, b in itertools.pairwise(stamps)} == {Fraction(1024, 44100)}


def test_sound_that_cannot_be_decoded_is_left_out(tmp_path):
    source = with_sound(tmp_path / "c.nut", "wmav2", "stereo")  # its channels are lost there
    early, late = render(source, tmp_path / "o.mp4")
    assert any("audio stream 1 (wmav2) is dropped" in note for note in early)
    assert not late
    assert probe(tmp_path / "o.mp4").audio == ()


def joined(path: Path, parts: Sequence[Path]) -> Path:
    """The sound of several files, one after the other in one stream."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg2video", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 48, 32, "yuv420p"
        voice = None
        for offset, part in enumerate(parts):
            with av.open(str(part)) as given:
                stream = given.streams.audio[0]
                voice = voice or out.add_stream_from_template(stream, opaque=True)
                for packet in given.demux(stream):
                    if packet.size:
                        moved = av.Packet(bytes(packet))
                        moved.time_base = packet.time_base
                        moved.pts = moved.dts = packet.pts + round(offset * SECONDS / packet.time_base)
                        moved.duration, moved.stream = packet.duration, voice
                        out.mux_one(moved)
        for number in range(12 * len(parts)):
            frame = yuv_frame(48, 32, number)
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
    return path


def test_sound_may_change_its_layout_and_rate_on_the_way(tmp_path):
    parts = [
        with_sound(tmp_path / "1.mkv", "ac3", "stereo", 48000),
        with_sound(tmp_path / "2.mkv", "ac3", "5.1", 44100),
        with_sound(tmp_path / "3.mkv", "ac3", "stereo", 48000),
    ]
    source = joined(tmp_path / "c.ts", parts)
    early, late = render(source, tmp_path / "o.webm")
    name, layout, rate, seconds = heard(tmp_path / "o.webm")
    assert (name, layout, rate) == ("opus", "stereo", 48000)
    assert seconds == pytest.approx(3 * SECONDS, abs=0.1)
    assert any("is converted to opus" in note for note in early)
    assert not [note for note in late if "audio" in note]


# Streams without packets, late ones, and too many of them


def test_an_empty_stream_is_left_out(tmp_path):
    source = with_sound(tmp_path / "c.mkv", "aac", empty=1)
    assert len(probe(source).audio) == 2
    early, _ = render(source, tmp_path / "o.mp4")
    assert any("audio stream 2 is dropped: it is empty" in note for note in early)
    assert len(probe(tmp_path / "o.mp4").audio) == 1


@pytest.mark.parametrize("target", ["o.mov", "o.webm"])
def test_a_stream_that_begins_late_is_not_empty(tmp_path, monkeypatch, target):
    monkeypatch.setattr(extras, "MAX_READ_PACKETS", 20)
    source = make_clip(
        tmp_path / "c.mp4", frames=50, sound=[Sound(), Sound(start=Fraction(3, 2), seconds=0.5)]
    )
    early, late = render(source, tmp_path / target)
    assert not [note for note in (*early, *late) if "dropped" in note]
    assert heard(tmp_path / target, 1)[3] == pytest.approx(0.5, abs=0.1)


def test_streams_beyond_what_the_container_takes_are_left_out(tmp_path):
    source = tmp_path / "c.mkv"
    with av.open(str(source), "w") as out:
        picture = out.add_stream("mpeg4", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 48, 32, "yuv420p"
        voices = [out.add_mux_stream("mp2", rate=48000) for _ in range(110)]
        with av.open(str(with_sound(tmp_path / "v.mkv", "mp2"))) as given:
            copies = [bytes(p) for p in given.demux(given.streams.audio[0]) if p.size][:3]
        for number in range(3):
            frame = yuv_frame(48, 32, number)
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        for voice in voices:
            for number, payload in enumerate(copies):
                packet = av.Packet(payload)
                packet.time_base, packet.stream = Fraction(1, 1000), voice
                packet.pts = packet.dts = number * 24
                out.mux_one(packet)
    early, late = render(source, tmp_path / "o.avi")
    kept = len(probe(tmp_path / "o.avi").audio)
    assert 90 <= kept < 110
    assert len([note for note in early if "is dropped: not supported in .avi" in note]) == 110 - kept
    assert not late


# Subtitles


def with_subtitles(path: Path, codec: str) -> Path:
    clip = make_clip(path.with_name("plain.mp4"), frames=6)
    with av.open(str(clip)) as given, av.open(str(path), "w") as out:
        video = given.streams.video[0]
        copy = out.add_stream_from_template(video, opaque=True)
        text = out.add_mux_stream(codec)
        text.time_base = Fraction(1, 1000)
        for packet in given.demux(video):
            if packet.size:
                packet.stream = copy
                out.mux_one(packet)
        packet = av.Packet(b"a line")
        packet.time_base, packet.stream = Fraction(1, 1000), text
        packet.pts = packet.dts = 40
        packet.duration = 80
        out.mux_one(packet)
    return path


BITMAPS = ("dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle")


@pytest.mark.parametrize("codec", ["subrip", "webvtt", *BITMAPS])
@pytest.mark.parametrize(
    ("target", "text", "bitmaps"),
    [
        ("o.mp4", "mov_text", ("dvd_subtitle",)),
        ("o.mov", "mov_text", ()),
        ("o.mkv", None, BITMAPS),
        ("o.webm", "webvtt", ()),
        ("o.avi", "", ()),
    ],
)
def test_subtitles_are_copied_converted_or_left_out(tmp_path, codec, target, text, bitmaps):
    source = with_subtitles(tmp_path / "c.mkv", codec)
    expected = codec if text is None or codec in bitmaps else "" if codec in BITMAPS else text
    early, late = render(source, tmp_path / target)
    found = [each.codec for each in probe(tmp_path / target).subtitles]
    spelled = {
        "subrip": "srt",
        "dvd_subtitle": "dvdsub",
        "hdmv_pgs_subtitle": "pgssub",
        "dvb_subtitle": "dvbsub",
    }
    assert found == ([spelled.get(expected, expected)] if expected else [])
    told = [note for note in early if "subtitle stream 1" in note]
    assert len(told) == (expected != codec)
    assert not late


# Tags, chapters, video


def test_tags_that_the_container_refuses_are_left_out_and_the_rest_is_kept(tmp_path, monkeypatch):
    # The tag of a stereo mode is left out, but the test needs one that the muxer refuses.
    monkeypatch.setattr(join, "content_tags", lambda tags: {**tags, "stereo_mode": "block_lr"})
    source = make_clip(tmp_path / "c.mov", frames=6, sound=[Sound()], tags={"title": "a title"})
    early, late = render(source, tmp_path / "o.webm")
    assert any("the tags are dropped: .webm cannot store them" in note for note in early)
    assert len(probe(tmp_path / "o.webm").audio) == 1
    assert not late


@pytest.mark.parametrize(("target", "kept"), [("o.mp4", True), ("o.mkv", True), ("o.avi", False)])
def test_chapters_are_kept_or_said_to_be_left_out_before_the_first_frame(tmp_path, target, kept):
    source = make_clip(tmp_path / "c.mkv", frames=6, chapters=[(0, 0.1, "a"), (0.1, 0.2, "b")])
    early, _ = render(source, tmp_path / target)
    assert len(probe(tmp_path / target).chapters) == 2 * kept
    assert any("2 chapters are dropped" in note for note in early) != kept


def test_chapters_are_kept_where_the_sound_starts_late(tmp_path):
    source = make_clip(
        tmp_path / "c.mkv", frames=6, chapters=[(0, 0.1, "a")], sound=[Sound(start=Fraction(2))]
    )
    early, _ = render(source, tmp_path / "o.mkv")
    assert [chapter.title for chapter in probe(tmp_path / "o.mkv").chapters] == ["a"]
    assert not [note for note in early if "dropped" in note]


def test_chapters_before_the_first_frame_of_a_range_begin_with_it(tmp_path):
    source = make_clip(tmp_path / "c.mkv", frames=12, chapters=[(0, 0.4, "a"), (0.4, 0.48, "b")])
    with Reader(source) as reader, open_writer(tmp_path / "o.mkv", reader.info) as writer:
        writer.set_time_range(Fraction(1, 5), until_last_frame=False)
        for frame in reader:
            if frame.index >= 5:
                writer.write(frame)
    assert [chapter.start for chapter in probe(tmp_path / "o.mkv").chapters] == [0, Fraction(1, 5)]


def test_frames_that_the_encoder_refuses_are_refused_at_once(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=1)
    (tmp_path / "out").mkdir()
    with pytest.raises(MediaError, match=r"h264 cannot encode 16400×16 as yuv420p .*choose another"):
        begin(source, tmp_path / "out" / "o.mp4", width=16400, height=16)
    assert os.listdir(tmp_path / "out") == []


def test_nothing_of_the_trial_is_left(tmp_path):
    source = with_sound(tmp_path / "c.wmv", "wmav2", muxer="asf")
    (tmp_path / "out").mkdir()
    writer = begin(source, tmp_path / "out" / "o.mp4")
    assert sorted(os.listdir(tmp_path / "out")) == [".o.mp4.vst-lock", ".o.mp4.vst-work"]
    assert os.listdir(writer.work.folder) == []
    writer.abort()
    assert os.listdir(tmp_path / "out") == []


# Refused only at the end


def damaged_in_the_middle(path: Path) -> Path:
    """E-AC-3 with a packet of noise, which MP4's muxer refuses, after those that the trial sees."""
    clip = with_sound(path.with_name("whole.mkv"), "eac3", "stereo", seconds=2)
    with av.open(str(clip)) as given, av.open(str(path), "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in given.streams}
        count = 0
        for packet in given.demux():
            if not packet.size:
                continue
            replaced = packet
            if packet.stream.type == "audio":
                count += 1
                if count == 2 * extras.SAMPLE_PACKETS:
                    replaced = av.Packet(b"noise" * 40)
                    replaced.time_base, replaced.pts = packet.time_base, packet.pts
                    replaced.dts, replaced.duration = packet.dts, packet.duration
            replaced.stream = copies[packet.stream_index]
            out.mux_one(replaced)
    return path


def test_sound_that_is_refused_at_the_end_is_converted_then(tmp_path):
    source = damaged_in_the_middle(tmp_path / "c.mkv")
    early, late = render(source, tmp_path / "o.mp4")
    assert not [note for note in early if "audio" in note]
    assert any("audio stream 1 (eac3) is converted to aac" in note for note in late)
    assert any("1 damaged packets are dropped" in note for note in late)
    assert heard(tmp_path / "o.mp4")[0] == "aac"
    assert len(list(Reader(tmp_path / "o.mp4"))) == 12


def failing_join(extra: bool) -> Callable[..., tuple[str, ...]]:
    whole = video_writer.join

    def join(*arguments: object) -> tuple[str, ...]:
        if bool(arguments[6]) or not extra:
            raise av.error.InvalidDataError(1094995529, "invalid data")
        return whole(*arguments)

    return join


def test_the_frames_are_kept_if_nothing_else_can_be_joined(tmp_path, monkeypatch):
    source = with_sound(tmp_path / "c.mkv", "mp2")
    monkeypatch.setattr(video_writer, "join", failing_join(extra=True))
    _, late = render(source, tmp_path / "o.mp4")
    assert any("everything beside the video is dropped" in note for note in late)
    assert len(list(Reader(tmp_path / "o.mp4"))) == 12
    assert probe(tmp_path / "o.mp4").audio == ()


def test_a_join_that_failed_is_made_up_for_by_the_next_run(tmp_path, monkeypatch):
    source = with_sound(tmp_path / "c.wmv", "wmav2", muxer="asf")
    writer = begin(source, tmp_path / "o.mp4", resumable=True)
    writer.start({})
    for frame in Reader(source):
        writer.write(frame)
    with monkeypatch.context() as patch:
        patch.setattr(video_writer, "join", failing_join(extra=False))
        with pytest.raises(MediaError, match="could not be written"):
            writer.finish()
    again = begin(source, tmp_path / "o.mp4", resumable=True)
    (segment,) = again.work.finished()
    assert segment.last
    again.resume([segment])
    again.finish()
    assert len(list(Reader(tmp_path / "o.mp4"))) == 12
    assert heard(tmp_path / "o.mp4")[:2] == ("aac", "mono")
    assert sorted(os.listdir(tmp_path)) == ["c.wmv", "o.mp4"]


def test_segments_of_another_encoder_are_refused_before_the_next_frame(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=4)
    writer = begin(source, tmp_path / "o.mp4", encoding=Encoding("h264"), resumable=True)
    writer.start({})
    for frame in Reader(source):
        writer.write(frame)
    writer.cut()
    writer.abort()
    again = begin(source, tmp_path / "o.mp4", encoding=Encoding("h264", pix_fmt="yuv444p"), resumable=True)
    with pytest.raises(MediaError, match="encoded with other settings than this render has"):
        again.resume(again.work.finished())
    again.abort()


def test_what_a_killed_trial_left_is_replaced(tmp_path):
    source = make_clip(tmp_path / "c.mp4", frames=2)
    left = tmp_path / ".o.mp4.vst-work" / "trial" / "segment-00000.video"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    early, late = render(source, tmp_path / "o.mp4")
    assert not [note for note in (*early, *late) if "removed" in note]
    assert sorted(os.listdir(tmp_path)) == ["c.mp4", "o.mp4"]
