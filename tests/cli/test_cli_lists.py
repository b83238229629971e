"""The commands that list: styles, modes, weights, doctor."""

from __future__ import annotations

import json
import urllib.error

import pytest

from vst.modes import available_modes
from vst.modes.registry import BUILT_IN


def test_styles_are_listed(vst, weights):
    outcome = vst("styles", "--weights-dir", weights)
    assert outcome.code == 0
    assert outcome.out.splitlines()[0].split() == ["name", "title", "artist", "year", "modes"]
    (candy,) = (line for line in outcome.out.splitlines() if line.startswith("candy "))
    assert "itn, lstm, reconet, vtn" in candy


def test_styles_as_json(vst, weights):
    outcome = vst("styles", "--weights-dir", weights, "--json")
    styles = {entry["name"]: entry for entry in map(json.loads, outcome.out.splitlines())}
    assert {"candy", "wave"} <= set(styles)
    assert {"itn", "vtn"} <= set(styles["candy"]["modes"])


def test_styles_in_the_public_domain_are_listed_alone(vst):
    outcome = vst("styles", "--public-domain", "--json")
    styles = {entry["name"]: entry for entry in map(json.loads, outcome.out.splitlines())}
    paintings = {"starry-night", "wave", "scream", "composition-vii", "shipwreck"}
    assert set(styles) == paintings | {"monet", "vangogh", "emaki"}
    assert all(entry["public_domain"] for entry in styles.values())


def test_a_folder_without_a_style_in_the_public_domain_is_an_error(vst, weights, monkeypatch):
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [weights])
    outcome = vst("styles", "--public-domain")
    assert outcome.code == 1
    assert "leave out --public-domain" in outcome.err


def test_every_mode_is_listed_with_its_description(vst):
    outcome = vst("modes", "--json")
    listed = {entry["name"]: entry["description"] for entry in map(json.loads, outcome.out.splitlines())}
    assert listed == {name: mode.description for name, mode in available_modes().items()}
    assert all(description in vst("modes").out for description in listed.values())


def test_weights_are_listed(vst, weights):
    listed = [
        json.loads(line)
        for line in vst("weights", "list", "--weights-dir", weights, "--json").out.splitlines()
    ]
    ours = {entry["file"]: entry for entry in listed if entry["folder"] == str(weights)}
    assert set(ours) == {f"{mode}-tiny.safetensors" for mode in BUILT_IN}
    assert ours["vtn-tiny.safetensors"]["styles"] == ["candy", "wave"]
    assert ours["vtn-tiny.safetensors"]["width"] == 2


def test_good_weights_pass(vst, weights):
    outcome = vst("weights", "verify", "--weights-dir", weights)
    assert outcome.code == 0, outcome.err
    assert "all valid" in outcome.out


def test_damaged_weights_are_named(vst, weights, tmp_path):
    whole = (weights / "vtn-tiny.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    outcome = vst("weights", "verify", "--weights-dir", tmp_path)
    assert outcome.code == 1
    assert "cut.safetensors" in outcome.err
    doctor = vst("doctor", "--weights-dir", tmp_path)
    assert doctor.code == 1
    assert "cut.safetensors" in doctor.out


def test_fetching_without_a_network_is_one_line(vst, monkeypatch, tmp_path):
    def offline(*arguments, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr("torch.hub.urlopen", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    outcome = vst("weights", "fetch", "vgg16")
    assert outcome.code == 1
    line = next(line for line in outcome.err.splitlines() if line.startswith("vst: error: "))
    assert "no route to host" in line
    assert "Traceback" not in outcome.err


def test_the_doctor_finds_no_fault_on_this_machine(vst, weights):
    outcome = vst("doctor", "--weights-dir", weights, "--json")
    assert outcome.code == 0, outcome.out
    findings = {entry["check"]: entry for entry in map(json.loads, outcome.out.splitlines())}
    assert {
        "python",
        "vst",
        "torch",
        "torchvision",
        "av",
        "opencv",
        "CPU bf16",
        "precision auto",
        "codec h264",
    } <= set(findings)
    assert findings["flow dis"]["value"] == "ready"
    assert findings["precision auto"]["value"] in ("fp32", "bf16", "fp16")
    assert "candy" in findings["styles"]["value"]


@pytest.mark.parametrize(("package", "check"), [("av", "av"), ("cv2", "opencv")])
def test_the_doctor_names_a_package_that_does_not_import(vst, weights, monkeypatch, package, check):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    outcome = vst("doctor", "--weights-dir", weights, "--json")
    findings = {entry["check"]: entry for entry in map(json.loads, outcome.out.splitlines())}
    assert outcome.code == 1
    assert findings[check]["state"] == "broken"
