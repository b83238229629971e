"""What a container holds beside video, audio and subtitles."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import pytest
from clips import Sound, make_clip, packets
from PIL import Image

from vst.media import Encoding, Reader, open_writer
from vst.media.probe import probe
from vst.media.probe.timecode import fits_timecode

ATTACHED = av.stream.Disposition.attached_pic


def picture(kind="JPEG"):
    data = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(data, kind)
    return data.getvalue()


def with_extras(path, *, cover=None, timecode=None, rate=Fraction(25), tags=None, second=False):
    """A clip copied into a container with further streams and tags."""
    plain = make_clip(
        path.with_name("plain.mp4"), frames=6, rate=rate, sound=[Sound(language="fra"), Sound()]
    )
    with av.open(str(plain)) as given, av.open(str(path), "w") as out:
        out.metadata.update(tags or {})
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in given.streams}
        for voice in given.streams.audio:
            copies[voice.index].metadata["language"] = voice.language or "und"
        video = copies[given.streams.video[0].index]
        video.codec_context.framerate = rate
        video.time_base = given.streams.video[0].time_base
        if timecode:
            video.metadata["timecode"] = timecode
        art = None
        if cover is not None and path.suffix == ".mkv":
            out.add_attachment("cover.jpg", "image/jpeg", cover)
        elif cover is not None:
            art = out.add_stream("png" if cover[:4] == b"\x89PNG" else "mjpeg")
            art.width = art.height = 16
            art.pix_fmt = "rgb24" if cover[:4] == b"\x89PNG" else "yuvj420p"
            art.disposition = ATTACHED
        if second:
            other = out.add_stream("mpeg4", rate=25)
            other.width, other.height, other.pix_fmt = 32, 32, "yuv420p"
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            out.mux(other.encode(frame))
            out.mux(other.encode(None))
        for packet in given.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                out.mux_one(packet)
        if art is not None:
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts = art, 0, 0
            out.mux_one(packet)
    return path


def render(source, target, **options):
    with Reader(source, **options) as reader, open_writer(target, reader.info) as writer:
        for frame in reader:
            writer.write(frame)
    return writer


def cover_of(path):
    with av.open(str(path)) as container:
        art = [s for s in container.streams.video if s.disposition & ATTACHED]
        return [bytes(next(p for p in container.demux(s) if p.size)) for s in art]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("source", ["c.mp4", "c.mkv"])
@pytest.mark.parametrize("target", ["o.mp4", "o.mkv"])
def test_the_cover_and_all_audio_streams_are_copied(tmp_path, kind, source, target):
    if kind == "PNG" and source == "c.mkv":
        pytest.skip("the clip is made with a JPEG there")
    clip = with_extras(tmp_path / source, cover=picture(kind))
    assert any("cover picture" in extra for extra in probe(clip).extras)
    writer = render(clip, tmp_path / target)
    assert cover_of(tmp_path / target) == [picture(kind)]
    assert probe(tmp_path / target).audio[0].language == "fra"
    for number in range(2):
        ours, theirs = (packets(path, "audio", number) for path in (tmp_path / target, clip))
        assert [payload for _, payload in ours] == [payload for _, payload in theirs]
    assert len(list(Reader(tmp_path / target))) == 6
    assert writer.notes == ()


@pytest.mark.parametrize("target", ["o.mov", "o.avi"])
def test_a_cover_that_the_container_does_not_support_is_noted(tmp_path, target):
    clip = with_extras(tmp_path / "c.mp4", cover=picture())
    notes = [note for note in render(clip, tmp_path / target).notes if "cover" in note]
    assert len(notes) == 1
    assert f"is dropped: not supported in {target[1:]}" in notes[0]


@pytest.mark.parametrize("source", ["c.mov", "c.mp4", "c.mkv"])
@pytest.mark.parametrize("target", ["o.mov", "o.mp4", "o.mkv"])
def test_the_timecode_is_copied(tmp_path, source, target):
    clip = with_extras(tmp_path / source, timecode="01:02:03:04")
    assert probe(clip).timecode == "01:02:03:04"
    writer = render(clip, tmp_path / target)
    assert probe(tmp_path / target).timecode == "01:02:03:04"
    assert writer.notes == ()


def test_a_timecode_counts_fields_after_deinterlacing_to_fields(tmp_path):
    clip = with_extras(tmp_path / "c.mov", timecode="01:02:03:04")
    render(clip, tmp_path / "o.mov", deinterlace="fields")
    assert probe(tmp_path / "o.mov").timecode == "01:02:03:08"


@pytest.mark.parametrize(
    ("timecode", "rate", "fits"),
    [
        ("01:00:00:24", Fraction(25), True),
        ("01:00:00:25", Fraction(25), False),
        ("01:00:00;02", Fraction(30000, 1001), True),
        ("01:00:00;02", Fraction(25), False),
        ("24:00:00:00", Fraction(25), False),
        ("nonsense", Fraction(25), False),
    ],
)
def test_a_timecode_is_valid_only_at_a_matching_rate(timecode, rate, fits):
    assert fits_timecode(timecode, rate) is fits


def test_an_invalid_timecode_is_dropped_with_a_note(tmp_path):
    clip = with_extras(tmp_path / "c.mkv", timecode="01:00:00;20")
    writer = render(clip, tmp_path / "o.mov")
    assert any("the timecode 01:00:00;20 is dropped" in note for note in writer.notes)
    assert probe(tmp_path / "o.mov").timecode is None


@pytest.mark.parametrize("target", ["o.mov", "o.mp4", "o.mkv"])
def test_the_creation_time_is_copied(tmp_path, target):
    day = "2020-01-02T03:04:05.000000Z"
    clip = with_extras(tmp_path / "c.mp4", tags={"creation_time": day})
    render(clip, tmp_path / target)
    tags = {key.lower(): value for key, value in probe(tmp_path / target).metadata.items()}
    assert tags["creation_time"] == day


def test_a_second_video_stream_is_dropped_with_a_note(tmp_path):
    clip = with_extras(tmp_path / "c.mkv", second=True)
    assert any("further video (mpeg4)" in extra for extra in probe(clip).extras)
    assert any(
        "second video (stream 3) is dropped" in note for note in render(clip, tmp_path / "o.mkv").notes
    )


@pytest.mark.parametrize("name", ["c.mp4", "c.mkv"])
def test_a_variable_frame_rate_is_told_from_a_constant_one(tmp_path, name):
    even = make_clip(tmp_path / f"even{name}", rate=Fraction(30000, 1001), frames=60)
    uneven = make_clip(tmp_path / name, times=[Fraction(n * n, 100) for n in range(20)])
    assert not probe(even).variable_rate
    assert probe(uneven).variable_rate


def test_the_rate_of_a_container_without_one_is_measured(tmp_path):
    clip = make_clip(tmp_path / "c.mkv", times=[Fraction(n, 25) for n in (0, 1, 2, 5, 6, 10)])
    assert 10 < probe(clip).average_rate < 30


def test_what_pictures_cannot_store_is_noted(tmp_path):
    clip = with_extras(tmp_path / "c.mov", timecode="01:02:03:04")
    with Reader(clip) as reader:
        writer = open_writer(tmp_path / "%d.png", reader.info)
        writer.abort()
    assert any("audio" in note and "timecode" in note for note in writer.notes)


def test_the_timecode_is_copied_with_other_codecs_too(tmp_path):
    clip = with_extras(tmp_path / "c.mov", timecode="01:02:03:04")
    with Reader(clip) as reader, open_writer(tmp_path / "o.mov", reader.info, Encoding("prores")) as writer:
        for frame in reader:
            writer.write(frame)
    assert probe(tmp_path / "o.mov").timecode == "01:02:03:04"
