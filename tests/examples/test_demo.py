"""The demo and its clip."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

from vst.media import Reader
from vst.media.probe import probe

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def demo():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("demo", EXAMPLES / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_clip_has_three_seconds_with_sound_and_is_small(demo):
    clip = probe(demo.CLIP)
    assert (clip.width, clip.height) == (640, 360)
    with Reader(demo.CLIP) as reader:
        assert sum(1 for _ in reader) == 72
    assert [stream.codec for stream in clip.audio] == ["aac"]
    assert demo.CLIP.stat().st_size < 700_000
    assert "Blender Foundation" in (EXAMPLES / "ATTRIBUTION.md").read_text()


def test_the_demo_writes_every_style_and_a_comparison(demo, tmp_path):
    demo.main(["--output", str(tmp_path), "--frames", "3", "--size", "48", "--styles", "candy", "wave"])
    assert {path.name for path in tmp_path.glob("*.*")} == {
        *("bunny.candy.mp4", "bunny.wave.mp4"),
        *("side-by-side.mp4", "side-by-side.png"),
    }
    with Reader(tmp_path / "side-by-side.mp4") as reader:
        frames = [frame.image.shape for frame in reader]
    height, width = frames[0][1:]
    assert len(frames) == 3
    assert width > 2.9 * height
    assert Image.open(tmp_path / "side-by-side.png").size == (width, 2 * height)
