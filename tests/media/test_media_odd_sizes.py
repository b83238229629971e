"""Frames with an odd side, in codecs whose 4:2:0 has even sides only."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from clips import make_clip

from vst.frame import Frame
from vst.media import Encoding, Reader, Writer, open_writer
from vst.media.probe import probe

LOSSLESS = {"codec": "ffv1", "options": {"level": "3"}}


def render(source, target, encoding: Encoding | None = None, **options) -> Writer:
    with Reader(source) as reader, open_writer(target, reader.info, encoding, **options) as writer:
        for frame in reader:
            writer.write(frame)
    return writer


def padded_notes(writer: Writer) -> list[str]:
    return [note for note in writer.notes if "repeated" in note]


@pytest.mark.parametrize(
    ("width", "height", "even", "sides"),
    [
        (83, 77, (84, 78), "the last column and row are repeated"),
        (83, 76, (84, 76), "the last column is repeated"),
        (82, 77, (82, 78), "the last row is repeated"),
    ],
)
@pytest.mark.parametrize(
    ("codec", "name", "keeps"),
    [
        ("h264", "o.mp4", "--pix-fmt yuv444p"),
        ("h264", "o.mkv", "--pix-fmt yuv444p"),
        ("h265", "o.mov", "--pix-fmt yuv444p"),
        ("av1", "o.mp4", "--codec vp9"),
        ("av1", "o.m4v", "--codec h264 --pix-fmt yuv444p"),
    ],
)
def test_a_420_clip_is_padded_by_its_last_column_and_row(
    tmp_path, width, height, even, sides, codec, name, keeps
):
    source = make_clip(tmp_path / "c.mkv", frames=2, width=width, height=height, **LOSSLESS)
    writer = render(source, tmp_path / name, Encoding(codec))
    after = probe(tmp_path / name)
    assert (after.width, after.height) == even
    assert after.pix_fmt in ("yuv420p", "yuv420p10le")
    (note,) = padded_notes(writer)
    assert sides in note
    assert f"{keeps} keeps the exact size" in note


@pytest.mark.parametrize(
    ("codec", "name", "pix_fmt"),
    [
        ("h264", "o.mp4", "yuv444p"),
        ("h265", "o.mp4", "yuv444p"),
        ("vp9", "o.webm", None),
        ("ffv1", "o.mkv", None),
        ("prores", "o.mov", None),
    ],
)
def test_the_exact_size_is_kept_where_the_codec_has_it(tmp_path, codec, name, pix_fmt):
    source = make_clip(tmp_path / "c.mkv", frames=2, width=83, height=77, **LOSSLESS)
    writer = render(source, tmp_path / name, Encoding(codec, pix_fmt=pix_fmt))
    after = probe(tmp_path / name)
    assert (after.width, after.height) == (83, 77)
    assert not padded_notes(writer)


def test_the_padding_repeats_the_edge_and_changes_nothing_else(tmp_path):
    source = make_clip(tmp_path / "c.mkv", frames=3, width=33, height=17, **LOSSLESS)
    render(source, tmp_path / "o.mp4", Encoding(crf=0))
    for before, after in zip(Reader(source), Reader(tmp_path / "o.mp4"), strict=True):
        assert after.image.shape == (3, 18, 34)
        luma = torch.tensor([0.299, 0.587, 0.114])
        inner = ((after.image[:, :17, :33] - before.image) * luma[:, None, None]).sum(0)
        assert inner.abs().max() < 0.02
        assert torch.allclose(after.image[:, :, 33], after.image[:, :, 32], atol=0.02)
        assert torch.allclose(after.image[:, 17], after.image[:, 16], atol=0.02)


def test_ten_bits_are_padded_too(tmp_path):
    source = make_clip(
        tmp_path / "c.mkv", frames=2, width=83, height=77, pix_fmt="yuv420p10le", top=1023, **LOSSLESS
    )
    writer = render(source, tmp_path / "o.mp4", Encoding("h265"))
    after = probe(tmp_path / "o.mp4")
    assert (after.width, after.height, after.pix_fmt) == (84, 78, "yuv420p10le")
    assert "--pix-fmt yuv444p10le keeps" in padded_notes(writer)[0]


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "bgr0"])
def test_a_clip_with_full_chroma_keeps_its_size_and_chroma(tmp_path, pix_fmt):
    source = make_clip(tmp_path / "c.mkv", frames=2, width=33, height=17, pix_fmt=pix_fmt, **LOSSLESS)
    writer = render(source, tmp_path / "o.mp4")
    after = probe(tmp_path / "o.mp4")
    assert (after.width, after.height, after.pix_fmt) == (33, 17, "yuv444p")
    assert any("some players refuse: --pix-fmt yuv420p pads the frames" in note for note in writer.notes)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p"])
def test_a_chosen_pixel_format_with_subsampling_is_padded_where_it_has_to_be(tmp_path, pix_fmt):
    source = make_clip(tmp_path / "c.mkv", frames=2, width=33, height=17, pix_fmt="yuv444p", **LOSSLESS)
    render(source, tmp_path / "o.mp4", Encoding(pix_fmt=pix_fmt))
    after = probe(tmp_path / "o.mp4")
    assert (after.width, after.height) == ((34, 18) if pix_fmt == "yuv420p" else (34, 17))
    assert after.pix_fmt == pix_fmt


def test_alpha_is_padded_with_the_picture(tmp_path):
    info = probe(make_clip(tmp_path / "c.mp4", frames=1))
    plan = {"width": 33, "height": 17}
    image = torch.rand(3, 17, 33)
    with open_writer(tmp_path / "o.mp4", info, Encoding("h264"), **plan) as writer:
        writer.write(Frame(0, Fraction(0), Fraction(1, 25), image, torch.ones(1, 17, 33)))
    assert (probe(tmp_path / "o.mp4").width, probe(tmp_path / "o.mp4").height) == (34, 18)


def test_segments_of_a_padded_clip_are_resumed(tmp_path):
    source = make_clip(tmp_path / "c.mkv", frames=6, width=33, height=17, **LOSSLESS)
    render(source, tmp_path / "whole.mp4", segment_frames=3)
    frames = list(Reader(source))
    info = probe(source)
    first = open_writer(tmp_path / "o.mp4", info, segment_frames=None, resumable=True)
    first.start({})
    for frame in frames[:3]:
        first.write(frame)
    first.cut()
    first.abort()
    second = open_writer(tmp_path / "o.mp4", info, segment_frames=None, resumable=True)
    second.resume(second.work.finished())
    for frame in frames[3:]:
        second.write(frame)
    second.finish()
    assert len(padded_notes(second)) == 1
    for ours, whole in zip(Reader(tmp_path / "o.mp4"), Reader(tmp_path / "whole.mp4"), strict=True):
        assert torch.equal(ours.image, whole.image)
