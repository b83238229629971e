"""Stylized photographs are compared with those of a published network."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from vst.frame import Frame


@pytest.fixture
def peer(tmp_path: Path) -> Path:
    """A published network's file, untrained."""
    from benchmarks.peers import TransformerNet

    torch.manual_seed(1)
    path = tmp_path / "peer.safetensors"
    save_file(TransformerNet().state_dict(), path)
    return path


@pytest.fixture
def arguments(pictures: Path, tiny_weights: Path, loss_folder: Path) -> list[str]:
    return [
        "--photos", str(pictures / "photos"), "--count", "2", "--size", "40",
        "--style-images", str(pictures / "styles"), "--loss-network", str(loss_folder),
        "--weights-dir", f"tiny={tiny_weights}",
    ]  # fmt: skip


def test_the_peer_gets_its_best_size_of_the_style_image_without_enlarging_it() -> None:
    from benchmarks.against_peer import kindest_size, sizes_within

    assert sizes_within([768, 256, 512, 1024], 600) == [256, 512, 600]
    assert sizes_within([256, 512], 100) == [100]
    assert kindest_size({256: 0.3, 512: 0.1, 768: 0.2}) == 512
    assert kindest_size({768: 0.1, 512: 0.1}) == 512


def test_the_sum_weights_both_terms_of_the_peer_equally() -> None:
    from benchmarks.against_peer import Terms, ratios, style_weight

    peer, ours = (
        Terms(content=2.0, style=0.04, gradient=0.02),
        Terms(content=3.0, style=0.03, gradient=0.01),
    )
    assert style_weight(peer) == pytest.approx(50)
    # (3 + 50 · 0.03) / (2 + 50 · 0.04)
    assert ratios(ours, peer) == pytest.approx(
        {"sum": 1.125, "content": 1.5, "style": 0.75, "gradient": 0.5}
    )
    assert ratios(peer, peer) == pytest.approx(dict.fromkeys(("sum", "content", "style", "gradient"), 1.0))


def test_a_record_gives_means_over_photographs_at_a_size() -> None:
    from benchmarks.against_peer import Terms
    from benchmarks.photo_losses import PEER, LossRecord, StyleCase

    record = LossRecord()
    record.add(1.0, {256: 0.2, 512: 0.4}, 0.01)
    record.add(3.0, {256: 0.4, 512: 0.1}, 0.03)
    assert record.style_by_size() == pytest.approx({256: 0.3, 512: 0.25})
    assert record.terms(256) == Terms(2.0, pytest.approx(0.3), pytest.approx(0.02))
    pictures = {256: torch.zeros(3, 2, 2), 512: torch.zeros(3, 4, 4)}
    assert StyleCase("red", pictures, {}, {PEER: record}).size() == 512
    assert StyleCase("red", {384: torch.zeros(3, 3, 3)}, {}).size() == 384


def test_losses_are_those_of_training_on_8_bit_images(loss_folder: Path) -> None:
    from benchmarks.photo_losses import INPUT, StyleCase, measure_photographs
    from benchmarks.photographs import Photograph
    from vst.losses.perceptual import PerceptualLoss, style_targets
    from vst.styles.loss_network import load_loss_network

    class Brighter:
        """Paints everything a little brighter than 8 bits can say."""

        def step(self, frame: Frame) -> Tensor:
            return frame.image * 1.1 + 0.3 / 255

    network = load_loss_network(loss_folder)
    torch.manual_seed(2)
    photo = (torch.rand(3, 32, 40) * 255).round() / 255
    first, second, third = torch.rand(3, 24, 24), torch.rand(3, 36, 36), torch.rand(3, 30, 30)
    cases = [
        StyleCase("red", {24: first, 36: second}, {"ours": Brighter()}),
        StyleCase("blue", {30: third}, {"ours": Brighter()}),
    ]
    seen: list[Tensor] = []
    measure_photographs(cases, [Photograph("a", photo)], network, lambda *shown: seen.append(shown[-1]))

    painted = ((photo * 1.1 + 0.3 / 255).clamp(0, 1) * 255).round() / 255
    assert torch.equal(seen[1], painted)
    for name, picture, found in (
        ("red at 36", second, cases[0].records["ours"].terms(36)),
        ("blue", third, cases[1].records["ours"].terms(30)),
    ):
        loss = PerceptualLoss(network, [style_targets(network, [picture])])
        wanted = loss(painted[None], loss.content_target(photo[None]), torch.zeros(1, dtype=torch.int64))
        assert found.content == pytest.approx(float(wanted.content), rel=1e-5), name
        assert found.style == pytest.approx(float(wanted.style), rel=1e-5), name
    assert cases[0].records[INPUT].content == [0.0]


def test_the_command_compares_with_the_peer_and_writes_a_sheet(
    arguments: list[str], peer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.pictures import main

    out, sheet = tmp_path / "out.json", tmp_path / "sheet.png"
    arguments += ["--styles", "red", "blue", "--mode", "itn", "vtn", "--peer", f"red={peer}"]
    arguments += ["--style-sizes", "30", "50", "900", "--style-size", "50", "blue=40"]
    assert main([*arguments, "-o", str(out), "--sheet", str(sheet), "--sheet-side", "32"]) == 0
    result = json.loads(out.read_text())
    red, blue = result["styles"]["red"], result["styles"]["blue"]
    assert list(red["networks"]) == ["input", "peer", "tiny itn", "tiny vtn"]
    by_size = red["networks"]["peer"]["style_by_size"]
    assert list(by_size) == ["30", "50", "60"]
    assert red["networks"]["peer"]["style"] == min(by_size.values()) == by_size[str(red["style_size"])]
    ours, theirs = red["networks"]["tiny itn"], red["networks"]["peer"]
    weight = red["style_weight"]
    assert theirs["content"] == pytest.approx(weight * theirs["style"])
    assert ours["against_peer"]["sum"] == pytest.approx(
        (ours["content"] + weight * ours["style"]) / (theirs["content"] + weight * theirs["style"])
    )
    assert ours["weights"]["width"] == 2
    assert list(blue["networks"]) == ["input", "tiny itn", "tiny vtn"]
    assert blue["style_size"] == 40
    assert "against_peer" not in blue["networks"]["tiny itn"]

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4 + 3
    assert len({line.count("|") for line in lines}) == 1
    shown = cv2.imread(str(sheet))
    assert shown is not None
    # Two photographs of two styles, the widest row with four pictures.
    assert shown.shape[0] >= 4 * 24
    assert shown.shape[1] >= 4 * 24


def test_the_command_is_repeatable(arguments: list[str], tmp_path: Path) -> None:
    from benchmarks.pictures import main

    found = []
    for name in ("one.json", "two.json"):
        assert main([*arguments, "--styles", "red", "-o", str(tmp_path / name)]) == 0
        found.append((tmp_path / name).read_text())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--styles", "green"], "green"),
        (["--styles", "red", "--peer", "blue=x"], "blue"),
        (["--styles", "red", "--style-size", "big"], "big"),
        (["--styles", "red", "--peer", "red=no.safetensors"], "no.safetensors"),
        (["--styles", "red", "--sheet", "nowhere/sheet.png"], "nowhere"),
        (["--styles", "red", "--weights-dir", "tiny=."], "twice for tiny"),
    ],
)
def test_invalid_options_end_with_one_line(
    arguments: list[str], extra: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.pictures import main

    assert main([*arguments, *extra]) in (1, 2)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_what_is_optimised_stands_beside_the_networks_and_is_kept(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.pictures import main

    more = ["--styles", "red", "--optimised", "gatys", "--steps", "2", "--kept", str(tmp_path / "kept")]
    values = []
    for name in ("first.json", "again.json"):
        assert main([*arguments, *more, "-o", str(tmp_path / name)]) == 0
        values.append(json.loads((tmp_path / name).read_text())["styles"]["red"]["networks"]["gatys"])
        assert "red, gatys: " in capsys.readouterr().out
    kept = sorted((tmp_path / "kept").rglob("output.png"))
    assert len(kept) == 2
    assert values[0] == values[1]
    for path in kept:
        path.write_bytes(kept[0].read_bytes())
    assert main([*arguments, *more, "-o", str(tmp_path / "third.json")]) == 0
    third = json.loads((tmp_path / "third.json").read_text())["styles"]["red"]["networks"]["gatys"]
    assert third["style"] != values[0]["style"]  # what is kept is not optimised again
