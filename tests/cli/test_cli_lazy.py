"""The help and lists load none of the heavy packages, and a render only what it uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]

HEAVY = {"torch", "torchvision", "av", "cv2", "scenedetect", "onnx", "ray", "sympy", "scipy"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        *([command, "--help"] for command in ("render", "batch", "train", "flow", "export", "mask")),
        *([command, "--help"] for command in ("plan", "segment", "join")),
        *([command, "--help"] for command in ("texture", "reconstruct", "sheet")),
        *([command, "--help"] for command in ("compare", "evaluate", "evaluate-flow", "evaluate-sintel")),
    ],
)
def test_help_loads_no_heavy_package(arguments: list[str]) -> None:
    assert loaded_by(arguments).isdisjoint(HEAVY)


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


@pytest.mark.parametrize("arguments", [["styles"], ["modes"], ["weights", "list"]])
def test_lists_load_no_heavy_package(arguments: list[str]) -> None:
    assert loaded_by(arguments).isdisjoint(HEAVY)


def test_a_render_of_a_picture_loads_only_what_it_uses(weights: Path, tmp_path: Path) -> None:
    Image.new("RGB", (48, 32), "red").save(tmp_path / "red.png")
    chosen = ["--style", "candy", "--mode", "itn", "--quality", "fast", "--weights-dir", str(weights)]
    loaded = loaded_by(["render", str(tmp_path / "red.png"), *chosen])
    assert (tmp_path / "red.candy.png").exists()
    assert loaded & HEAVY == {"torch", "av", "cv2"}
    unused = {"torch._dynamo", "torch._inductor", "torch.onnx", "vst.train", "vst.evaluate", "vst.host"}
    unused |= {
        "vst.media.encode.video_writer",
        "vst.media.encode.join",
        "vst.media.encode.animation_writer",
        "vst.modes.optimisation.stylizer",
    }
    assert loaded.isdisjoint(unused)


def loaded_by(arguments: list[str]) -> set[str]:
    """The modules that are loaded when a command ends, in a process of its own."""
    script = "import sys; from vst.cli.app import run; code = run(sys.argv[1:])\n"
    script += "print('loaded', *sys.modules, file=sys.stderr); sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())
