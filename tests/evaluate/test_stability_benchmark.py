"""The stability benchmark distinguishes a steady mode from a flickering one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import Tensor

from vst.frame import Frame
from vst.synthetic import create_scene

ROOT = Path(__file__).parents[2]
PEER = ROOT.parent / "shared" / "peers" / "tnet_candy.safetensors"


class Flicker:
    """Alternately darker and brighter."""

    def __init__(self, by: float = 0.1) -> None:
        self.by = by

    def step(self, frame: Frame) -> Tensor:
        return (frame.image + (self.by if frame.index % 2 else -self.by)).clamp(0, 1)


class Faithful:
    """Returns the frame."""

    def step(self, frame: Frame) -> Tensor:
        return frame.image


def test_the_error_of_a_flickering_mode_is_above_the_baselines_and_a_steady_one() -> None:
    from benchmarks.clips import scene_clip
    from benchmarks.measure import measure
    from benchmarks.tables import reappearance_table, table

    scene = create_scene("hidden", width=128, height=72, frames=12, gap=3)
    clip = scene_clip("hidden", scene, frames=10)
    rows = measure(clip, {"itn": Flicker(), "vtn": Faithful()}, None, every=1, gap=3)
    assert list(rows) == ["input", "itn", "vtn", "blend", "paste", "still"]
    error = {name: row.curves["exact"].summary().mean["E"] for name, row in rows.items()}
    assert error["vtn"] == pytest.approx(error["input"])
    assert error["input"] < error["paste"] < error["blend"] < error["itn"]
    assert error["still"] < 0.1 * error["itn"]

    memory = rows["vtn"].reappearance
    assert memory is not None
    assert memory.pixels > 50
    assert memory.error < 0.01
    lines = table(rows, "exact").splitlines()
    ratios = [f"{name} / itn" for name in ("vtn", "input", "blend", "paste", "still")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [*rows, *ratios]
    assert len({line.count("|") for line in lines}) == 1
    came_back = reappearance_table({"sky": rows}).splitlines()
    assert "vtn / itn" in [cell.strip() for cell in came_back[0].split("|")[1:-1]]
    assert len(came_back) == 3


def test_several_styles_have_a_mean_ratio_and_a_mean_reappearance() -> None:
    from benchmarks.clips import scene_clip
    from benchmarks.measure import measure
    from benchmarks.tables import mean_table, means_as_json, ratio_table, reappearance

    scene = create_scene("hidden", width=128, height=72, frames=8, gap=2)
    clip = scene_clip("hidden", scene, frames=8)
    weak = measure(clip, {"itn": Flicker(0.05), "vtn": Faithful()}, None, every=1, gap=2)
    strong = measure(clip, {"itn": Flicker(0.1), "vtn": Flicker(0.05), "peer": Faithful()}, None, 1, gap=2)
    styles = {"weak": weak, "strong": strong}

    found = means_as_json(styles, "exact")
    ratios = {name: values["mean"]["E"] for name, values in found["ratios"].items()}
    mean, weak_ratio, strong_ratio = (ratios[f"vtn / itn, {each}"] for each in ("mean", "weak", "strong"))
    assert weak_ratio < strong_ratio < 1
    assert mean == pytest.approx((weak_ratio + strong_ratio) / 2)
    assert list(found["rows"]) == ["input", "itn", "vtn", "blend", "paste", "still"]
    errors = [rows["itn"].curves["exact"].summary().last_quarter["E"] for rows in styles.values()]
    assert found["rows"]["itn"]["last_quarter"]["E"] == pytest.approx(sum(errors) / 2)

    back = reappearance(styles)
    assert list(back) == ["mean", "weak", "strong"]
    assert back["mean"]["itn"] == pytest.approx((back["weak"]["itn"] + back["strong"]["itn"]) / 2)
    assert back["strong"]["vtn / itn"] == pytest.approx(back["strong"]["vtn"] / back["strong"]["itn"])
    assert "peer" in back["strong"]
    assert "peer" not in back["mean"]
    assert len(mean_table(styles, "exact").splitlines()) == 2 + 6
    assert "| vtn / itn, mean |" in ratio_table(styles, "exact")


def test_the_command_writes_what_it_measured(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.stability import main

    out = tmp_path / "out.json"
    arguments = [
        "--styles",
        "red",
        "blue",
        "--weights-dir",
        str(tiny_weights),
        "--scenes",
        "crossing",
        "hidden",
    ]
    assert main([*arguments, "--size", "48", "--frames", "6", "--gap", "2", "-o", str(out)]) == 0
    result = json.loads(out.read_text())
    assert set(result["styles"]) == {"red", "blue"}
    clips = result["styles"]["red"]["clips"]
    assert set(clips) == {"crossing", "hidden"}
    rows = clips["hidden"]
    assert list(rows) == ["input", "itn", "vtn", "blend", "paste", "still"]
    assert len(rows["vtn"]["judges"]["exact"]["frames"]) == 6
    assert rows["itn"]["reappearance"] >= 0
    assert result["styles"]["red"]["weights"]["vtn"]["width"] == 2
    assert set(result["means"]["hidden"]["reappearance"]) == {"mean", "red", "blue"}
    assert set(result["masks"]["dis, as rendered (and alike), ±0 px"]) == {"precision", "recall"}
    said = capsys.readouterr().out
    assert "| vtn / itn |" in said
    assert "mean over 2 styles" in said


def test_one_style_has_no_means(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.stability import main

    out = tmp_path / "out.json"
    arguments = ["--style", "red", "--weights-dir", str(tiny_weights), "--scenes", "pan", "-o", str(out)]
    assert main([*arguments, "--size", "48", "--frames", "3"]) == 0
    assert set(json.loads(out.read_text())) == {"styles"}
    assert "mean over" not in capsys.readouterr().out


def test_a_style_without_weights_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.stability import main

    assert main(["--style", "no-such-style", "--scenes", "pan"]) == 2
    said = capsys.readouterr().err
    assert "no-such-style" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(not PEER.is_file(), reason="the published networks are not beside the checkout")
def test_the_published_peer_stylizes() -> None:
    from benchmarks.peers import PeerMode

    scene = create_scene("pan", width=70, height=50, frames=1)
    frame = next(iter(scene.frames()))
    painted = PeerMode(PEER).step(frame)
    assert painted.shape == (3, 50, 70)
    assert 0 <= painted.min() < painted.max() <= 1
    assert (painted - frame.image).abs().mean() > 0.05
