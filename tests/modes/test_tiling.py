"""Large frames are stylized in tiles, and so are others when memory runs out."""

from __future__ import annotations

import logging
from fractions import Fraction

import pytest
import torch

from vst.frame import Frame, Past
from vst.modes import create_stylizer, network_runner, tiling
from vst.modes.itn.network import ITN
from vst.modes.lstm.network import LSTM
from vst.modes.registry import BUILT_IN
from vst.modes.tiling import NO_TILES, estimate_memory, is_out_of_memory, smaller_tile
from vst.modes.vtn.network import VTN
from vst.nn.style_network import StyleNetwork
from vst.nn.tiled import Tiled
from vst.styles import resolve_style

CLOSE = 1 / 255 / 2


def frames(count, height=40, width=70):
    generator = torch.Generator().manual_seed(1)
    return [
        Frame(i, Fraction(i, 25), Fraction(1, 25), torch.rand(3, height, width, generator=generator))
        for i in range(count)
    ]


@pytest.fixture
def make(tiny_weights):
    def stylizer(name, **options):
        return create_stylizer(resolve_style("red", name, weights_dir=tiny_weights), **options)

    return stylizer


def stylize(stylizer, count=3):
    """A shot, each frame with the last output as its past."""
    outputs = []
    for frame in frames(count):
        past = Past(outputs[-1], torch.ones(1, 40, 70)) if outputs and stylizer.conditioned else None
        outputs.append(stylizer.stylize(frame, past))
    return torch.stack(outputs)


@pytest.fixture
def sides(monkeypatch):
    """The sides of the tiles that are used, in order."""
    found = []

    def counted(mix, tile):
        found.append(tile)
        return Tiled(mix, tile)

    monkeypatch.setattr(network_runner, "Tiled", counted)
    return found


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_mode_stylizes_a_shot_in_tiles_as_it_does_whole(make, name):
    in_tiles, whole = (stylize(make(name, tile=tile)) for tile in (32, NO_TILES))
    torch.testing.assert_close(in_tiles, whole, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_snapshot_taken_in_tiles_is_continued_exactly(make, name):
    first, second = make(name, tile=32), make(name, tile=32)
    clip = frames(2)
    first.stylize(clip[0], None)
    second.restore(first.snapshot())
    assert torch.equal(second.stylize(clip[1], None), first.stylize(clip[1], None))


def test_the_decision_depends_on_size_and_network_alone():
    network = VTN(16)
    assert estimate_memory(network, 1, 1080, 1920, None).tile is None
    large = estimate_memory(network, 1, 2160, 3840, None)
    assert large.tile == tiling.TILE
    assert large.peak < large.without_tiles / 4
    assert estimate_memory(network.half(), 1, 2160, 3840, None).tile is None
    assert estimate_memory(network, 1, 2160, 3840, NO_TILES).tile is None
    assert estimate_memory(network, 1, 480, 854, 128).tile == 128
    assert estimate_memory(network, 1, 100, 128, 128).tile is None


def test_a_frame_that_is_too_large_is_stylized_in_tiles(make, monkeypatch, sides):
    monkeypatch.setattr(tiling, "LARGEST_WHOLE", 100_000)
    monkeypatch.setattr(tiling, "TILE", 32)
    make("itn").stylize(frames(1)[0], None)
    assert sides == [32]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_memory_estimate_grows_with_the_frame(make, name):
    stylizer = make(name)
    assert stylizer.memory(128, 128).peak == 4 * stylizer.memory(64, 64).peak


def test_the_memory_estimate_is_counted_from_the_layers():
    pixels, fp32 = 100 * 200, 4
    assert estimate_memory(ITN(16), 1, 100, 200, None).peak == (5.5 * 16 * fp32 + 2 * 3 * fp32) * pixels
    tiles = estimate_memory(VTN(32), 1, 100, 200, 64)
    assert tiles.peak == (0.75 * 32 * fp32 + 3 * fp32) * pixels + 64 * 64 * 8 * 32 * fp32


@pytest.mark.parametrize("network", [ITN, LSTM])
def test_smaller_tiles_take_less(network):
    peaks = [estimate_memory(network(16), 1, 2160, 3840, side).peak for side in (1024, 512, 256, NO_TILES)]
    assert peaks[2] < peaks[1] < peaks[0] < peaks[3]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_when_memory_runs_out_the_frame_is_split_and_the_render_continues(
    make, monkeypatch, caplog, sides, error
):
    wanted = stylize(make("vtn", tile=NO_TILES))
    stylizer = make("vtn")
    stylize_by = StyleNetwork.stylize

    def little(network, run, planes):
        if not isinstance(run, Tiled) or sides[-1] == 64:
            raise error
        return stylize_by(network, run, planes)

    monkeypatch.setattr(StyleNetwork, "stylize", little)
    monkeypatch.setattr(tiling, "SMALLEST_TILE", 16)
    with caplog.at_level(logging.WARNING, "vst"):
        stylized = stylize(stylizer)
    torch.testing.assert_close(stylized, wanted, atol=CLOSE, rtol=0)
    assert sides == [64, 32, 32, 32]
    assert [record.getMessage() for record in caplog.records] == [
        "out of memory on cpu while stylizing 70×40 whole: continuing in tiles of 64 pixels",
        "out of memory on cpu while stylizing 70×40 in tiles of 64: continuing in tiles of 32 pixels",
    ]


def test_other_errors_are_not_taken_for_a_lack_of_memory(make, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("expected 3 channels")

    monkeypatch.setattr(StyleNetwork, "stylize", broken)
    with pytest.raises(RuntimeError, match="expected 3 channels"):
        stylize(make("itn"))
    assert not is_out_of_memory(ValueError("no"))


def test_with_tiles_off_a_lack_of_memory_is_an_error(make, monkeypatch):
    def little(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(StyleNetwork, "stylize", little)
    with pytest.raises(torch.OutOfMemoryError):
        stylize(make("itn", tile=NO_TILES))


def test_splitting_ends_at_the_smallest_tile():
    assert smaller_tile(None, 2160, 3840) == 512
    assert smaller_tile(512, 2160, 3840) == 256
    assert smaller_tile(300, 2160, 3840) == 256
    assert smaller_tile(128, 2160, 3840) == 64
    assert smaller_tile(64, 2160, 3840) is None
    assert smaller_tile(None, 60, 60) is None
