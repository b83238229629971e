"""`vst export --onnx`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

import vst as package
from tests.cli.conftest import Outcome
from vst.frame import Frame
from vst.modes import create_stylizer
from vst.pipeline import onnx_export
from vst.styles import load_catalogue, resolve_style

Vst = Callable[..., Outcome]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def onnxruntime() -> Any:
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    return pytest.importorskip("onnxruntime", reason="needs onnxruntime")


def difference(
    session: Any, style: str, mode: str, weights: Path | None, height: int, width: int
) -> torch.Tensor:
    """Between ONNX Runtime and a mode's stylizer, in units of 1/255."""
    image = torch.nn.functional.interpolate(torch.rand(1, 3, 6, 8), (height, width), mode="bicubic")
    image = image.clamp(0, 1)
    stylizer = create_stylizer(resolve_style(style, mode, quality="fast", weights_dir=weights))
    expected = (stylizer.stylize(Frame(0, Fraction(0), Fraction(1), image[0]), None) + 1) / 2
    (found,) = session.run(["stylized"], {"image": image.numpy()})
    assert found.shape == (1, 3, height, width)
    return (torch.from_numpy(found[0]) - expected).abs() * 255


def test_a_style_of_the_catalogue_gives_the_pictures_of_its_stylizer(
    vst: Vst, tmp_path: Path, onnxruntime: Any
) -> None:
    path = tmp_path / "candy.onnx"
    done = vst("export", "--onnx", path, "--style", "candy", "--quality", "fast")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{path}: candy, mode itn, any size, fp32, opset 18")
    session = onnxruntime.InferenceSession(str(path))
    for size in ((64, 90), (101, 57)):
        found = difference(session, "candy", "itn", None, *size)
        assert found.mean() <= 0.01
        assert found.max() <= 0.1
    properties = session.get_modelmeta().custom_metadata_map
    info = load_catalogue().weights["itn-fast.safetensors"]
    assert properties["weights"] == f"candy sha256:{hashlib.sha256(info.path.read_bytes()).hexdigest()}"
    assert properties["licence"] == info.licence == "Apache-2.0"
    assert properties["rights"].startswith("candy: the painting")
    assert properties["vst"] == package.__version__
    assert properties["provenance"].startswith(f"vst {package.__version__}; mode itn; style candy; weights")


def test_a_file_says_nothing_of_the_machine_that_wrote_it(
    vst: Vst, tmp_path: Path, weights: Path, onnxruntime: Any
) -> None:
    path = tmp_path / "own.onnx"
    blend, mode = "candy:1+wave:3", "reconet"
    own = ("--weights-dir", weights, "--quality", "fast", "--style", blend, "--mode", mode)
    done = vst("export", "--onnx", path, *own, "--size", "40x32", "--precision", "fp16", "--json")
    assert done.code == 0
    event = json.loads(done.out)
    content = path.read_bytes()
    assert event["bytes"] == len(content)
    assert event["size"] == [40, 32]
    assert event["metadata"]["style"] == "candy:0.25+wave:0.75"
    for place in (ROOT, tmp_path, Path(torch.__file__).parent):
        assert str(place).encode() not in content
    assert b".py" not in content
    # A blend of a user's own weights, in another mode, and in half precision.
    session = onnxruntime.InferenceSession(str(path))
    found = difference(session, blend, mode, weights, 32, 40)
    assert found.mean() <= 0.5
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--onnx", "a.onnx"], 2, "no style given: pass --style with one of candy"),
        (["--style", "candy"], 2, "missing option '--onnx'"),
        (["--onnx", "a.onnx", "--style", "cndy"], 2, "did you mean 'candy'?"),
        (["--onnx", "a.tflite", "--style", "candy"], 2, "expected one that ends in .onnx"),
        (["--onnx", "none/a.onnx", "--style", "candy"], 1, "does not exist: create it first"),
        (["--onnx", "old.onnx", "--style", "candy"], 1, "pass -y to overwrite it"),
        (["--onnx", "a.onnx", "--style", "candy", "--mode", "vtn"], 2, "expected mode reconet or itn"),
        (["--onnx", "a.onnx", "--style", "candy", "--mode", "lstm"], 2, "expected mode reconet or itn"),
        (["--onnx", "a.onnx", "--style", "candy", "--mode", "itm"], 2, "did you mean 'itn'?"),
        (["--onnx", "a.onnx", "--style", "candy", "--size", "15x40"], 2, "both sides from 16 to 16384"),
        (["--onnx", "a.onnx", "--style", "candy", "--size", "480"], 2, "expected WIDTHxHEIGHT"),
        (
            ["--onnx", "a.onnx", "--style", "candy", "--size", "9" * 5000 + "x9"],
            2,
            "expected WIDTHxHEIGHT",
        ),
        (["--onnx", "a.onnx", "--style", "candy", "--precision", "fp8"], 2, "expected one of fp32, fp16"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    vst: Vst,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.onnx").write_bytes(b"old")
    done = vst("export", *arguments, "--weights-dir", weights)
    assert done.code == code
    assert message in done.err
    assert done.err.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["old.onnx"]
    assert Path("old.onnx").read_bytes() == b"old"


def test_packages_that_are_missing_are_named_before_anything_is_loaded(
    vst: Vst, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None)
    monkeypatch.delattr(onnx_export, "load_selection")
    done = vst("export", "--onnx", tmp_path / "a.onnx", "--style", "candy", "--weights-dir", weights)
    assert done.code == 1
    assert done.err == (
        "vst: error: an ONNX file cannot be written without onnx and onnxscript: "
        "pip install onnx onnxscript\n"
    )
