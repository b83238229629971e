"""A new estimator is one file and one entry in the registry."""

from __future__ import annotations

import importlib
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from vst.cli.app import run
from vst.media import Reader
from vst.motion import ESTIMATORS
from vst.motion.registry import EstimatorEntry

TOY = '''
import torch
from vst.motion import Estimator

class ToyEstimator(Estimator):
    """Everything moves to the right by two pixels per frame."""

    name = "toy"
    pairs = []

    def estimate(self, a, b):
        return torch.zeros(2, *a.shape[-2:])

    def estimate_pair(self, a, b):
        self.pairs.append((a, b))
        flow = self.estimate(a, b)
        flow[0] = -2
        return flow, -flow
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The module of the toy estimator, after the file and the entry were added."""
    (tmp_path / "toy_estimator.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "toy_estimator", raising=False)
    module = importlib.import_module("toy_estimator")
    entry = EstimatorEntry("a toy", lambda device, precision: module.ToyEstimator(), lambda: None)
    monkeypatch.setitem(ESTIMATORS, "toy", entry)
    return module.ToyEstimator


@pytest.fixture
def clip(tmp_path):
    """Five frames of a texture that moves to the right by two pixels per frame."""
    path = tmp_path / "clip.mkv"
    texture = np.random.default_rng(1).integers(0, 255, (48, 80, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for number in range(5):
            picture = np.ascontiguousarray(texture[:, 16 - 2 * number : 80 - 2 * number])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_registered_estimator_renders_a_clip_by_its_name(toy, clip, tmp_path, tiny_weights):
    def render(flow):
        output = tmp_path / f"{flow}.mkv"
        options = ("--mode", "vtn", "--style", "red", "--codec", "ffv1", "--weights-dir", str(tiny_weights))
        code = run(["render", str(clip), "-o", str(output), "--flow", flow, "--device", "cpu", *options])
        assert code == 0
        with Reader(output) as reader:
            return torch.stack([frame.image for frame in reader])

    stylized = render("toy")
    assert len(stylized) == 5
    assert len(toy.pairs) == 4, "one pair of flows per pair of adjacent frames"
    assert not torch.equal(stylized, render("dis")), "the render used the flow of the toy"


def test_a_mistyped_name_of_a_registered_estimator_is_suggested(toy, clip, capsys, tiny_weights):
    options = ("--style", "red", "--weights-dir", str(tiny_weights), "--flow", "toi")
    assert run(["render", str(clip), *options]) == 2
    assert "did you mean 'toy'" in capsys.readouterr().err
