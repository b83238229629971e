"""A render says which backend it ran, keeps to it when it is resumed, and stops when the backend fails."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

import vst.pipeline.job
from tests import fake_backend
from tests.pipeline.scenes import scenes
from vst.errors import Interrupted, UsageError, VstError
from vst.modes import backend_choice
from vst.modes.backend_choice import Timing
from vst.nn.backends import BACKENDS, BackendEntry
from vst.pipeline import render
from vst.pipeline.plan import plan_render, stylized_frames


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path_factory):
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 4)
    folder = str(tmp_path_factory.mktemp("cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    monkeypatch.setenv("LOCALAPPDATA", folder)


@pytest.fixture
def fake(monkeypatch):
    return fake_backend.install(monkeypatch)


@pytest.fixture
def clip(exact_clip):
    return exact_clip("clip.mkv", scenes()[:12])


def quick(monkeypatch, timing):
    monkeypatch.setattr(backend_choice, "LEAST_FRAMES", 2)
    monkeypatch.setattr(backend_choice, "measure", lambda *_: timing)


def stop_at(frame, clip, given, output):
    """Stop a render after a frame."""
    stop = threading.Event()
    with pytest.raises(Interrupted):
        render(
            clip,
            given,
            output,
            stop=stop,
            progress=lambda each: stop.set() if each.frame == frame else None,
        )


def test_a_backend_that_was_asked_for_stylizes_the_clip(clip, settings, fake, tmp_path, images):
    fake.shift = 0.01
    one, other = (
        render(clip, settings(mode="itn", codec="ffv1", backend=name), tmp_path / f"{name}.mkv")
        for name in ("torch", "openvino")
    )
    apart = (images(other.output) - images(one.output)).mean()
    assert 0.2 * 0.005 < apart < 2 * 0.005
    # One of the network's tries and twelve frames.
    assert fake.calls == 13


def test_auto_says_which_backend_it_chose_and_why(clip, settings, fake, tmp_path, monkeypatch):
    quick(monkeypatch, Timing(0.2, 0.1, 0))
    report = render(clip, settings(mode="itn", backend="auto"), tmp_path / "out.mp4")
    assert report.notes[-1] == (
        f"the network runs on openvino {BACKENDS['openvino'].version}: 100 ms a frame, 200 on torch"
    )


@pytest.mark.parametrize("first", [Timing(0.2, 0.1, 0), Timing(0.1, 0.2, 0)])
def test_a_resumed_render_keeps_to_what_auto_chose(clip, settings, fake, tmp_path, monkeypatch, first):
    fake.shift = 0.01
    quick(monkeypatch, first)
    given = settings(mode="itn", backend="auto")
    whole = render(clip, given, tmp_path / "whole.mp4")
    stop_at(5, clip, given, tmp_path / "out.mp4")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    quick(monkeypatch, Timing(0.1, 0.1 if first.other < 0.2 else 0.01, 0))
    again = render(clip, given, tmp_path / "out.mp4")
    assert again.resumed > 0
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_a_render_is_not_resumed_by_another_backend(clip, settings, fake, tmp_path):
    stop_at(5, clip, settings(mode="itn"), tmp_path / "out.mp4")
    with pytest.raises(UsageError, match="--backend was torch and is openvino"):
        render(clip, settings(mode="itn", backend="openvino"), tmp_path / "out.mp4")


def test_a_backend_that_fails_in_the_middle_stops_the_render_with_a_line(clip, settings, fake, tmp_path):
    fake.fails_at = 8
    with pytest.raises(VstError, match=r"failed \(no reason\): use --backend torch; .*kept"):
        render(clip, settings(mode="itn", backend="openvino"), tmp_path / "out.mp4")


def test_a_missing_package_and_a_gpu_are_refused_before_anything_is_read(settings, monkeypatch):
    monkeypatch.setitem(BACKENDS, "openvino", BackendEntry("openvino", "", "no_such_package"))
    with pytest.raises(VstError, match="needs the package no_such_package"):
        plan_render("missing.mp4", settings(backend="openvino"), None)
    fake_backend.install(monkeypatch)
    monkeypatch.setattr("vst.pipeline.plan.choose_device", lambda _: torch.device("cuda"))
    with pytest.raises(UsageError, match="openvino is for the CPU: use --device cpu or --backend torch"):
        plan_render("missing.mp4", settings(backend="openvino", precision="fp16"), None)


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        ({"mode": "itn"}, 12),
        ({"mode": "vtn"}, 2),
        ({"mode": "vtn", "keyframe_interval": 1}, 12),
        ({"mode": "itn", "keyframe_interval": 5, "frames": 10}, 2),
        ({"mode": "itn", "start": "5f"}, 7),
        ({"mode": "itn", "start": "5f", "end": "9f"}, 4),
        ({"mode": "itn", "start": 0.2, "end": 0.36}, 4),
    ],
)
def test_the_number_of_stylized_frames_is_known_before_the_first(clip, settings, options, frames):
    plan = plan_render(clip, settings(**options), None)
    with plan.open_reader() as reader:
        assert stylized_frames(plan, replace(reader.info, frames=12)) == frames
        unknown = stylized_frames(plan, replace(reader.info, frames=None))
    assert unknown == (frames if "frames" in options or "end" in options else None)
