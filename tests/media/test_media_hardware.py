"""Hardware decoding and encoding: optional, never the default, with one error line where it is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import av
import pytest
import torch
from clips import make_clip

from vst.errors import MediaError, UsageError
from vst.media import CODECS, CONTAINERS, Encoding, Reader, open_writer
from vst.media.colour.layout import find_layout, layout_of
from vst.media.decode import hardware
from vst.media.decode.hardware import choose_device, known_devices, why_no_device
from vst.media.encode import hardware_codecs
from vst.media.encode.codec import Hardware
from vst.media.encode.codec_choice import default_codec
from vst.media.encode.hardware_codecs import HARDWARE_CODECS
from vst.media.probe import probe

THERE = [name for name in known_devices() if why_no_device(name) is None]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "c.mp4", frames=5)


@pytest.fixture
def no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that decodes with `cuda`, on a machine that has none."""
    monkeypatch.setattr(hardware, "known_devices", lambda: ["cuda"])
    monkeypatch.setattr(hardware, "why_no_device", lambda name: "no such device")


def test_decoding_is_in_software_by_default(clip):
    reader = Reader(clip)
    assert not any("decoded" in note for note in reader.notes)


@pytest.mark.usefixtures("no_device")
def test_a_missing_device_is_refused_by_name(clip):
    line = r"c\.mp4: this machine has no cuda device that can be opened \(no such device\); leave --hwaccel"
    with pytest.raises(MediaError, match=line):
        Reader(clip, hwaccel="cuda")


@pytest.mark.usefixtures("no_device")
def test_auto_falls_back_to_software_and_notes_why(clip):
    reader = Reader(clip, hwaccel="auto")
    assert len(list(reader)) == 5
    assert "decoded in software: this machine has no cuda device that can be opened (no such device)" in (
        reader.notes
    )


@pytest.mark.usefixtures("no_device")
def test_a_mistyped_device_gets_the_nearest_name(clip):
    with pytest.raises(UsageError, match="hwaccel is 'cudda': did you mean 'cuda'"):
        Reader(clip, hwaccel="cudda")
    with pytest.raises(UsageError, match="hwaccel dxva2 is not in this build of PyAV, which has cuda"):
        Reader(clip, hwaccel="dxva2")


def test_a_device_that_cannot_decode_the_clip_is_refused_or_skipped(clip, monkeypatch):
    monkeypatch.setattr(hardware, "known_devices", lambda: ["cuda"])
    monkeypatch.setattr(hardware, "why_no_device", lambda name: None)
    monkeypatch.setattr(hardware, "_decodes_first_frame", lambda *arguments: False)
    with pytest.raises(MediaError, match=r"cuda does not decode this clip \(h264, yuv420p, 48×32\)"):
        Reader(clip, hwaccel="cuda")
    assert Reader(clip, hwaccel="auto").notes[-1].startswith("decoded in software: cuda does not decode")


def test_a_codec_without_a_hardware_decoder_is_named(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "c.mkv", frames=2, codec="ffv1", options={"level": "3"})
    monkeypatch.setattr(hardware, "known_devices", lambda: ["vaapi"])
    monkeypatch.setattr(hardware, "why_no_device", lambda name: None)
    with pytest.raises(MediaError, match=r"vaapi does not decode ffv1 \(.*no stream is compatible\)"):
        Reader(clip, hwaccel="vaapi")


def test_alpha_is_decoded_in_software(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "known_devices", lambda: ["cuda"])
    clip = probe(make_clip(tmp_path / "c.webm", frames=2, codec="libvpx-vp9"))
    device, note = choose_device("auto", replace(clip, has_alpha=True))
    assert (device, note) == (None, "decoded in software: cuda does not decode the alpha channel of vp9")


def test_pictures_need_no_device(tmp_path, clip):
    assert choose_device("auto", replace(probe(clip), is_still=True)) == (None, None)


def test_the_decoder_gets_the_chosen_device(clip, monkeypatch):
    asked = []
    monkeypatch.setattr(hardware, "known_devices", lambda: ["cuda"])
    monkeypatch.setattr(hardware, "_decoding_failure", lambda device, clip: None)
    monkeypatch.setattr("vst.media.decode.decoder.device_of", asked.append)
    reader = Reader(clip, hwaccel="cuda")
    assert len(list(reader)) == 5
    assert asked == ["cuda"]
    assert "decoded by cuda" in reader.notes


@pytest.mark.skipif(not THERE, reason="this machine has no device that decodes")
@pytest.mark.parametrize("device", THERE)
def test_hardware_decodes_to_the_same_frames(tmp_path, device):
    clip = make_clip(tmp_path / "c.mp4", frames=5, width=320, height=192)
    for soft, hard in zip(Reader(clip), Reader(clip, hwaccel=device), strict=True):
        assert soft.time == hard.time
        assert torch.equal(soft.image, hard.image)


def test_a_missing_encoder_is_refused_before_any_work(tmp_path, clip, monkeypatch):
    monkeypatch.setattr(hardware_codecs, "open_failure", lambda *arguments: "no such device")
    for codec in HARDWARE_CODECS.values():
        line = f"{codec.name} (needs an? .*no such device.: choose a software|is not in this build of PyAV)"
        with pytest.raises((MediaError, UsageError), match=line):
            open_writer(tmp_path / "o.mp4", Reader(clip).info, Encoding(codec=codec.name))
    assert [path.name for path in tmp_path.iterdir()] == ["c.mp4"]


def test_a_mistyped_encoder_gets_the_nearest_name(tmp_path, clip):
    with pytest.raises(UsageError, match="unknown codec 'h264_nvnec': did you mean 'h264_nvenc'"):
        open_writer(tmp_path / "o.mp4", Reader(clip).info, Encoding(codec="h264_nvnec"))


def test_no_hardware_encoder_is_ever_the_default(tmp_path, clip):
    info = probe(clip)
    sources = (None, info, replace(info, has_alpha=True), replace(info, light="hdr"))
    chosen = {default_codec(Path(f"o.{name}"), source) for name in CONTAINERS for source in sources}
    assert chosen <= CODECS.keys()
    assert not CODECS.keys() & HARDWARE_CODECS.keys()


@pytest.mark.parametrize("codec", HARDWARE_CODECS.values(), ids=lambda codec: codec.name)
def test_the_surface_of_an_encoder_has_the_samples_of_the_pixel_format(codec):
    for asked, taken in codec.hardware.surfaces.items():
        assert find_layout(asked) == layout_of(taken)
        options = codec.options(codec.quality.default, 2, layout_of(asked))
        assert all(isinstance(value, str) for value in options.values())
    for bits in ("yuv420p", "yuv420p10le", "yuva444p12le"):
        assert codec.pix_fmt(layout_of(bits)) in codec.hardware.surfaces
    assert set(codec.containers) <= CONTAINERS.keys()


def test_frames_are_converted_to_the_surface_of_the_encoder(tmp_path, clip, monkeypatch):
    # libx264 stands in for the hardware: it takes both.
    needs = Hardware("nothing", {"yuv420p": "nv12"})
    fake = replace(CODECS["h264"], name="h264_fake", hardware=needs)
    monkeypatch.setitem(HARDWARE_CODECS, "h264_fake", fake)
    for codec in ("h264", "h264_fake"):
        reader = Reader(clip)
        with open_writer(tmp_path / f"{codec}.mp4", reader.info, Encoding(codec=codec)) as writer:
            for frame in reader:
                writer.write(frame)
    for one, other in zip(Reader(tmp_path / "h264.mp4"), Reader(tmp_path / "h264_fake.mp4"), strict=True):
        assert torch.equal(one.image, other.image)
    with pytest.raises(UsageError, match="h264_fake does not support pixel format yuv444p"):
        open_writer(tmp_path / "o.mp4", reader.info, Encoding(codec="h264_fake", pix_fmt="yuv444p"))


@pytest.mark.skipif("h264_nvenc" not in av.codec.codecs_available, reason="PyAV is built without NVENC")
def test_a_failure_gives_the_reason_of_the_encoder():
    codec = HARDWARE_CODECS["h264_nvenc"]
    options = codec.options(21, 2, layout_of("yuv420p"))
    refused = hardware_codecs.open_failure(codec, "yuv420p", options)
    if refused is None:
        pytest.skip("this machine encodes with NVENC")
    assert re.fullmatch(r"[^\n]*\w[^\n]*", refused)
