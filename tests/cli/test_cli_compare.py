"""`vst compare`: options in, one line and JSON out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vst.pipeline.comparison
from vst.pipeline import CompareReport, CompareSettings, Progress


@pytest.fixture
def compared(monkeypatch):
    """Replaces the work; gives what it was called with."""
    calls = []

    def fake(clips, output, settings, *, progress, stop):
        calls.append((clips, output, settings))
        progress(Progress(1, 3, 2.0, 1.0, "draw"))
        return CompareReport(clips, output, 3, 96, 32, 1.5, ("b is shorter",))

    monkeypatch.setattr(vst.pipeline.comparison, "compare", fake)
    return calls


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ([], CompareSettings()),
        (["--split", "0.3", "-y"], CompareSettings(layout="split", split=0.3, overwrite=True)),
        (["--split", "moving"], CompareSettings(layout="split", split=None)),
        (["--difference", "--gain", "8"], CompareSettings(layout="difference", gain=8.0)),
        (["--labels", "a clip, stylized"], CompareSettings(labels=("a clip", "stylized"))),
        (
            ["--no-labels", "--size", "240", "--codec", "h265", "--crf", "20"],
            CompareSettings(labels=(), size=240, codec="h265", crf=20),
        ),
    ],
)
def test_options_become_settings(vst, compared, arguments, settings):
    outcome = vst("compare", "a.mov", "b.mov", "-o", "out.mp4", *arguments)
    assert outcome.code == 0, outcome.err
    assert compared == [((Path("a.mov"), Path("b.mov")), Path("out.mp4"), settings)]


def test_the_result_is_one_line_and_notes(vst, compared):
    outcome = vst("compare", "a.mov", "b.mov", "-o", "out.mp4")
    assert outcome.out == "out.mp4: 3 frames of 2 clips at 96×32, in 0:02\n"
    assert outcome.err == "note: b is shorter\n"
    events = [
        json.loads(line)
        for line in vst("compare", "a.mov", "b.mov", "-o", "out.mp4", "--json").out.splitlines()
    ]
    assert [event["event"] for event in events] == ["progress", "note", "done"]
    assert events[-1]["clips"] == ["a.mov", "b.mov"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "--output"),
        (["-o", "out.mp4", "--split", "left"], 2, "is not a position"),
        (["-o", "out.mp4", "--split", "1.5"], 2, "split is 1.5"),
        (["-o", "out.mp4", "--split", "0.5", "--difference"], 2, "were both given"),
        (["-o", "out.mp4", "--gain", "2"], 2, "--gain applies to --difference"),
        (["-o", "out.mp4", "--labels", "a", "--no-labels"], 2, "were both given"),
        (["-o", "out.mp4", "--labels", "a"], 2, "number of labels: 1, of clips: 2"),
        (["-o", "out.xyz"], 2, "xyz"),
        (["-o", "none/out.mp4"], 1, "does not exist"),
    ],
)
def test_invalid_options_are_one_line(vst, clip, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    outcome = vst("compare", clip, clip, *arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_clip_is_one_line(vst, clip, tmp_path):
    outcome = vst("compare", clip, tmp_path / "none.mp4", "-o", tmp_path / "out.mp4")
    assert outcome.code == 1
    assert "none.mp4" in outcome.err
    assert list(tmp_path.iterdir()) == []
