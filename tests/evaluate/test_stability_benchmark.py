"""The benchmark behind README's figures tells a steady mode from a flickering one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vst.frame import Frame, Motion
from vst.networks import ITN, VTN
from vst.styles import save_weights
from vst.train.scenes import create_scene

ROOT = Path(__file__).parents[2]
PEER = ROOT.parent / "shared" / "peers" / "tnet_candy.safetensors"


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


class Flicker:
    """Paints every frame in other colours."""

    distances: tuple[int, ...] = ()

    def reset(self) -> None:
        pass

    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        return (frame.image + (0.1 if frame.index % 2 else -0.1)).clamp(0, 1)


class Faithful(Flicker):
    """Paints what is there; notes which motions it was given."""

    distances = (1, 4)

    def __init__(self) -> None:
        self.given: list[set[int]] = []

    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        self.given.append(set(motions))
        return frame.image


def test_a_flickering_mode_has_a_higher_error_than_a_steady_one_and_the_baselines_lie_between() -> None:
    from benchmarks.clips import scene_clip
    from benchmarks.measure import measure
    from benchmarks.tables import reappearance_table, table

    scene = create_scene("hidden", width=128, height=72, frames=12, gap=3)
    steady = Faithful()
    clip = scene_clip("hidden", scene, frames=10)
    rows = measure(clip, {"itn": Flicker(), "vtn": steady}, None, every=1, gap=3)
    assert list(rows) == ["input", "itn", "vtn", "blend", "paste", "still"]
    error = {name: row.curves["exact"].summary().mean["E"] for name, row in rows.items()}
    assert error["vtn"] == pytest.approx(error["input"])
    assert error["input"] < error["paste"] < error["blend"] < error["itn"]
    assert error["still"] < 0.1 * error["itn"]
    assert len(steady.given) == 10
    assert steady.given[0] == set()
    assert all(given <= {1, 4} and 1 in given for given in steady.given[1:])

    memory = rows["vtn"].reappearance
    assert memory is not None
    assert memory.pixels > 50
    assert memory.error < 0.01
    lines = table(rows, "exact").splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [*rows, "vtn / itn"]
    assert len({line.count("|") for line in lines}) == 1
    assert len(reappearance_table(rows).splitlines()) == 3


def test_the_command_writes_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.stability import main

    torch.manual_seed(0)
    for name, network in (("itn", ITN(4, 1, 1)), ("vtn", VTN(4, 1, 1))):
        save_weights(
            tmp_path / f"{name}.safetensors",
            network,
            styles=("sky",),
            loss_network="-",
            recipe="-",
            steps=0,
        )
    out = tmp_path / "out.json"
    arguments = ["--style", "sky", "--weights-dir", str(tmp_path), "--scenes", "crossing", "hidden"]
    assert main([*arguments, "--size", "48", "--frames", "6", "--gap", "2", "-o", str(out)]) == 0
    result = json.loads(out.read_text())
    assert set(result["clips"]) == {"crossing", "hidden"}
    rows = result["clips"]["hidden"]
    assert list(rows) == ["input", "itn", "vtn", "blend", "paste", "still"]
    assert len(rows["vtn"]["judges"]["exact"]["frames"]) == 6
    assert rows["itn"]["reappearance"] >= 0
    assert set(result["masks"]["dis, as rendered (and alike), ±0 px"]) == {"precision", "recall"}
    assert "| vtn / itn |" in capsys.readouterr().out


def test_a_style_without_weights_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.stability import main

    assert main(["--style", "no-such-style", "--scenes", "pan"]) == 2
    said = capsys.readouterr().err
    assert "no-such-style" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(not PEER.is_file(), reason="the published networks are not beside the checkout")
def test_the_published_peer_paints() -> None:
    from benchmarks.peers import PeerMode

    scene = create_scene("pan", width=70, height=50, frames=1)
    frame = next(iter(scene.frames()))
    painted = PeerMode(PEER).step(frame, {})
    assert painted.shape == (3, 50, 70)
    assert 0 <= painted.min() < painted.max() <= 1
    assert (painted - frame.image).abs().mean() > 0.05
