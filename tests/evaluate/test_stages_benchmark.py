"""The benchmark of stages divides the CPU time of a render."""

from __future__ import annotations

import json

from tests.clips import make_clip


def test_cpu_time_is_divided_among_stages(tmp_path, capsys):
    from benchmarks.stages import main

    clip = make_clip(tmp_path / "clip.mp4", frames=12, width=160, height=120)
    options = [str(clip), "--frames", "12", "-o", str(tmp_path / "stages.json")]
    assert main([*options, "--", "--style", "candy", "--mode", "vtn"]) == 0
    found = json.loads((tmp_path / "stages.json").read_text())
    assert {"flow", "network", "trust"} <= set(found["cpu_ms"])
    # Clocks of threads have steps of 10 ms, and a thread may end between two looks.
    assert 0.6 < sum(found["cpu_ms"].values()) / found["cpu_ms_in_all"] < 1.1
    assert "| network |" in capsys.readouterr().out


def test_a_command_that_fails_is_said_in_a_line(tmp_path, capsys):
    from benchmarks.stages import main

    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    assert main([str(clip), "--", "--style", "no-such-style"]) == 2
    assert "give options of vst render" in capsys.readouterr().err
