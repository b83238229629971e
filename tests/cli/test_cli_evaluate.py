"""`vst evaluate`: options, tables, JSON and the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vst.evaluate.evaluation
from vst.evaluate.evaluation_settings import EvaluateSettings


@pytest.fixture
def evaluated(monkeypatch):
    """Evaluates on the CPU; the arguments of each call."""
    calls = []
    evaluate = vst.evaluate.evaluation.evaluate

    def record(source, outputs, settings, *, progress, stop):
        calls.append((source, outputs, settings))
        return evaluate(
            source, outputs, EvaluateSettings(second="none", device="cpu"), progress=progress, stop=stop
        )

    monkeypatch.setattr(vst.evaluate.evaluation, "evaluate", record)
    return calls


def test_options_become_settings(vst, clip, evaluated):
    outcome = vst(
        *("evaluate", clip, clip, "--flow", "dis-fast", "--second", "dis", "--baseline", "itn.mov"),
        *("--style", "candy", "--style", "b.jpg", "--style-images", "styles", "--style-size", "256"),
        *("--loss-network", "vgg16", "--loss-every", "4", "--size", "240", "--frames", "99"),
        *("--scene", "alley_1", "--device", "cpu", "--precision", "fp32"),
    )
    assert outcome.code == 0, outcome.err
    settings = EvaluateSettings(
        flow="dis-fast",
        second="dis",
        baseline=Path("itn.mov"),
        styles=("candy", "b.jpg"),
        style_images=Path("styles"),
        style_size=256,
        loss_network="vgg16",
        loss_every=4,
        size=240,
        frames=99,
        scene="alley_1",
        device="cpu",
        precision="fp32",
    )
    assert evaluated == [(clip, (clip,), settings)]


def test_without_options_the_defaults_are_those_of_the_library(vst, clip, evaluated):
    vst("evaluate", clip, clip)
    assert evaluated[0][2] == EvaluateSettings()


def test_the_tables_have_two_rows_for_each_output_the_mean_and_the_last_quarter(vst, clip, evaluated):
    outcome = vst("evaluate", clip, clip)
    lines = outcome.out.splitlines()
    assert lines[0] == "4 frames at 48×32, reference flow: dis"
    assert lines[1].split() == ["E", "e_stab", "E_warp", "mse", "ssim"]
    first = [line.split()[0] for line in lines[2:] if line]
    assert first[:4] == ["input", "last", "clip.mp4", "last"]
    assert "gradient" in outcome.out
    assert "note: content and style are left out" in outcome.err


def test_json_is_a_row_a_line_with_every_frame(vst, clip, evaluated, tmp_path):
    page = tmp_path / "report.html"
    outcome = vst("evaluate", clip, clip, "--json", "--report", page)
    events = [json.loads(line) for line in outcome.out.splitlines()]
    rows = [event for event in events if event["event"] == "row"]
    assert [row["name"] for row in rows] == ["input", "clip.mp4", "paste", "still"]
    assert [row["type"] for row in rows] == ["input", "painting", "baseline", "baseline"]
    assert [frame["frame"] for frame in rows[0]["frames"]] == [0, 1, 2, 3]
    assert rows[0]["mean"]["mse"] == pytest.approx(sum(f.get("mse", 0) for f in rows[0]["frames"]) / 3)
    assert set(rows[0]["last_quarter"]) <= set(rows[0]["mean"])
    assert events[-1]["event"] == "done"
    assert events[-1]["report"] == str(page)
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_an_existing_report_is_refused_before_any_work(vst, clip, evaluated, tmp_path):
    page = tmp_path / "report.html"
    page.write_text("mine")
    outcome = vst("evaluate", clip, clip, "--report", page)
    assert (outcome.code, evaluated) == (1, [])
    assert "pass -y" in outcome.err
    assert page.read_text() == "mine"
    assert vst("evaluate", clip, clip, "--report", page, "-y", "-q").out == ""
    assert page.read_text("utf-8") != "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--flow", "diss"], 2, "did you mean 'dis'"),
        (["--second", "farnback"], 2, "did you mean 'farneback'"),
        (["--style", "candy"], 2, "give the picture itself"),
        (["--size", "4"], 2, "size is 4"),
        (["--loss-every", "0"], 2, "--loss-every"),
        (["--scene", "alley_1"], 2, "Sintel's layout"),
        (["--flow", "file:none"], 1, "folder none for --flow does not exist"),
        (["--report", "none/r.html"], 1, "does not exist"),
    ],
)
def test_invalid_options_end_with_one_line(vst, clip, arguments, code, message):
    outcome = vst("evaluate", clip, clip, *arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


def test_a_stylized_version_is_required(vst, clip):
    outcome = vst("evaluate", clip)
    assert outcome.code == 2
    assert "STYLIZED" in outcome.err
