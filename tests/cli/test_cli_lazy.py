"""The help loads none of the heavy packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
from vst.cli.app import run
assert run(sys.argv[1:]) == 0
loaded = {"torch", "torchvision", "av", "cv2", "scenedetect", "onnx"} & set(sys.modules)
assert not loaded, loaded
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        *([command, "--help"] for command in ("render", "batch", "train", "flow", "export")),
        *([command, "--help"] for command in ("compare", "evaluate", "evaluate-flow", "evaluate-sintel")),
    ],
)
def test_help_loads_no_heavy_package(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("start", [["-m", "vst"], ["cli.py"]])
def test_the_module_and_the_launcher_are_the_command(start: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *start, "rendr"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "vst: error: unknown command 'rendr': did you mean 'render'? (see 'vst --help')\n"


def test_a_closed_pipe_is_not_an_error() -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m vst --help | true', cwd=ROOT, shell=True, capture_output=True, check=False
    )
    assert done.stderr == b""
