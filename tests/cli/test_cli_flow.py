"""`vst flow` and `vst evaluate-flow`: options in, lines, tables and JSON out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vst.pipeline.flow_export
from vst.motion import write_flo
from vst.pipeline import Progress
from vst.pipeline.flow_export import FlowReport, FlowSettings


@pytest.fixture
def followed(monkeypatch):
    """Replaces the work; gives what it was called with."""
    calls = []

    def fake(source, settings, *, folder, view, progress, stop):
        calls.append((source, settings, folder, view))
        progress(Progress(1, 3, 2.0, 1.0, "motion"))
        return FlowReport(source, folder, view, 3, 1, 48, 32, "dis", 1.5, ("the clip was odd",))

    monkeypatch.setattr(vst.pipeline.flow_export, "follow_motion", fake)
    return calls


def test_options_become_settings(vst, followed):
    outcome = vst(
        *("flow", "a.mov", "-o", "flows", "--view", "v.mp4", "-y", "--flow", "dis-fast"),
        *("--format", "flo", "--distances", "4,1,2", "--size", "240", "--show", "mask"),
        *("--radius", "12.5", "--device", "cpu", "--precision", "fp32"),
    )
    assert outcome.code == 0, outcome.err
    settings = FlowSettings(
        flow="dis-fast",
        form="flo",
        distances=(1, 2, 4),
        size=240,
        show="mask",
        radius=12.5,
        device="cpu",
        precision="fp32",
        overwrite=True,
    )
    assert followed == [(Path("a.mov"), settings, Path("flows"), Path("v.mp4"))]


def test_without_options_the_defaults_are_those_of_the_library(vst, followed):
    vst("flow", "a.mov", "-o", "flows")
    assert followed == [(Path("a.mov"), FlowSettings(), Path("flows"), None)]


def test_the_result_is_a_line_for_each_output_and_notes(vst, followed):
    outcome = vst("flow", "a.mov", "-o", "flows", "--view", "v.mp4")
    message = "flow of 3 frames at 48×32 by dis, in 0:02"
    assert outcome.out == f"flows: {message}\nv.mp4: {message}\n"
    assert outcome.err == "note: the clip was odd\n"


def test_json_is_one_object_a_line(vst, followed):
    outcome = vst("flow", "a.mov", "-o", "flows", "--json")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert [event["event"] for event in events] == ["progress", "note", "done"]
    assert events[-1]["folder"] == "flows"
    assert events[-1]["view"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "nothing to do: give -o FOLDER"),
        (["-o", "flows", "--format", "fol"], 2, "did you mean 'flo'"),
        (["-o", "flows", "--distances", "1,two"], 2, "expected whole numbers"),
        (["-o", "flows", "--distances", "2"], 2, "distances are 2; expected 1 and others"),
        (["--view", "v.mp4", "--show", "colors"], 2, "did you mean 'color'"),
        (["-o", "flows", "--flow", "diss"], 2, "did you mean 'dis'"),
        (["--view", "v.mp4", "--flow", "file:none"], 1, "folder none for --flow does not exist"),
    ],
)
def test_invalid_options_are_one_line(vst, clip, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    outcome = vst("flow", clip, *arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_flow_that_was_written_is_used_by_a_render(vst, clip, weights, tmp_path):
    flows = tmp_path / "flows"
    assert vst("flow", clip, "-o", flows, "-q").out == ""
    outcome = vst(
        *("render", clip, "-o", tmp_path / "out.mp4", "--style", "candy", "--weights-dir", weights),
        *("--flow", f"file:{flows}", "--device", "cpu", "--precision", "fp32"),
    )
    assert outcome.code == 0, outcome.err


@pytest.fixture
def pairs(tmp_path):
    """FlyingChairs with two pairs of a texture that moves two pixels to the right."""
    coarse = np.random.default_rng(0).integers(0, 255, (14, 18, 3), dtype=np.uint8)
    texture = np.asarray(Image.fromarray(coarse).resize((72, 56), Image.Resampling.BICUBIC))
    for number in (1, 2):
        stem = tmp_path / "chairs" / f"{number:05}"
        stem.parent.mkdir(exist_ok=True)
        for k, start in ((1, 4), (2, 2)):
            Image.fromarray(texture[number : number + 48, start : start + 64]).save(f"{stem}_img{k}.ppm")
        flow = torch.zeros(2, 48, 64)
        flow[0] = 2
        write_flo(f"{stem}_flow.flo", flow)
    return tmp_path / "chairs"


def test_estimators_stand_side_by_side_below_zero_flow(vst, pairs):
    outcome = vst("evaluate-flow", pairs, "--flow", "dis", "--flow", "dis-ultrafast", "--json")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [row["estimator"] for row in rows] == ["zero", "dis", "dis-ultrafast"]
    assert {(row["layout"], row["pairs"]) for row in rows} == {("chairs", 2)}
    assert rows[0]["epe"] == pytest.approx(2)
    assert rows[0]["fl_all"] == 0
    assert rows[1]["epe"] < 0.5
    assert all(row["epe_occluded"] is None and row["mask_recall"] is None for row in rows)


def test_the_table_has_a_row_for_each_estimator_and_empty_cells_for_unknown_values(vst, pairs):
    outcome = vst("evaluate-flow", pairs, "--flow", "dis", "--pairs", "1")
    head, zero, dis = outcome.out.splitlines()
    assert head.split()[:4] == ["estimator", "EPE", "matched", "occluded"]
    assert zero.split()[:3] == ["zero", "2.000", "0.00"]
    assert dis.split()[0] == "dis"
    assert outcome.err == f"{pairs}: chairs, 1 pair\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--layout", "chair"], 2, "did you mean 'chairs'"),
        (["--layout", "kitti"], 1, "holds no pair"),
        (["--flow", "diss"], 2, "did you mean 'dis'"),
        (["--flow", "file:."], 2, "is the motion of one clip"),
        (["--pairs", "0"], 2, "--pairs"),
    ],
)
def test_an_unknown_data_set_or_estimator_is_one_line(vst, pairs, arguments, code, message):
    outcome = vst("evaluate-flow", pairs, *arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_the_help_gives_the_distances_of_a_render_and_of_an_evaluation(vst):
    text = " ".join(vst("flow", "--help").out.split())
    assert "(default: 1, which is what a render needs; 1,2,3,5,9,17 are those" in text
    assert FlowSettings().distances == (1,)
