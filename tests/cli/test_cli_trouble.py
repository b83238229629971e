"""Messages for hostile files and missing hardware."""

from __future__ import annotations

import json

import pytest

from vst.media.decode import hardware
from vst.media.encode import hardware_codecs


@pytest.mark.parametrize(
    "command",
    [
        ["probe"],
        ["render", "--style", "candy", "-o", "{folder}/o.mp4"],
        ["flow", "-o", "{folder}/flow"],
        ["evaluate", "{clip}"],
        ["compare", "{clip}", "-o", "{folder}/o.mp4"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_refuses_a_hostile_file_in_one_line(
    vst, weights, clip, tmp_path, monkeypatch, command
):
    monkeypatch.setenv("VST_MAX_PIXELS", "1000")
    monkeypatch.setenv("VST_WEIGHTS", str(weights))
    name, *options = (word.format(folder=tmp_path, clip=clip) for word in command)
    outcome = vst(name, clip, *options)
    assert outcome.code == 1
    assert outcome.err == (
        f"vst: error: {clip} has 1,536 pixels per frame, more than the limit of 1,000: "
        "if that is correct, set VST_MAX_PIXELS=1536\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_limit_that_is_not_a_number_is_bad_usage(vst, clip, monkeypatch):
    monkeypatch.setenv("VST_MAX_FRAMES", "lots")
    outcome = vst("probe", clip)
    assert outcome.code == 2
    assert outcome.err.startswith("vst: error: VST_MAX_FRAMES is 'lots': expected a whole number")


def test_missing_hardware_is_one_line(vst, weights, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "known_devices", lambda: ["cuda"])
    monkeypatch.setattr(hardware, "why_no_device", lambda name: "no such device")
    options = ["--style", "candy", "--mode", "itn", "--weights-dir", weights, "-o", tmp_path / "o.mp4"]
    outcome = vst("render", clip, *options, "--hwaccel", "cuda")
    assert outcome.code == 1
    assert outcome.err.startswith(f"vst: error: {clip}: this machine has no cuda device that can be opened")
    outcome = vst("render", clip, *options, "--hwaccel", "gpu")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    outcome = vst("render", clip, *options, "--hwaccel", "auto")
    assert outcome.code == 0
    assert "note: decoded in software: this machine has no cuda device" in outcome.err


def test_the_doctor_lists_the_hardware_and_the_limits(vst, weights, monkeypatch):
    monkeypatch.setattr(hardware, "known_devices", lambda: ["cuda", "vaapi"])
    monkeypatch.setattr(hardware, "decodes", lambda device: ["h264", "hevc"])
    monkeypatch.setattr(
        hardware, "why_no_device", lambda name: None if name == "cuda" else "no such device"
    )
    monkeypatch.setattr(hardware_codecs, "open_failure", lambda *arguments: None)
    monkeypatch.setattr("av.codec.codecs_available", {"h264_qsv", "libx264"})
    monkeypatch.setenv("VST_MAX_SECONDS", "100")
    outcome = vst("doctor", "--weights-dir", weights, "--json")
    found = {entry["check"]: entry["value"] for entry in map(json.loads, outcome.out.splitlines())}
    assert found["hwaccel cuda"] == "decodes h264, hevc"
    assert found["hwaccel vaapi"] == "no such device"
    assert found["codec h264_qsv"] == "ready"
    assert "codec h264_nvenc" not in found
    assert found["VST_MAX_PIXELS"] == "134,217,728 pixels per frame at most"
    assert found["VST_MAX_SECONDS"] == "100 seconds at most"
