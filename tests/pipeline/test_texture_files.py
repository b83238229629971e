"""Textures, reconstructions and sheets as files."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.modes.gatys.conftest import painting
from vst.errors import Interrupted, MediaError, UsageError, VstError
from vst.media.probe import probe
from vst.modes.optimisation.stylizer import OptimisingStylizer
from vst.modes.optimisation.synthesis import Synthesis
from vst.pipeline.ratio_sheet import make_ratio_sheet
from vst.pipeline.settings import RenderSettings
from vst.pipeline.synthesis import make_texture, reconstruct
from vst.pipeline.synthesis_settings import TextureSettings

__all__ = ["painting"]


@pytest.fixture
def optimised(settings, painting, loss_folder):
    """Makes settings of mode gatys with few steps."""

    def make(**options: object) -> RenderSettings:
        given = {"style": str(painting), "loss_network": str(loss_folder), "steps": 3, "levels": 1}
        given |= {"style_layers": "relu1_1,relu2_1"} | options
        if "seconds" in options:
            del given["steps"]
        return settings(mode="gatys", **given)

    return make


@pytest.fixture(autouse=True)
def quick_clock(monkeypatch):
    """Steps that take a second each: nothing here depends on how fast a machine is."""
    for kind in (OptimisingStylizer, Synthesis):
        monkeypatch.setattr(kind, "seconds_a_step", lambda self, width, height: 1.0)


def small(**options: object) -> TextureSettings:
    return TextureSettings(**{"size": (80, 64), "style_size": 60, **options})


def test_a_texture_is_a_picture_of_the_size_asked_for(optimised, tmp_path):
    notes: list[str] = []
    report = make_texture(optimised(), small(), tmp_path / "t.png", begun=notes.append)
    assert (report.output, report.frames, report.steps) == (tmp_path / "t.png", 1, 3)
    assert Image.open(report.output).size == (80, 64)
    assert notes[0] == "3 steps: about 3 seconds for a picture of 80×64"
    assert set(notes) <= set(report.notes)
    assert (
        "mode texture; style stripes.png; paintings stripes.png sha256:" in probe(report.output).provenance
    )


def test_a_moving_texture_is_a_clip(optimised, tmp_path):
    texture = small(frames=3, fps=Fraction(12))
    info = probe(make_texture(optimised(codec="ffv1"), texture, tmp_path / "t.mkv").output)
    assert (info.width, info.height, info.frames, info.average_rate) == (80, 64, 3, 12)
    assert not info.audio


@pytest.mark.parametrize(("loop", "plays"), [(True, 0), (False, 1)])
def test_a_looping_texture_is_an_animation_without_end(optimised, tmp_path, loop, plays):
    path = make_texture(optimised(steps=1), small(frames=2, loop=loop), tmp_path / "t.webp").output
    assert probe(path).plays == plays


def test_seconds_become_steps_of_a_picture_and_of_a_whole_clip(optimised, tmp_path):
    still = make_texture(optimised(seconds=5.0), small(), tmp_path / "t.png")
    assert still.steps == 5
    # Four frames that are thrown away and two that are kept, of a step each.
    moving = make_texture(optimised(seconds=10.0), small(frames=2), tmp_path / "t.mp4")
    assert moving.steps == 4


def test_what_is_stopped_is_kept_under_another_name(optimised, tmp_path):
    stop = threading.Event()

    def watch(progress) -> None:
        if progress.step and progress.step.number == 2:
            stop.set()

    with pytest.raises(Interrupted, match=r"the picture so far is in .*t\.incomplete\.png"):
        make_texture(optimised(steps=50), small(), tmp_path / "t.png", progress=watch, stop=stop)
    assert (tmp_path / "t.incomplete.png").exists()
    assert not (tmp_path / "t.png").exists()


def test_frames_of_a_clip_that_is_stopped_are_kept(optimised, tmp_path):
    stop = threading.Event()

    def watch(progress) -> None:
        if progress.step is None and progress.frame == 2:
            stop.set()

    with pytest.raises(Interrupted, match="the 2 frames before that are in") as raised:
        make_texture(optimised(), small(frames=5), tmp_path / "t.mkv", progress=watch, stop=stop)
    assert probe(Path(str(raised.value).rpartition(" in ")[2])).frames == 2
    assert not (tmp_path / "t.mkv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (48, 64)}, "a texture of 48×64 was asked for; expected 64 to 16384 pixels a side"),
        ({"size": (100, 64), "tileable": True}, "100×64 was given: try 96×64"),
        ({"size": (100, 64), "frames": 4}, "100×64 was given: try 96×64"),
        ({"loop": True}, "--loop is for clips: give --frames too"),
        ({"speed": 1.0}, "--speed is for clips: give --frames too"),
        ({"frames": 4, "fps": Fraction(0)}, "fps is 0; expected more than 0"),
        ({"style_size": 8}, "style size is 8; expected 32 to 8192 pixels"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        small(**options)


def test_the_painting_is_not_overwritten(optimised, painting):
    before = painting.read_bytes()
    with pytest.raises(MediaError, match="is the input itself"):
        make_texture(optimised(overwrite=True), small(), painting)
    assert painting.read_bytes() == before


def test_a_clip_is_not_written_to_a_picture(optimised, tmp_path):
    with pytest.raises(UsageError):
        make_texture(optimised(), small(frames=3), tmp_path / "t.jpg")
    assert not (tmp_path / "t.jpg").exists()


@pytest.mark.parametrize("part", ["content", "style"])
def test_a_part_of_a_picture_is_reconstructed_at_its_size(optimised, painting, tmp_path, part):
    report = reconstruct(optimised(content_layers="relu1_1", steps=12), part, tmp_path / "r.png")
    found = np.array(Image.open(report.output)).astype(float)
    wanted = np.array(Image.open(painting)).astype(float)
    assert found.shape == wanted.shape
    if part == "content":  # the stripes are where they were
        assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.7


def test_a_blend_is_not_reconstructed(optimised, painting, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(painting.read_bytes())
    with pytest.raises(UsageError, match="is a blend; expected one picture"):
        reconstruct(optimised(style=f"{painting}:0.6+{other}:0.4"), "content", tmp_path / "r.png")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    ramp = np.linspace(0, 255, 64 * 80 * 3).reshape(64, 80, 3).astype(np.uint8)
    Image.fromarray(ramp).save(path)
    return path


def test_a_sheet_has_a_column_for_each_ratio_and_a_row_for_each_layer(optimised, photo, tmp_path):
    notes: list[str] = []
    given = optimised(size=64)
    report = make_ratio_sheet(photo, given, tmp_path / "s.png", (1e-4, 10.0), begun=notes.append)
    assert report.layers == (("relu1_1",), ("relu1_1", "relu2_1"))
    assert "3 steps: about 12 seconds for 4 pictures of 80×64" in notes
    sheet = np.array(Image.open(report.output).convert("RGB")).astype(float)
    assert sheet.shape[0] > 2 * 64
    assert sheet.shape[1] > 2 * 80
    # Where content counts more, a cell is nearer to the photo.
    left, top = 144, 110
    cells = [sheet[top : top + 64, left + step : left + step + 80] for step in (0, 92)]
    wanted = np.array(Image.open(photo)).astype(float)
    assert np.abs(cells[1] - wanted).mean() < np.abs(cells[0] - wanted).mean()


def test_a_sheet_that_is_stopped_has_the_cells_so_far(optimised, photo, tmp_path):
    stop = threading.Event()

    def watch(progress) -> None:
        if progress.frame == 1:
            stop.set()

    with pytest.raises(Interrupted, match=r"after 1 of 4 cells; the sheet so far is .*s\.incomplete\.png"):
        make_ratio_sheet(
            photo, optimised(size=64), tmp_path / "s.png", (0.1, 1.0), progress=watch, stop=stop
        )
    assert not (tmp_path / "s.png").exists()
    assert Image.open(tmp_path / "s.incomplete.png").width > 160


@pytest.mark.parametrize(
    ("ratios", "name", "message"),
    [
        ((0.0,), "s.png", "ratios are 0.0; expected numbers above 0"),
        ((), "s.png", "ratios are none"),
        ((0.1,), "s.mp4", "expected one that ends in .png or .jpg"),
        (tuple(range(1, 40)), "s.png", "make 78 cells; expected at most 64"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused(optimised, photo, tmp_path, ratios, name, message):
    with pytest.raises(UsageError, match=message):
        make_ratio_sheet(photo, optimised(size=64), tmp_path / name, ratios)


def test_a_texture_that_is_too_large_for_memory_says_what_to_do(optimised, tmp_path, monkeypatch):
    monkeypatch.setattr("vst.pipeline.memory_estimate.free_memory", lambda device: 2**29)
    with pytest.raises(VstError, match=r"are free: make the picture smaller with --size, or the tiles"):
        make_texture(optimised(), small(), tmp_path / "t.png")
    assert not (tmp_path / "t.png").exists()
