"""`vst weights import`, and what comes of it."""

from __future__ import annotations

import json
import os

import torch

from tests.conftest import flow_checkpoint
from tests.published_generator import Published
from vst.modes import load_network
from vst.styles import read_info


def test_without_arguments_the_networks_and_their_sources_are_listed(vst, small_flow_networks):
    outcome = vst("weights", "import")
    assert outcome.code == 0
    assert "https://github.com/NVIDIA/flownet2-pytorch" in outcome.out
    assert "https://github.com/NVlabs/PWC-Net" in outcome.out
    assert "CC BY-NC-SA 4.0" in outcome.out
    rows = [json.loads(line) for line in vst("weights", "import", "--json").out.splitlines()]
    assert {row["import"]: row["imported"] for row in rows} == {
        "flownet2": [],
        "pwcnet": [],
        "cyclegan": [],
    }


def test_a_checkpoint_is_imported_and_listed(vst, small_flow_networks, tmp_path):
    source = flow_checkpoint(tmp_path / "FlowNet2-S_checkpoint.pth.tar", "flownet2-s")
    outcome = vst("weights", "import", "flownet2", source)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("flownet2-s is imported, ready for --flow flownet2-s")
    assert outcome.err == ""
    rows = [json.loads(line) for line in vst("weights", "import", "--json").out.splitlines()]
    assert next(row for row in rows if row["import"] == "flownet2")["imported"] == ["flownet2-s"]
    doctor = [json.loads(line) for line in vst("doctor", "--json").out.splitlines()]
    found = {row["check"]: (row["state"], row["value"]) for row in doctor}
    assert found["flow flownet2-s"] == ("ok", "ready")
    assert found["flow flownet2-c"][0] == "warning"
    assert "vst weights import flownet2 FILE" in found["flow flownet2-c"][1]
    assert found["flow auto"][1] in ("dis", "flownet2")


def test_an_estimator_of_the_same_layout_is_noted_and_can_be_named(vst, small_flow_networks, tmp_path):
    source = flow_checkpoint(tmp_path / "x.pth.tar", "flownet2-css")
    assert "import it with --as flownet2-css-ft-sd" in vst("weights", "import", "flownet2", source).err
    named = vst("weights", "import", "flownet2", source, "--as", "flownet2-css-ft-sd", "--json")
    event = json.loads(named.out)
    assert (event["event"], event["name"]) == ("imported", "flownet2-css-ft-sd")
    assert (small_flow_networks / "flownet2-css-ft-sd.safetensors").is_file()


def test_a_file_that_is_not_a_checkpoint_is_one_line(vst, small_flow_networks, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'marker'}",)

    (tmp_path / "page.pth").write_bytes(b"<html>sign in</html>")
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    torch.save({"state_dict": {"w": torch.zeros(3)}}, tmp_path / "other.pth")
    for name, message in (
        ("page.pth", "is a web page"),
        ("evil.pth", "it was not executed"),
        ("other.pth", "is not a flownet2 checkpoint"),
        ("absent.pth", "cannot be read"),
    ):
        outcome = vst("weights", "import", "flownet2", tmp_path / name)
        assert outcome.code == 1
        assert outcome.out == ""
        assert outcome.err.startswith("vst: error: ")
        assert outcome.err.count("\n") == 1
        assert message in outcome.err
    assert not (tmp_path / "marker").exists()


def test_invalid_arguments_are_bad_usage(vst, small_flow_networks, tmp_path):
    source = flow_checkpoint(tmp_path / "x.pth", "flownet2-s")
    for arguments, message in (
        (["flownet3", source], "did you mean 'flownet2'?"),
        (["flownet"], "cannot import 'flownet': did you mean 'flownet2'?"),
        (["flownet2"], "no file given; expected 'vst weights import flownet2 FILE'"),
        (["flownet2", source, "--as", "flownet2-csd"], "has no estimator 'flownet2-csd': did you mean"),
    ):
        outcome = vst("weights", "import", *arguments)
        assert outcome.code == 2
        assert message in outcome.err


def test_imported_weights_are_verified_with_the_others(vst, small_flow_networks, weights, tmp_path):
    vst("weights", "import", "flownet2", flow_checkpoint(tmp_path / "x.pth.tar", "flownet2-s"))
    path = small_flow_networks / "flownet2-s.safetensors"
    good = vst("weights", "verify", "--weights-dir", weights, "--json")
    assert good.code == 0, good.err
    whole = path.read_bytes()
    path.unlink()
    fewer = vst("weights", "verify", "--weights-dir", weights, "--json")
    assert json.loads(good.out)["files"] == json.loads(fewer.out)["files"] + 1
    path.write_bytes(whole[:-8])
    bad = vst("weights", "verify", "--weights-dir", weights)
    assert bad.code == 1
    assert str(path) in bad.err


def test_a_clip_is_stylized_with_the_flow_of_an_imported_network(
    vst, small_flow_networks, weights, clip, tmp_path
):
    for name in ("flownet2", "flownet2-sd"):
        vst("weights", "import", "flownet2", flow_checkpoint(tmp_path / "x.pth.tar", name))
        options = ("--style", "candy", "--weights-dir", weights, "--device", "cpu")
        outcome = vst("render", clip, "-o", tmp_path / f"{name}.mkv", "--flow", name, *options)
        assert outcome.code == 0, outcome.err
        assert (tmp_path / f"{name}.mkv").stat().st_size > 0


def test_a_missing_checkpoint_is_one_line_that_names_its_source(
    vst, small_flow_networks, weights, clip, tmp_path
):
    options = ("--style", "candy", "--weights-dir", weights, "-o", tmp_path / "out.mkv")
    for name in ("flownet2", "flownet2-css-ft-sd", "pwcnet"):
        outcome = vst("render", clip, "--flow", name, *options)
        assert outcome.code == 1
        assert outcome.err.count("\n") == 1
        assert (
            f"flow estimator '{name}' is not ready: its weights are not imported: vst weights import"
            in outcome.err
        )
    assert not (tmp_path / "out.mkv").exists()


def test_a_generator_of_cyclegan_becomes_a_style(vst, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    torch.save(Published().state_dict(), tmp_path / "latest_net_G.pth")
    outcome = vst("weights", "import", "cyclegan", tmp_path / "latest_net_G.pth", "--as", "old-monet")
    assert outcome.code == 0, outcome.err
    assert "--mode cyclegan --style old-monet" in outcome.out
    path = tmp_path / "data/vst/weights/old-monet-cyclegan.safetensors"
    info = read_info(path)
    assert (info.mode, info.styles, info.steps) == ("cyclegan", ("old-monet",), 0)
    assert "Apache" not in info.licence
    assert load_network(path)[0].variant.blocks == 2
    rows = [json.loads(line) for line in vst("weights", "import", "--json").out.splitlines()]
    assert {row["import"]: row["imported"] for row in rows}["cyclegan"] == ["old-monet"]


def test_a_generator_without_a_name_is_refused(vst, tmp_path):
    torch.save(Published().state_dict(), tmp_path / "g.pth")
    outcome = vst("weights", "import", "cyclegan", tmp_path / "g.pth")
    assert outcome.code == 2
    assert "add --as NAME" in outcome.err
