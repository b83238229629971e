"""The benchmark of CPU time runs whole commands, and takes their start-up off."""

from __future__ import annotations

import json

import pytest

from tests.clips import make_clip


def test_options_of_commands_are_told_apart():
    from benchmarks.cpu_time import split

    assert split(["clip.mp4", "--", "--style", "candy", "--", "--mode", "itn"]) == [
        ["clip.mp4"],
        ["--style", "candy"],
        ["--mode", "itn"],
    ]


def test_a_row_for_each_command(tmp_path, capsys):
    from benchmarks.cpu_time import main

    clip = make_clip(tmp_path / "clip.mp4", frames=9)
    options = [str(clip), "--frames", "8", "--repeat", "1", "-o", str(tmp_path / "times.json")]
    commands = ["--", "--style", "candy", "--strength", "0", "--", "--style", "wave", "--strength", "0"]
    assert main([*options, *commands]) == 0
    assert capsys.readouterr().out.count("--strength 0") == 2
    found = json.loads((tmp_path / "times.json").read_text())
    assert set(found) == {"--style candy --strength 0", "--style wave --strength 0"}


@pytest.mark.parametrize(
    ("commands", "message"), [([], "no command is given"), (["--", "--style", "x"], "x")]
)
def test_what_cannot_be_measured_is_said_in_a_line(tmp_path, capsys, commands, message):
    from benchmarks.cpu_time import main

    clip = make_clip(tmp_path / "clip.mp4", frames=5)
    assert main([str(clip), "--frames", "4", "--repeat", "1", *commands]) != 0
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
