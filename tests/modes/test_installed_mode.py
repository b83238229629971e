"""A mode of another installed package is trained, listed, rendered and resumed like our own."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.clips import make_clip
from vst.cli.app import run
from vst.errors import Interrupted
from vst.modes import available_modes, check_mode, find_mode, load_network
from vst.modes.recipe import create_recipe
from vst.modes.registry import _installed
from vst.nn.style_parameters import one_style
from vst.nn.tiled import Tiled
from vst.pipeline import RenderSettings, render
from vst.train.run import run_recipe
from vst.train.training_run import TrainingRun

ENTRY = """
from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="toy",
    description="a mode for tests",
    network="toy_mode.network:ToyNetwork",
    stylizer="vst.modes.frame_stylizer:FrameStylizer",
    temporal=False,
    recipe="toy_mode.config:ToyRecipe",
    training="toy_mode.network:ToyStep",
)
"""
CONFIG = """
from dataclasses import dataclass

from vst.modes.recipe import Recipe
from vst.modes.recipe_option import recipe_option


@dataclass(frozen=True)
class ToyRecipe(Recipe):
    doubled: bool = recipe_option(False, "Whether the output is doubled.")
"""
NETWORK = """
from dataclasses import dataclass

import torch

from vst.modes.itn.training import ItnStep
from vst.nn.layers import ConvBlock, ReflectedConv2d
from vst.nn.style_network import Hyperparameters, StyleNetwork


@dataclass(frozen=True)
class ToyVariant(Hyperparameters):
    doubled: bool = False


class ToyNetwork(StyleNetwork):
    variant_type = ToyVariant

    def __init__(self, width, styles, variant):
        super().__init__(3, width, styles, variant)
        self.first = ConvBlock(3, width, 3, styles=styles)
        self.last = ReflectedConv2d(width, 3, 3)

    def layers(self, run, image, size):
        return run.convolve(self.last, run.block(self.first, image))

    def compose(self, raw, given):
        return torch.tanh((1 + self.variant.doubled) * raw.to(given.dtype))


class ToyStep(ItnStep):
    pass
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """An installed package with a mode; forgotten afterwards."""
    site = tmp_path / "site"
    files = {
        "toy_mode/__init__.py": ENTRY,
        "toy_mode/config.py": CONFIG,
        "toy_mode/network.py": NETWORK,
        "toy_mode-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: toy-mode\nVersion: 1\n",
        "toy_mode-1.dist-info/entry_points.txt": "[vst.modes]\ntoy = toy_mode:MODE\n",
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    _forget()
    yield "toy"
    for name in [each for each in sys.modules if each.split(".")[0] == "toy_mode"]:
        del sys.modules[name]
    _forget()


def _forget() -> None:
    available_modes.cache_clear()
    _installed.cache_clear()


@pytest.fixture
def toy_recipe(toy, make_recipe):
    values = {name: getattr(make_recipe(), name) for name in ("styles", "photos", "loss_network")}
    changes = {"width": 4, "size": 32, "batch": 2, "steps": 2, "precision": "fp32", "doubled": True}
    return create_recipe({"mode": toy, **values, **changes})


def test_it_trains_in_two_parts_saves_and_loads(toy_recipe, tmp_path):
    whole = run_recipe(toy_recipe, TrainingRun(tmp_path / "whole", say=lambda _: None))
    for _ in range(2):
        parts = run_recipe(toy_recipe, TrainingRun(tmp_path / "parts", minutes=0, say=lambda _: None))
    assert all(
        torch.equal(a, b) for a, b in zip(*(load_file(w).values() for w in (whole, parts)), strict=True)
    )
    network, info = load_network(whole)
    assert (info.mode, info.width, info.styles, info.steps) == ("toy", 4, ("noise",), 2)
    assert type(network) is find_mode("toy").network_class
    assert network.variant.doubled


def test_its_declared_layers_run_in_tiles(toy):
    kind = find_mode(toy).network_class
    torch.manual_seed(0)
    network = kind.build(4, 1, kind.variant_type()).eval()
    x, mix = torch.rand(1, 3, 50, 70) * 2 - 1, one_style(0, 1)
    with torch.no_grad():
        torch.testing.assert_close(network.stylize(Tiled(mix, 32), [x]), network(x, mix), atol=1e-4, rtol=0)


def test_it_renders_a_clip_and_resumes(toy_recipe, tmp_path, monkeypatch):
    import vst.pipeline.job

    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 4)
    weights = run_recipe(toy_recipe, TrainingRun(tmp_path / "run", say=lambda _: None))
    clip: Path = tmp_path / "clip.mkv"
    make_clip(clip, frames=10)
    settings = RenderSettings(style="noise", mode="toy", weights_dir=weights.parent)
    whole = render(clip, settings, tmp_path / "whole.mp4")
    stop = threading.Event()
    with pytest.raises(Interrupted):
        render(
            clip,
            settings,
            tmp_path / "out.mp4",
            progress=lambda each: stop.set() if each.frame == 6 else None,
            stop=stop,
        )
    again = render(clip, settings, tmp_path / "out.mp4")
    assert again.resumed > 0
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_it_is_listed_and_its_training_has_its_own_options(toy, capfd):
    assert run(["modes"]) == 0
    assert "a mode for tests" in capfd.readouterr().out
    assert run(["train", "toy", "--help"]) == 0
    shown = capfd.readouterr().out
    assert "--doubled" in shown
    assert "--clips" not in shown


def test_a_mode_that_cannot_be_imported_is_left_out(toy, tmp_path, caplog):
    (tmp_path / "site" / "toy_mode" / "__init__.py").write_text("raise RuntimeError('half installed')\n")
    assert "toy" not in available_modes()
    assert "half installed" in caplog.text
    check_mode("itn")


def test_names_of_our_own_modes_are_not_replaced(toy, tmp_path):
    points = tmp_path / "site" / "toy_mode-1.dist-info" / "entry_points.txt"
    points.write_text("[vst.modes]\nitn = toy_mode:MODE\n")
    _forget()
    assert available_modes()["itn"].network == "vst.modes.itn.network:ITN"
