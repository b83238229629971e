"""The registry of metrics: what adding one takes, and the table of docs/evaluation.md."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.clips import make_clip
from vst.cli.app import run
from vst.evaluate.curves import Curves
from vst.evaluate.evaluation import evaluate
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.metrics import FAMILIES, METRICS, load_metrics, metrics_table
from vst.evaluate.metrics.metric import Metric
from vst.evaluate.report.page import render_page
from vst.evaluate.table_files import write_tables

DOCS = Path(__file__).parents[2] / "docs" / "evaluation.md"
TOY = "tests.evaluate.toy_metric"


@pytest.fixture
def with_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry as one more line in ``FAMILIES`` makes it."""
    for name, metric in load_metrics((*FAMILIES, TOY)).items():
        monkeypatch.setitem(METRICS, name, metric)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", frames=3)


@pytest.mark.usefixtures("with_toy")
def test_a_metric_in_one_file_and_one_line_is_in_the_table_and_the_json(
    clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(clip), str(clip), "--second", "none", "--device", "cpu"]
    assert run([*arguments, "--json"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    row = next(event for event in events if event["event"] == "row")
    values = [frame["brightness"] for frame in row["frames"]]
    assert len(values) == 3
    assert row["mean"]["brightness"] == pytest.approx(sum(values) / 3)
    assert min(values) <= row["last_quarter"]["brightness"] <= max(values)
    assert run(arguments) == 0
    table = capfd.readouterr().out
    assert any("gradient" in line and line.split()[-1] == "brightness" for line in table.splitlines())
    assert f"{row['mean']['brightness']:.4f}" in table


@pytest.mark.usefixtures("with_toy")
def test_it_is_in_the_report_the_csv_and_the_documentation(clip: Path, tmp_path: Path) -> None:
    found = evaluate(clip, [clip], EvaluateSettings(second="none", device="cpu"))
    page = render_page(found)
    assert '<abbr title="mean of all channels &amp; pixels">brightness</abbr>' in page
    assert "<h3>Mean brightness</h3>" in page
    assert "<dd>mean of all channels &amp; pixels, in 0..1; better: near the input&#x27;s</dd>" in page
    write_tables(tmp_path, [("scene", "red", found)])
    for name in ("table.csv", "curves.csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            assert all(float(row["brightness"]) > 0 for row in csv.DictReader(file))
    row = "| `brightness` | mean of all channels & pixels | 0..1 | near the input's |"
    assert row in metrics_table().splitlines()


def test_the_table_of_the_documentation_is_that_of_the_registry() -> None:
    text = DOCS.read_text("utf-8")
    _, _, rest = text.partition("<!-- metrics -->\n")
    table, end, _ = rest.partition("\n<!-- end of metrics -->")
    assert end, "docs/evaluation.md has no <!-- metrics --> and <!-- end of metrics --> lines"
    assert table == metrics_table(), f"replace the table in docs/evaluation.md by\n{metrics_table()}"


def test_list_metrics_prints_the_registry(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--json", "--list-metrics"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["metric"] for row in rows] == list(METRICS)
    assert all(row["definition"] and row["better"] for row in rows)


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="defines metric brightness again"):
        load_metrics((*FAMILIES, TOY, TOY))


def test_a_metric_is_either_measured_or_derived() -> None:
    with pytest.raises(ValueError, match="both or none of measure and derive"):
        Metric(name="empty", title="", definition="", unit="", better="lower", section="temporal")


def test_an_intermediate_result_is_computed_once_for_a_frame() -> None:
    import torch

    calls: list[int] = []

    def content_style(output: torch.Tensor, frame: torch.Tensor) -> tuple[float, float]:
        calls.append(1)
        return 1.0, 2.0

    point = Curves(content_style).add(torch.zeros(3, 16, 16), None, torch.zeros(3, 16, 16))
    assert (point.values["content"], point.values["style"], len(calls)) == (1.0, 2.0, 1)
