"""`vst evaluate-sintel`: scenes are rendered and measured by one command."""

from __future__ import annotations

import json

import pytest

from tests.sintel import make_sintel


@pytest.fixture
def arguments(tmp_path, weights):
    """A folder with one scene of three frames, and options for the tiny networks."""
    folder = make_sintel(tmp_path / "data", scenes=("alley_9",), frames=3)
    options = ("--style", "candy", "--weights-dir", weights, "--flow", "dis", "--device", "cpu")
    return ("evaluate-sintel", folder, "-o", tmp_path / "out", *options)


def test_one_command_renders_and_prints_the_table(vst, arguments, tmp_path):
    outcome = vst(*arguments, "--style", "wave")
    assert outcome.code == 0, outcome.err
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["scene", "input", "candy", "itn", "candy", "vtn", "wave", "itn", "wave", "vtn"] in lines
    (row, ratios) = (line for line in lines if line and line[0] == "alley_9")
    assert len(row) == 6
    assert float(ratios[1]) == pytest.approx(float(row[3]) / float(row[2]), rel=0.02, abs=0.01)
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        *("frames", "table.csv", "curves.csv", "alley_9.candy.html", "alley_9.wave.html")
    }
    assert len(list(out.glob("frames/candy/alley_9/vtn/frame_000[123].png"))) == 3


def test_json_has_a_row_for_every_scene_style_and_output(vst, arguments):
    outcome = vst(*arguments, "--mode", "itn", "--frames", "2", "--json")
    assert outcome.code == 0, outcome.err
    events = [json.loads(line) for line in outcome.out.splitlines()]
    rows = [event for event in events if event["event"] == "row" and event["judge"] == "exact"]
    assert [row["name"] for row in rows] == ["input", "itn", "blend", "paste", "still"]
    assert {(row["scene"], row["style"]) for row in rows} == {("alley_9", "candy")}
    assert len(rows[0]["frames"]) == 2
    assert events[-1]["event"] == "done"


@pytest.mark.parametrize(
    ("extra", "message"),
    [(["--style", "cnady"], "candy"), (["--mode", "vtm"], "vtn"), (["--scene", "alley_8"], "alley_9")],
)
def test_unknown_names_are_refused_before_any_render(vst, arguments, tmp_path, extra, message):
    outcome = vst(*arguments, *extra)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "out" / "frames").exists()
