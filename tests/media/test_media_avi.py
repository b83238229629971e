"""AVI as an output: it stores no timestamps, so streams start at 0 and frames are equally long."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Sound, make_clip
from test_media_writer import render

from vst.media import Reader
from vst.media.notes import NoteKind
from vst.media.probe import probe

STEP = Fraction(1, 25)


def chunks(path: Path) -> tuple[int, list[int], bytes, bytes]:
    """Chunks of the video by the header, the numbers of those with data, the header, and the first one."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [packet for packet in container.demux(stream) if packet.size]
        header = stream.codec_context.extradata or b""
        return stream.frames, [packet.dts for packet in found], header, bytes(found[0])


@pytest.mark.parametrize("sound", [(), (Sound(),), (Sound("mp2"),), (Sound("pcm_s16le"),)])
@pytest.mark.parametrize("name", ["c.mkv", "c.ts"])
def test_h264_in_avi_has_a_chunk_for_each_frame(tmp_path, sound, name):
    if name == "c.ts" and sound and sound[0].codec == "pcm_s16le":
        pytest.skip("MPEG-TS has no PCM of this kind")
    clip = make_clip(tmp_path / name, sound=sound)
    render(clip, tmp_path / "o.avi", segment_frames=5)
    count, numbers, header, first = chunks(tmp_path / "o.avi")
    assert (count, numbers) == (12, list(range(12)))
    # One form of the codec header: start codes, as in the stream itself.
    assert header.startswith(b"\0\0\0\1")
    assert first.startswith((b"\0\0\0\1", b"\0\0\1"))
    frames = list(Reader(tmp_path / "o.avi"))
    assert [frame.time for frame in frames] == [number * STEP for number in range(12)]


@pytest.mark.parametrize("codec", ["aac", "mp2"])
def test_sound_in_avi_is_as_early_as_in_the_source(tmp_path, codec):
    clip = make_clip(tmp_path / "c.ts", sound=[Sound(codec)], frames=25)
    render(clip, tmp_path / "o.avi")
    before, after = probe(clip), probe(tmp_path / "o.avi")
    assert after.start == after.audio[0].start == 0
    with av.open(str(tmp_path / "o.avi")) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    with av.open(str(clip)) as container:
        stamps = [packet.pts * packet.time_base for packet in container.demux(audio=0) if packet.size]
    heard = [stamp for stamp in stamps if stamp >= before.start]
    # MP3 has packets of 1152 samples, AAC of 1024; the encoder's delay adds one.
    length = len(packets) * 1152 / 48000
    assert length == pytest.approx(len(heard) * (1024 if codec == "aac" else 1152) / 48000, abs=0.05)


def test_a_variable_frame_rate_is_noted_in_avi(tmp_path):
    clip = make_clip(tmp_path / "c.mkv", times=[Fraction(n, 25) for n in (0, 1, 3, 4, 10, 11, 12, 20)])
    notes = render(clip, tmp_path / "o.avi").notes
    assert any("AVI has no other" in note and note.kind is NoteKind.CONVERTED for note in notes)
    assert len(list(Reader(tmp_path / "o.avi"))) == 8
