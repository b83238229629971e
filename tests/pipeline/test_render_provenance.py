"""A render writes into its output which style, weights and version made it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

import vst
import vst.pipeline.job
from tests.pipeline.scenes import scenes
from vst.batch.manifest import settings_digest
from vst.errors import Interrupted, UsageError
from vst.files import file_digest
from vst.media.probe import probe
from vst.pipeline import RenderSettings, render
from vst.pipeline.fingerprint import fingerprint_of
from vst.pipeline.options import Effect, recorded_values


@pytest.fixture
def clip(exact_clip) -> Path:
    return exact_clip("clip.mkv", scenes()[:10])


@pytest.fixture
def digest(tiny_weights: Path) -> Callable[[str], str]:
    return lambda mode: file_digest(tiny_weights / f"{mode}-tiny.safetensors")


def stopped_after(frame: int) -> dict[str, object]:
    """Options of a render that is stopped after a frame."""
    stop = threading.Event()
    return {"stop": stop, "progress": lambda each: stop.set() if each.frame == frame else None}


def test_a_style_has_the_hash_of_its_weight_file(clip, settings, digest, tmp_path):
    for mode in ("itn", "vtn"):
        render(clip, settings(mode=mode, frames=2), tmp_path / f"{mode}.mp4")
        assert probe(tmp_path / f"{mode}.mp4").provenance == (
            f"vst {vst.__version__}; mode {mode}; style red; weights red sha256:{digest(mode)}"
        )


def test_every_style_of_a_blend_has_its_share_and_its_hash(clip, settings, digest, tmp_path):
    render(clip, settings(style="red:3+blue", mode="itn", frames=2), tmp_path / "o.mkv")
    assert probe(tmp_path / "o.mkv").provenance == (
        f"vst {vst.__version__}; mode itn; style red:0.75+blue:0.25; "
        f"weights red sha256:{digest('itn')}, blue sha256:{digest('itn')}"
    )


def test_at_strength_0_no_style_is_named(clip, settings, tmp_path):
    render(clip, settings(strength=0, frames=2), tmp_path / "o.mp4")
    assert probe(tmp_path / "o.mp4").provenance == f"vst {vst.__version__}; strength 0: not stylized"


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.gif", "o%d.png", "o.%02d.exr", "o.webp"])
def test_it_can_be_left_out_and_the_frames_are_the_same(clip, settings, images, tmp_path, name):
    stated, bare = tmp_path / "a" / name, tmp_path / "b" / name
    stated.parent.mkdir()
    bare.parent.mkdir()
    render(clip, settings(mode="itn", frames=2), stated)
    render(clip, settings(mode="itn", frames=2, provenance=False), bare)
    assert probe(stated).provenance is not None
    assert probe(bare).provenance is None
    assert all(b"; mode itn;" not in file.read_bytes() for file in bare.parent.iterdir())
    assert torch.equal(images(stated), images(bare))


@pytest.mark.parametrize("name", ["o.mp4", "o.png", "o.exr"])
def test_nothing_of_the_machine_is_in_an_output(tiny_weights, clip, settings, tmp_path, name):
    options = {"mode": "itn", "frames": 1}
    render(clip, settings(**options), tmp_path / name)
    data = (tmp_path / name).read_bytes()
    private = [str(tmp_path), str(tiny_weights), str(Path.home()), socket.gethostname(), "clip.mkv", "tiny"]
    assert [each for each in private if len(each) > 3 and os.fsencode(each) in data] == []
    assert f"{getpass.getuser()}@".encode() not in data


def test_two_renders_give_equal_files(clip, settings, tmp_path):
    one = render(clip, settings(mode="itn"), tmp_path / "a.mp4")
    other = render(clip, settings(mode="itn"), tmp_path / "b.mp4")
    assert one.output.read_bytes() == other.output.read_bytes()


def test_it_is_no_part_of_the_fingerprint_but_of_the_record_of_a_batch(clip):
    with_it, without = RenderSettings(style="red"), RenderSettings(style="red", provenance=False)

    def fingerprint(settings: RenderSettings) -> dict[str, str]:
        return fingerprint_of(settings, probe(clip), torch.device("cpu"), torch.float32, [], None)

    assert fingerprint(with_it) == fingerprint(without)
    assert settings_digest(with_it) != settings_digest(without)
    assert recorded_values(without, Effect.METADATA) == {"provenance": "False"}


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 3)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("before", [True, False])
def test_a_video_goes_on_with_or_without_it(clip, settings, tmp_path, before):
    whole = render(clip, settings(mode="itn", provenance=not before), tmp_path / "whole.mp4")
    with pytest.raises(Interrupted):
        render(
            clip, settings(mode="itn", provenance=before), tmp_path / "o.mp4", **stopped_after(5)
        )  # its segments hold no metadata
    again = render(clip, settings(mode="itn", provenance=not before), tmp_path / "o.mp4")
    assert again.resumed
    assert again.output.read_bytes() == whole.output.read_bytes()


@pytest.mark.usefixtures("short_segments")
def test_the_pictures_of_one_sequence_do_not_differ(clip, settings, tmp_path):
    pattern = tmp_path / "out" / "%03d.png"
    with pytest.raises(Interrupted):
        render(clip, settings(mode="itn"), pattern, **stopped_after(5))
    with pytest.raises(UsageError, match="--provenance was on and is off: restore that"):
        render(clip, settings(mode="itn", provenance=False), pattern)
    assert render(clip, settings(mode="itn"), pattern).resumed
    whole = render(clip, settings(mode="itn"), tmp_path / "whole" / "%03d.png").output
    for number in range(1, 11):
        name = f"{number:03d}.png"
        assert (pattern.parent / name).read_bytes() == (whole.parent / name).read_bytes()


def test_a_second_style_is_added_to_the_first(clip, settings, digest, tmp_path):
    render(clip, settings(mode="itn", frames=1), tmp_path / "one.png")
    render(tmp_path / "one.png", settings(mode="itn", style="blue"), tmp_path / "two.jpg")
    lines = [
        f"vst {vst.__version__}; mode itn; style {style}; weights {style} sha256:{digest('itn')}"
        for style in ("red", "blue")
    ]
    assert (probe(tmp_path / "two.jpg").provenance or "").splitlines() == lines


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize(("name", "stated"), [("p.mkv", True), ("p.ts", False), ("p.y4m", False)])
def test_a_pipe_has_it_where_the_format_has_a_place(clip, settings, tmp_path, name, stated):
    pipe, target = tmp_path / name, tmp_path / f"got-{name}"
    os.mkfifo(pipe)
    reading = threading.Thread(target=lambda: target.write_bytes(pipe.read_bytes()), daemon=True)
    reading.start()
    render(clip, settings(mode="itn", frames=2), pipe)
    reading.join(20)
    assert (probe(target).provenance is not None) is stated


def test_a_batch_states_it_too(settings, digest, tmp_path):
    from vst.batch import run

    (tmp_path / "in").mkdir()
    Image.new("RGB", (32, 24), "teal").save(tmp_path / "in" / "photo.jpg")
    run(tmp_path / "in", tmp_path / "out", settings(mode="itn"))
    assert f"red sha256:{digest('itn')}" in (probe(tmp_path / "out" / "photo.jpg").provenance or "")
