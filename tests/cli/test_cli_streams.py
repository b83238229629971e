"""Standard streams that are closed, full or not read, and a working folder that is gone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


def shell(arguments: list[object], redirection: str, folder: Path) -> tuple[int, str]:
    """Exit code of the command and what it printed on stderr, with redirections of a shell."""
    command = " ".join(shlex.quote(str(each)) for each in (sys.executable, "-m", "vst", *arguments))
    done = subprocess.run(
        ["bash", "-c", f"{command} {redirection}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["modes"], ["probe", "CLIP"], ["probe", "CLIP", "--json"]]
)
@pytest.mark.parametrize(
    ("redirection", "line"),
    [
        (">&-", "vst: error: standard output is closed: redirect it to a file or /dev/null, or give -q\n"),
        (
            ">/dev/full",
            "vst: error: standard output cannot be written: no space left on device; "
            "free some space or redirect it\n",
        ),
    ],
)
def test_a_result_that_cannot_be_printed_is_an_error_in_one_line(
    tmp_path, clip, arguments, redirection, line
):
    given = [clip if each == "CLIP" else each for each in arguments]
    assert shell(given, redirection, tmp_path) == (1, line)


@pytest.mark.parametrize(
    ("redirection", "line"),
    [
        (">&-", "standard output is closed"),
        (">/dev/full", "standard output cannot be written: no space left on device"),
        ("| true", "nobody reads standard output any longer"),
    ],
)
def test_a_render_is_finished_before_the_error_about_its_output(tmp_path, clip, weights, redirection, line):
    given = ["render", clip, "--style", "candy", "--strength", 0, "--weights-dir", weights]
    code, err = shell([*given, "-o", "o.mp4", "--json"], redirection, tmp_path)
    assert code == 1
    assert err.splitlines()[-1].startswith(f"vst: error: {line}")
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == ["o.mp4"]


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_messages_that_cannot_be_printed_are_no_error(tmp_path, clip, weights, redirection):
    given = ["render", clip, "--style", "candy", "--strength", 0, "--weights-dir", weights, "-o", "o.mp4"]
    assert shell(given, redirection, tmp_path)[0] == 0
    assert os.listdir(tmp_path) == ["o.mp4"]
    assert shell(["rendr"], redirection, tmp_path)[0] == 2


def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path):
    script = "import os, vst.cli.streams as s; s.check_streams(); os._exit(open(os.devnull).fileno())"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} <&- >&- 2>&-"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, check=False)
    assert done.returncode > 2


@pytest.mark.parametrize("command", ["styles", "probe", "render", "batch", "doctor"])
def test_a_working_folder_that_is_gone_is_an_error_in_one_line(tmp_path, command):
    (tmp_path / "gone").mkdir()
    gone = f"cd gone; rmdir ../gone; {shlex.quote(sys.executable)} -m vst {command} x"
    done = subprocess.run(
        ["bash", "-c", gone],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "vst: error: the current folder cannot be used: no such file or directory; "
        "change to another one (cd)\n"
    )
