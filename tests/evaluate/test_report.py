"""The page is self-contained, escapes hostile names, and its curves have the measured values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from vst.errors import MediaError
from vst.evaluate.curves import Point, Summary
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.report import write_report
from vst.evaluate.report.chart import HEIGHT, Axis, Series, choose_axis, draw_chart
from vst.evaluate.report.heat_map import data_uri, heat_map, heat_scale, texture_map
from vst.evaluate.report.page import render_page
from vst.evaluate.result import Evaluation, EvaluationRow
from vst.evaluate.worst_frames import WorstFrame
from vst.evaluate.worst_texture import WorstTexture, worse_texture

HOSTILE = "<script>alert(1)</script>&\"'></title><img src=x onerror=alert(2)>.mov"


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def points(level: float, cut: int = 4, count: int = 8) -> Iterator[Point]:
    for t in range(count):
        values = {"gradient": level + t / 1000}
        if t not in (0, cut):
            values |= {"E": level, "E_warp": 2 * level, "mse": 3 * level, "ssim": 0.9}
        yield Point(t, int(t >= cut), values)


@pytest.fixture
def found(tmp_path: Path) -> Evaluation:
    outputs = {}
    for name in ("plain.mov", HOSTILE):
        path = tmp_path / name.replace("/", "_")
        path.write_bytes(b"frames")
        outputs[name] = path
    names = {
        "input": "input",
        "plain.mov": "painting",
        HOSTILE: "painting",
        "paste": "baseline",
        "still": "baseline",
    }
    levels = dict(zip(names, (0.001, 0.004, 0.02, 0.0005, 0.0007), strict=True))
    results = tuple(
        EvaluationRow(
            name, kind, reference, tuple(points(levels[name])), Summary(8, {"E": levels[name]}, {"E": 0.5})
        )
        for reference in ("dis", "farneback")
        for name, kind in names.items()
    )
    grey = torch.full((3, 6, 8), 100, dtype=torch.uint8)
    errors = torch.zeros(1, 6, 8)
    errors[0, 2, 3] = 0.5
    worst = {HOSTILE: (WorstFrame(5, 0.02, grey, grey, errors, torch.ones(1, 6, 8)),)}
    kinds = torch.zeros(1, 6, 8, dtype=torch.uint8)
    kinds[0, :, 4:] = 1
    kinds[0, :, 6:] = 2
    texture = WorstTexture(3, 0.25, 0.125, grey, grey, kinds)
    source = tmp_path / "clip.mov"
    source.write_bytes(b"clip")
    notes = ("a note about " + HOSTILE,)
    return Evaluation(
        source,
        outputs,
        EvaluateSettings(),
        8,
        6,
        8,
        (4,),
        ("dis", "farneback"),
        results,
        worst,
        {HOSTILE: texture},
        notes,
        1.0,
    )


def test_the_page_requests_nothing_and_its_policy_forbids_requests(found: Evaluation) -> None:
    text = render_page(found)
    page = Page(text)
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:image/jpeg;base64,")
    assert not page.all("link")
    assert not page.all("iframe")
    assert "http" not in text.replace("http-equiv", "").replace("https://www.w3.org", "")
    assert not re.search(r"url\(|@import", text)
    (policy,) = (each["content"] for each in page.all("meta") if "http-equiv" in each)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:")


def test_the_policy_allows_the_script_of_the_page_only(found: Evaluation) -> None:
    import base64
    import hashlib

    page = Page(render_page(found))
    assert [each.get("type") for each in page.all("script")] == ["application/json", None]
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    (policy,) = (each["content"] for each in page.all("meta") if "http-equiv" in each)
    assert f"script-src 'sha256-{digest}'" in str(policy)


def test_a_hostile_name_is_escaped(found: Evaluation) -> None:
    page = Page(render_page(found))
    assert len(page.scripts) == 2
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert all((each.get("src") or "").startswith("data:") for each in page.all("img"))
    # It is text in the table, the legend, the notes, the worst frames and the settings.
    assert page.text.count(HOSTILE) >= 5
    assert json.loads(page.scripts[0])["rows"][2] == HOSTILE


def test_the_script_has_the_values_of_the_frames(found: Evaluation) -> None:
    values = json.loads(Page(render_page(found)).scripts[0])
    assert values["frames"] == 8
    mse = values["charts"]["c0"]
    assert mse[0] == [None, 0.003, 0.003, 0.003, None, 0.003, 0.003, 0.003]
    assert len(mse) == len(values["rows"]) == 5


def test_charts_have_accessible_names_and_can_be_operated_by_keyboard(
    found: Evaluation,
) -> None:
    page = Page(render_page(found))
    charts = [each for each in page.all("svg") if each.get("class") == "chart"]
    titles = [str(each["aria-label"]).partition(",")[0] for each in charts]
    assert titles[:2] == [
        "Mean squared error of adjacent frames",
        "Structural similarity of adjacent frames",
    ]
    assert len(charts) == 7
    assert all(each["tabindex"] == "0" and each["role"] == "img" for each in charts)
    boxes = [each for each in page.all("input") if each["type"] == "checkbox"]
    assert [each["id"] for each in boxes] == [f"show-{n}" for n in range(5)]
    assert all(each.get("alt") for each in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]


def test_the_page_describes_how_it_was_measured(found: Evaluation) -> None:
    text = Page(render_page(found)).text
    assert "reference flow: dis; second: farneback" in text
    assert "8 frames at 8×6, 2 shots" in text
    assert re.search(r"SHA-256 [0-9a-f]{64}", text)
    assert "PyTorch" in text
    assert "frame 6, E 0.02" in text


def test_a_cut_is_marked_and_no_curve_crosses_it(found: Evaluation) -> None:
    series = [Series(0, [[(2, 1.0), (3, 2.0)], [(6, 3.0), (7, 2.0)]])]
    page = Page(draw_chart("c0", "E", series, 8, [5]))
    assert [each["class"] for each in page.all("line")].count("cut") == 1
    lines = [str(each["points"]).split() for each in page.all("polyline")]
    assert [len(line) for line in lines] == [2, 2]
    (cut,) = (float(str(each["x1"])) for each in page.all("line") if each["class"] == "cut")
    assert float(lines[0][-1].split(",")[0]) < cut < float(lines[1][0].split(",")[0])


def test_a_long_curve_keeps_its_peaks() -> None:
    run = [(frame, 1.0) for frame in range(1, 5001)]
    run[2500] = (2501, 9.0)
    page = Page(draw_chart("c0", "E", [Series(0, [run])], 5000, []))
    places = [tuple(map(float, each.split(","))) for each in str(page.all("polyline")[0]["points"]).split()]
    assert len(places) < 1200
    top = choose_axis([Series(0, [run])]).height(9.0)
    assert any(y == pytest.approx(top, abs=0.1) for _, y in places)
    assert places == sorted(places)


def test_a_dense_curve_has_its_mean_drawn_over_it() -> None:
    runs = [[(frame, float(frame % 2)) for frame in range(first, first + 100)] for first in (1, 101)]
    page = Page(draw_chart("c0", "E", [Series(0, runs)], 200, [101]))
    raw, smooth = [], []
    for line in page.all("polyline"):
        heights = [float(each.split(",")[1]) for each in str(line["points"]).split()]
        (raw if line.get("class") == "raw" else smooth).append(heights)
    assert [len(heights) for heights in raw] == [len(heights) for heights in smooth] == [100, 100]
    assert max(smooth[0][10:90]) - min(smooth[0][10:90]) < 0.2 * (max(raw[0]) - min(raw[0]))
    assert not any(
        line.get("class")
        for line in Page(draw_chart("c0", "E", [Series(0, runs[:1])], 100, [])).all("polyline")
    )


@pytest.mark.parametrize(
    ("levels", "log"),
    [((1.0, 2.0), False), ((0.0001, 0.1), True), ((0.0, 1.0), False), ((-1.0, 1.0), False)],
)
def test_an_axis_is_logarithmic_only_where_a_curve_would_be_flat(
    levels: tuple[float, ...], log: bool
) -> None:
    series = [Series(n, [[(1, level), (2, level * 1.1)]]) for n, level in enumerate(levels)]
    axis = choose_axis(series)
    assert axis.log == log
    heights = [axis.height(level) for level in levels]
    assert heights == sorted(heights, reverse=True)
    assert all(0 < height < HEIGHT for height in heights)
    assert 2 <= len(axis.ticks()) <= 12
    assert all(axis.low <= tick <= axis.high * 1.001 for tick in axis.ticks())


def test_flat_and_empty_curves_have_an_axis() -> None:
    for values in ([], [0.0], [0.5], [0.0, 0.0]):
        axis = choose_axis([Series(0, [list(enumerate(values, 1))])])
        assert isinstance(axis, Axis)
        assert axis.high > axis.low
        assert axis.ticks()


def test_a_heat_map_is_bright_at_errors_and_grey_where_pixels_are_not_compared(
    found: Evaluation,
) -> None:
    frame = found.worst[HOSTILE][0]
    mask = torch.ones(1, 6, 8)
    mask[..., 6:] = 0
    shown = heat_map(WorstFrame(5, 0.02, frame.frame, frame.output, frame.errors, mask), 0.5)
    assert shown[:, 2, 3].mean() > 0.7
    assert shown[:, 0, 0].max() < 0.05
    assert torch.allclose(shown[:, :, 6:], torch.tensor(0.35 * 100 / 255), atol=1e-3)
    assert 1 / 255 <= heat_scale([frame]) <= 0.5
    assert data_uri(shown).startswith("data:image/jpeg;base64,/9j/")


def test_soft_windows_are_blue_rough_ones_red_and_others_grey(found: Evaluation) -> None:
    shown = texture_map(found.texture[HOSTILE])
    red, green, blue = shown[:, 0].T[0], shown[:, 0].T[4], shown[:, 0].T[7]
    assert red.max() - red.min() < 1e-6
    assert green[2] > green[0]
    assert blue[0] > blue[2]
    assert "frame 4, soft 0.250, rough 0.125" in render_page(found)


def test_the_frame_with_more_soft_and_rough_windows_is_kept() -> None:
    torch.manual_seed(0)
    per_frame = torch.rand(3, 72, 96)
    blurred = per_frame.clone()
    blurred[:, :, :48] = torch.nn.functional.avg_pool2d(per_frame, 9, 1, 4)[:, :, :48]
    first = worse_texture(None, 1, (0.5, 0.0), blurred, per_frame)
    assert first is not None
    assert first.kinds[0, 10:60, 8:40].float().mean() > 0.9
    assert not first.kinds[0, :, 60:].any()
    assert worse_texture(first, 2, (0.3, 0.1), blurred, per_frame) is first
    worse = worse_texture(first, 3, (0.5, 0.1), blurred, per_frame)
    assert worse is not None
    assert worse.index == 3
    assert worse_texture(None, 0, (0.0, 0.0), per_frame, per_frame) is None


def test_an_incomplete_page_never_has_the_final_name(
    found: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "report.html"
    write_report(found, page)
    assert page.read_text("utf-8").startswith("<!doctype html>")
    before = sorted(tmp_path.iterdir())
    (tmp_path / "plain.mov").unlink()
    with pytest.raises(MediaError, match="cannot be read any more"):
        write_report(found, tmp_path / "other.html")
    assert sorted([*tmp_path.iterdir(), tmp_path / "plain.mov"]) == before
