"""The codec and pixel format of an output, and the notes on what is lost."""

from __future__ import annotations

import av
import pytest
import torch
from clips import make_clip

from vst.errors import UsageError
from vst.media import CODECS, Encoding, Reader, open_writer
from vst.media.encode.codec import Codec, Quality
from vst.media.encode.plan import plan_encoding
from vst.media.probe import probe


def copy(source, target, encoding=None):
    with Reader(source) as reader, open_writer(target, reader.info, encoding) as writer:
        for frame in reader:
            writer.write(frame)
    return writer


def lossless(path, pix_fmt, width=256, height=120, **options):
    top = 1023 if "10" in pix_fmt else 4095 if "12" in pix_fmt else 65535 if "16" in pix_fmt else 255
    return make_clip(
        path,
        frames=2,
        width=width,
        height=height,
        codec="ffv1",
        options={"level": "3"},
        pix_fmt=pix_fmt,
        top=top,
        colour=(0, 1, 13) if pix_fmt.startswith("gbr") else (1, 1, 1),
        **options,
    )


@pytest.mark.parametrize(
    ("codec", "name", "source", "given", "expected"),
    [
        ("h264", "o.mp4", "yuv422p10le", "yuv422p10le", "yuv422p10le"),
        ("h264", "o.mp4", "yuv444p", "yuv444p", "yuv444p"),
        ("h265", "o.mp4", "yuv420p12le", "yuv420p12le", "yuv420p12le"),
        ("h265", "o.mkv", "yuv422p12le", "yuv422p12le", "yuv422p12le"),
        ("h265", "o.mp4", "yuv420p12le", None, "yuv420p10le"),
        ("av1", "o.mp4", "yuv420p10le", None, "yuv420p10le"),
        ("vp9", "o.webm", "yuv444p", "yuv444p", "yuv444p"),
        ("prores", "o.mov", "yuv422p10le", None, "yuv422p10le"),
        ("prores", "o.mov", "yuv444p12le", None, "yuv444p10le"),
        ("dnxhr", "o.mov", "yuv420p", None, "yuv422p"),
        ("dnxhr", "o.mov", "yuv422p10le", None, "yuv422p10le"),
        ("dnxhr", "o.mov", "yuv444p10le", None, "yuv444p10le"),
        ("ffv1", "o.mkv", "yuv422p12le", None, "yuv422p12le"),
        ("ffv1", "o.mkv", "yuv444p16le", None, "yuv444p16le"),
    ],
)
def test_depth_and_chroma_subsampling_are_kept_where_the_codec_supports_them(
    tmp_path, codec, name, source, given, expected
):
    clip = lossless(tmp_path / "c.mkv", source)
    copy(clip, tmp_path / name, Encoding(codec, pix_fmt=given))
    info = probe(tmp_path / name)
    assert (info.pix_fmt, info.colour.matrix, info.colour.full_range) == (expected, "bt709", False)
    for ours, theirs in zip(Reader(info.path), Reader(clip), strict=True):
        assert (ours.image.mean((1, 2)) - theirs.image.mean((1, 2))).abs().max() < 0.02


def test_reduced_chroma_resolution_is_noted(tmp_path):
    clip = lossless(tmp_path / "c.mkv", "yuv444p")
    notes = copy(clip, tmp_path / "o.mp4").notes
    assert any("chroma subsampling 4:4:4 becomes 4:2:0; --pix-fmt" in note for note in notes)


def test_a_clip_with_alpha_gets_a_codec_with_alpha(tmp_path):
    clip = lossless(tmp_path / "c.mkv", "yuva420p", width=64, height=48)
    for name, codec in (("o.mov", "prores"), ("o.mkv", "vp9"), ("o.webm", "vp9")):
        writer = copy(clip, tmp_path / name)
        assert (probe(tmp_path / name).codec, probe(tmp_path / name).has_alpha) == (codec, True)
        chosen = [note for note in writer.notes if "is chosen to keep the clip's alpha" in note]
        assert len(chosen) == 1
        for ours, theirs in zip(Reader(tmp_path / name), Reader(clip), strict=True):
            assert (ours.alpha - theirs.alpha).abs().mean() < 0.05


def test_prores_and_dnxhr_clips_keep_their_codec(tmp_path):
    clip = lossless(tmp_path / "c.mkv", "yuv422p10le")
    for codec, name in (("prores", "prores"), ("dnxhr", "dnxhd")):
        copy(clip, tmp_path / f"{codec}.mov", Encoding(codec))
        writer = copy(tmp_path / f"{codec}.mov", tmp_path / f"again-{codec}.mov")
        assert probe(tmp_path / f"again-{codec}.mov").codec == name
        assert any(f"codec {codec} is chosen to keep the clip's codec" in n for n in writer.notes)
        copy(tmp_path / f"{codec}.mov", tmp_path / f"{codec}.mp4")
        assert probe(tmp_path / f"{codec}.mp4").codec == "h264"


def test_an_odd_size_in_webm_gets_a_codec_that_supports_it(tmp_path):
    clip = lossless(tmp_path / "c.mkv", "yuv420p", width=33, height=21)
    copy(clip, tmp_path / "o.webm")
    info = probe(tmp_path / "o.webm")
    assert (info.codec, info.width, info.height) == ("vp9", 33, 21)


def test_an_explicit_codec_or_pixel_format_may_drop_alpha(tmp_path):
    clip = lossless(tmp_path / "c.mkv", "yuva420p", width=64, height=48)
    for encoding in (Encoding("h264"), Encoding(pix_fmt="yuv420p")):
        writer = copy(clip, tmp_path / f"{encoding.codec}.mov", encoding)
        assert probe(tmp_path / f"{encoding.codec}.mov").codec == "h264"
        assert any("alpha is dropped" in note for note in writer.notes)


@pytest.mark.parametrize("pix_fmt", ["yuva444p10le", "yuva422p10le"])
def test_prores_4444_keeps_its_alpha(tmp_path, pix_fmt):
    clip = lossless(tmp_path / "c.mkv", pix_fmt, width=64, height=48)
    copy(clip, tmp_path / "a.mov", Encoding("prores"))
    info = probe(tmp_path / "a.mov")
    assert (info.codec, info.has_alpha) == ("prores", True)
    assert info.bit_depth >= 10
    copy(tmp_path / "a.mov", tmp_path / "b.mov")
    for ours, theirs in zip(Reader(tmp_path / "b.mov"), Reader(clip), strict=True):
        assert (ours.alpha - theirs.alpha).abs().max() < 0.01


def test_dnxhr_in_segments_is_joined(tmp_path):
    clip = lossless(tmp_path / "c.mkv", "yuv422p10le", sample_aspect=None)
    with Reader(clip) as reader:
        writer = open_writer(tmp_path / "o.mov", reader.info, Encoding("dnxhr"), segment_frames=1)
        for frame in reader:
            writer.write(frame)
        writer.finish()
    frames = list(Reader(tmp_path / "o.mov"))
    assert len(frames) == 2
    assert not torch.equal(frames[0].image, frames[1].image)


def test_a_new_codec_is_one_row_of_the_table(tmp_path, monkeypatch):
    # MPEG-4 part 2, which vst does not write otherwise.
    row = Codec(
        "mpeg4",
        "mpeg4",
        ("mkv", "mov"),
        lambda crf, threads, layout: {"flags": "+qscale", "global_quality": str(118 * crf)},
        lambda source: "yuv420p",
        quality=Quality(3, 31),
    )
    monkeypatch.setitem(CODECS, row.name, row)
    clip = lossless(tmp_path / "c.mkv", "yuv420p", width=64, height=48)
    for suffix in row.containers:
        copy(clip, tmp_path / f"o.{suffix}", Encoding("mpeg4", crf=2))
        assert probe(tmp_path / f"o.{suffix}").codec == "mpeg4"
        assert [frame.time for frame in Reader(tmp_path / f"o.{suffix}")] == [
            frame.time for frame in Reader(clip)
        ]
    with pytest.raises(UsageError, match=r"mpeg4 is not supported in \.mp4: use \.mkv or \.mov"):
        copy(clip, tmp_path / "o.mp4", Encoding("mpeg4"))
    with pytest.raises(UsageError, match="--crf 40 is out of range for mpeg4: use 0 to 31"):
        copy(clip, tmp_path / "p.mkv", Encoding("mpeg4", crf=40))
    with pytest.raises(UsageError, match="unknown codec 'mpg4': did you mean 'mpeg4'"):
        copy(clip, tmp_path / "p.mkv", Encoding("mpg4"))


CENTRED_IN_MATROSKA = b"\x55\xb7\x81\x02"
"""ChromaSitingHorz (RFC 9559), half."""


def test_centred_chroma_is_kept_and_signalled(tmp_path):
    size = {"width": 128, "height": 96}
    source = make_clip(tmp_path / "in.mkv", frames=2, codec="mjpeg", pix_fmt="yuvj420p", **size)
    assert probe(source).colour.centred_chroma
    copy(source, tmp_path / "kept.mkv", Encoding(codec="ffv1"))
    assert CENTRED_IN_MATROSKA in (tmp_path / "kept.mkv").read_bytes()
    assert planes_of(tmp_path / "kept.mkv") == planes_of(source)
    # The usual place is not signalled: it is what players assume.
    usual = lossless(tmp_path / "usual.mkv", "yuv420p")
    assert not probe(usual).colour.centred_chroma
    copy(usual, tmp_path / "out.mkv", Encoding(codec="ffv1"))
    assert CENTRED_IN_MATROSKA not in (tmp_path / "out.mkv").read_bytes()


def test_centred_chroma_is_converted_where_it_cannot_be_signalled(tmp_path):
    source = make_clip(tmp_path / "in.mkv", codec="mjpeg", pix_fmt="yuvj422p", width=256, height=120)
    info = probe(source)
    for name, codec, centred in (
        ("o.mkv", "ffv1", True),
        ("o.mkv", "h264", True),
        ("o.mov", "prores", False),
        ("o.mp4", "av1", False),
    ):
        plan = plan_encoding(tmp_path / name, info, Encoding(codec=codec), 256, 120)
        assert plan.colour.centred_chroma == centred, codec


def planes_of(path):
    with av.open(str(path)) as clip:
        return [bytes(plane) for frame in clip.decode(video=0) for plane in frame.planes]


@pytest.mark.parametrize(
    ("size", "threads"),
    [((64, 48), 2), ((854, 480), 2), ((1920, 1080), 4), ((1080, 1920), 4), ((7680, 4320), 8)],
)
def test_the_size_of_frames_decides_how_many_threads_encode(tmp_path, size, threads):
    info = probe(make_clip(tmp_path / "in.mp4", frames=1))
    assert plan_encoding(tmp_path / "o.mp4", info, Encoding(), *size).threads == threads


@pytest.mark.parametrize(("quality", "expected"), [(None, 17.5), (30, 29.5), (1, 0.5), (0, 0)])
def test_the_preset_of_x264_is_made_up_for_by_its_quality(tmp_path, quality, expected):
    info = probe(make_clip(tmp_path / "in.mp4", frames=1))
    options = plan_encoding(tmp_path / "o.mp4", info, Encoding(crf=quality), 48, 32).options
    assert (options["preset"], float(options["crf"])) == ("faster", expected)


def test_quality_0_of_h264_is_lossless(tmp_path):
    source = lossless(tmp_path / "in.mkv", "yuv420p")
    copy(source, tmp_path / "out.mkv", Encoding(codec="h264", crf=0))
    assert planes_of(tmp_path / "out.mkv") == planes_of(source)
