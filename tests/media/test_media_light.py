"""HDR and linear light: tone-mapped or kept, with a note."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import av
import pytest
import torch
from clips import pattern

from vst.errors import UsageError
from vst.frame import Frame
from vst.media import Encoding, Reader, open_writer
from vst.media.colour import light as lights
from vst.media.colour.mastering import Mastering
from vst.media.colour.planes import from_rgb
from vst.media.colour.spec import ColourSpec
from vst.media.probe import probe

PQ, HLG = 16, 18
MASTERING = Mastering(
    tuple(Fraction(n, 50000) for n in (34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450)),
    (Fraction(50, 10000), Fraction(1000)),
    1000,
    400,
)


def hdr_clip(path, curve, frames=3, size=(80, 72)):
    """Moderate colours, up to about 1000 cd/m²."""
    spec = ColourSpec("bt2020", False, 9, 9, curve, True, True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25, options={"level": "3"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, curve, 1
        for number in range(frames):
            noise = torch.from_numpy(pattern(*size, number)).float()
            signal = noise.mean(0) * 0.7 + noise * 0.15 + 0.1
            frame = from_rgb(signal, None, "yuv444p10le", spec)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def copy(source, target, hdr, encoding=None):
    with Reader(source, hdr=hdr) as reader, open_writer(target, reader.info, encoding) as writer:
        for frame in reader:
            writer.write(frame)
    return reader, writer


def grey(value, height=4, width=4):
    return torch.full((3, height, width), float(value))


@pytest.mark.parametrize(
    ("curve", "signal", "nits"),
    [
        (PQ, 0.5081, 100),
        (PQ, 0.5807, 203),
        (PQ, 0.7518, 1000),
        (PQ, 1, 10000),
        (HLG, 0.75, 203),
        (HLG, 1, 1000),
    ],
)
def test_known_signals_have_their_known_light(curve, signal, nits):
    light = lights.light_from_signal(grey(signal), curve, 9)
    assert light.mean().item() == pytest.approx(nits / 203, rel=0.01)


@pytest.mark.parametrize("curve", [PQ, HLG])
@pytest.mark.parametrize("primaries", [1, 2, 9, 12])
def test_signal_to_light_and_back_is_the_identity(curve, primaries):
    signal = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(1)) * 0.75
    signal[:, 0] = 0
    signal[:, 1] = 1
    light = lights.light_from_signal(signal, curve, primaries)
    shown, gain = lights.compress(light)
    shown = lights.light_from_display(lights.display_from_light(shown))
    back = lights.signal_from_light(shown * gain, curve, primaries)
    assert (back - signal).abs().max() < 1 / 1023


def test_srgb_is_exact_at_known_points_and_invertible_above_white():
    light = torch.tensor([-0.5, 0, 0.001, 0.2140, 1, 7])[None, None].expand(3, 1, 6)
    image = lights.srgb_from_light(light)
    assert image[0, 0, 3].item() == pytest.approx(0.5, abs=1e-4)
    assert image[0, 0, 4].item() == pytest.approx(1)
    assert torch.allclose(lights.light_from_srgb(image), light, rtol=1e-5)


def test_compressed_light_is_in_range_and_keeps_its_hue():
    light = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(2)) * 60
    shown, gain = lights.compress(light)
    assert shown.max() <= 1
    assert gain.min() >= 1
    assert torch.allclose(shown / shown.amax(0), light / light.amax(0), rtol=1e-5)
    order = light.amax(0).flatten().argsort()
    assert (shown.amax(0).flatten()[order].diff() >= -1e-6).all()


def test_light_below_the_knee_is_unchanged():
    light = torch.rand(3, 9, 9) * lights.KNEE
    shown, gain = lights.compress(light)
    assert torch.equal(shown, light)
    assert (gain == 1).all()


def test_bt2020_colours_outside_of_bt709_are_desaturated_and_not_clipped():
    signal = torch.tensor([0.1, 0.55, 0.1]).view(3, 1, 1).expand(3, 2, 2)
    image = lights.tone_mapped(signal, PQ, 9)
    assert image.min() >= 0
    assert image.max() <= 1
    assert image[1, 0, 0] > image[0, 0, 0]


def test_extreme_light_gives_finite_values():
    for curve in (PQ, HLG):
        for signal in (grey(0), grey(-0.1), grey(1.3), torch.tensor([1.2, -0.5, -0.5]).view(3, 1, 1)):
            assert lights.tone_mapped(signal, curve, 9).isfinite().all()
            assert (
                lights.signal_from_light(lights.light_from_signal(signal, curve, 9), curve, 9)
                .isfinite()
                .all()
            )


@pytest.mark.parametrize(("curve", "name"), [(PQ, "PQ"), (HLG, "HLG")])
def test_hdr_is_tone_mapped_to_bt709_with_a_note(tmp_path, curve, name):
    source = hdr_clip(tmp_path / "c.mkv", curve)
    assert probe(source).colour.is_hdr
    reader, _ = copy(source, tmp_path / "o.mp4", "tonemap", Encoding("h264"))
    assert any(f"HDR ({name}) is tone-mapped" in note for note in reader.notes)
    after = probe(tmp_path / "o.mp4").colour
    assert (after.matrix, after.primaries, after.transfer) == ("bt709", 1, 1)
    for ours, theirs in zip(Reader(tmp_path / "o.mp4"), Reader(source), strict=True):
        assert theirs.image.min() >= 0
        assert theirs.image.max() <= 1
        assert theirs.gain is None
        assert (ours.image.mean((1, 2)) - theirs.image.mean((1, 2))).abs().max() < 0.03


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_kept_hdr_returns_from_a_lossless_codec(tmp_path, curve):
    source = hdr_clip(tmp_path / "c.mkv", curve)
    reader, _ = copy(source, tmp_path / "o.mkv", "keep", Encoding("ffv1"))
    assert any("is kept" in note for note in reader.notes)
    before, after = probe(source), probe(tmp_path / "o.mkv")
    assert (after.pix_fmt, after.colour) == (before.pix_fmt, before.colour)
    with av.open(str(source)) as one, av.open(str(tmp_path / "o.mkv")) as two:
        for ours, theirs in zip(one.decode(video=0), two.decode(video=0), strict=True):
            for mine, other in zip(ours.planes, theirs.planes, strict=True):
                a, b = (torch.frombuffer(bytearray(plane), dtype=torch.int16) for plane in (mine, other))
                assert (a - b).abs().max() <= 1


def test_kept_hdr_is_in_range_for_the_stylizer_and_bright_again_in_the_output(tmp_path):
    source = hdr_clip(tmp_path / "c.mkv", PQ)
    with (
        Reader(source, hdr="keep") as reader,
        open_writer(tmp_path / "o.mkv", reader.info, Encoding("ffv1")) as out,
    ):
        for frame in reader:
            assert frame.gain.max() > 2
            # Paint of one colour: it is as bright as the highlights were, and no brighter elsewhere.
            out.write(dataclasses.replace(frame, image=grey(0.5, 72, 80)))
            gain = frame.gain
    last = list(Reader(tmp_path / "o.mkv", hdr="keep"))[-1]
    light = lights.light_from_display(last.image) * last.gain
    paint = 0.5**lights.DISPLAY_GAMMA
    assert torch.allclose(light.mean(0), paint * gain[0], rtol=0.05, atol=0.005)


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        (None, "o.mp4"),
        ("h264", "o.mp4"),
        ("h265", "o.mkv"),
        ("av1", "o.mkv"),
        ("prores", "o.mov"),
        (None, "o.webm"),
    ],
)
def test_kept_hdr_stays_hdr_in_every_codec_with_ten_bits(tmp_path, codec, name):
    source = hdr_clip(tmp_path / "c.mkv", PQ)
    copy(source, tmp_path / name, "keep", Encoding(codec))
    info = probe(tmp_path / name)
    assert info.bit_depth >= 10
    assert (info.colour.matrix, info.colour.primaries, info.colour.transfer) == ("bt2020", 9, PQ)
    for ours, theirs in zip(Reader(info.path, hdr="keep"), Reader(source, hdr="keep"), strict=True):
        assert (ours.image.mean((1, 2)) - theirs.image.mean((1, 2))).abs().max() < 0.05


@pytest.mark.parametrize(
    "encoding", [Encoding("vp9"), Encoding("h264", pix_fmt="yuv420p"), Encoding(pix_fmt="yuv420p")]
)
def test_hdr_is_not_kept_in_eight_bits(tmp_path, encoding):
    info = Reader(hdr_clip(tmp_path / "c.mkv", PQ), hdr="keep").info
    with pytest.raises(UsageError, match=r"8 bits per sample, and HDR needs 10: choose"):
        open_writer(tmp_path / "o.mkv", info, encoding)


@pytest.mark.parametrize(("codec", "name"), [("h265", "o.mp4"), ("av1", "o.mkv")])
def test_the_mastering_metadata_is_copied(tmp_path, codec, name):
    info = Reader(hdr_clip(tmp_path / "c.mkv", PQ), hdr="keep").info
    info = dataclasses.replace(info, mastering=MASTERING)
    with open_writer(tmp_path / name, info, Encoding(codec)) as writer:
        writer.write(Frame(0, Fraction(0), Fraction(1, 25), grey(0.5, 72, 80)))
    kept = probe(tmp_path / name).mastering
    assert (kept.max_cll, kept.max_fall) == (1000, 400)
    assert kept.primaries == pytest.approx(MASTERING.primaries, abs=1e-4)
    assert kept.luminance == pytest.approx(MASTERING.luminance, abs=1e-3)


def test_an_unknown_hdr_value_is_refused_before_the_file_is_opened(tmp_path):
    with pytest.raises(UsageError, match="hdr is 'kepe': did you mean 'keep'"):
        Reader(tmp_path / "none.mp4", hdr="kepe")
