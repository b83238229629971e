"""`vst weights interpolate`."""

from __future__ import annotations

import json


def test_the_network_between_two_is_written_and_listed(vst, tiny_weights, tmp_path):
    target = tmp_path / "between.safetensors"
    files = [tiny_weights / f"{mode}-tiny.safetensors" for mode in ("itn", "vtn")]
    outcome = vst("weights", "interpolate", *files, "--share", "0.25", "-o", target, "--json")
    assert outcome.code == 0, outcome.err
    event = json.loads(outcome.out)
    assert (event["event"], event["mode"], event["styles"]) == ("written", "vtn", ["red", "blue"])
    rows = [
        json.loads(line)
        for line in vst("weights", "list", "--weights-dir", tmp_path, "--json").out.splitlines()
    ]
    assert {row["file"]: row["mode"] for row in rows}[target.name] == "vtn"


def test_what_does_not_fit_is_said_in_one_line(vst, tiny_weights, tmp_path):
    files = [tiny_weights / f"{mode}-tiny.safetensors" for mode in ("vtn", "lstm")]
    outcome = vst("weights", "interpolate", *files, "-o", tmp_path / "between.safetensors")
    assert outcome.code == 2
    assert "have different layers" in outcome.err
    assert len(outcome.err.splitlines()) == 1
