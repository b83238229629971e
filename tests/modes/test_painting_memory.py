"""Large frames are painted in tiles, and so are others when memory runs out."""

from __future__ import annotations

import logging
from fractions import Fraction

import pytest
import torch
from vst.modes.base import PredictableMode

from vst.frame import Frame, Motion
from vst.modes import MODES, create_mode, memory
from vst.modes.memory import WHOLE, is_out_of_memory, need, smaller
from vst.nn import ITN, LSTM, VTN, tiled
from vst.nn.body import TransformationBody

CLOSE = 1 / 255 / 4


def frames(count, height=40, width=70):
    generator = torch.Generator().manual_seed(1)
    return [
        Frame(i, Fraction(i, 25), Fraction(1, 25), torch.rand(3, height, width, generator=generator))
        for i in range(count)
    ]


@pytest.fixture
def make(tiny_weights):
    return lambda name, **options: create_mode(name, "red", weights_dir=tiny_weights, **options)


def paint(mode, count=3):
    still = Motion(torch.full((2, 40, 70), 0.25), torch.ones(1, 40, 70), 1)
    clip = frames(count)
    wanted = 1 in mode.distances
    return torch.stack([mode.step(f, {1: still} if wanted and f.index else {}) for f in clip])


@pytest.mark.parametrize("name", MODES)
def test_every_mode_paints_a_shot_in_tiles_as_it_does_whole(make, name):
    torch.testing.assert_close(
        paint(make(name, tile=32)), paint(make(name, tile=WHOLE)), atol=CLOSE, rtol=0
    )


@pytest.mark.parametrize("name", MODES)
def test_a_snapshot_taken_in_tiles_goes_on_exactly(make, name):
    first, second = make(name, tile=32), make(name, tile=32)
    clip = frames(2)
    first.step(clip[0], {})
    second.restore(first.snapshot())
    assert torch.equal(second.step(clip[1], {}), first.step(clip[1], {}))


def test_the_decision_is_by_size_and_network_alone(monkeypatch):
    network = VTN(16)
    assert need(network, 1, 1080, 1920, None).tile is None
    large = need(network, 1, 2160, 3840, None)
    assert large.tile == memory.TILE
    assert large.painting < large.whole / 4
    assert need(network.half(), 1, 2160, 3840, None).tile is None
    assert need(network, 1, 2160, 3840, WHOLE).tile is None
    assert need(network, 1, 480, 854, 128).tile == 128
    assert need(network, 1, 100, 128, 128).tile is None


def test_a_mode_decides_for_itself_which_frames_are_too_large(make, monkeypatch):
    seen = []
    monkeypatch.setattr(memory, "LARGEST_WHOLE", 100_000)
    monkeypatch.setattr(memory, "TILE", 32)
    monkeypatch.setattr(tiled, "paint", lambda *a: seen.append(a[3]) or torch.zeros(1, 3, 40, 70))
    make("itn").step(frames(1)[0], {})
    assert seen == [32]


@pytest.mark.parametrize("name", MODES)
def test_a_mode_says_what_it_takes(make, name):
    mode = make(name)
    assert isinstance(mode, PredictableMode)
    small, large = mode.need(64, 64), mode.need(128, 128)
    assert large.painting == 4 * small.painting
    assert (mode.need(64, 64).remembered > 0) == (name == "vtn")


@pytest.mark.parametrize("network", [ITN, LSTM])
def test_tiles_take_less_the_smaller_they_are(network):
    sizes = [need(network(16), 1, 2160, 3840, side).painting for side in (1024, 512, 256, WHOLE)]
    assert sizes[2] < sizes[1] < sizes[0] < sizes[3]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_splits_the_frame_and_the_render_goes_on(make, monkeypatch, caplog, error):
    wanted = paint(make("vtn", tile=WHOLE))
    mode = make("vtn")
    whole, sides = TransformationBody.forward, []

    def little(network, x, *rest, **options):
        if x.shape[-1] >= 70:
            raise error
        return whole(network, x, *rest, **options)

    real = tiled.paint

    def counted(network, planes, mix, tile, fresh=None):
        sides.append(tile)
        if tile == 64:
            raise error
        return real(network, planes, mix, tile, fresh)

    monkeypatch.setattr(TransformationBody, "forward", little)
    monkeypatch.setattr(memory, "SMALLEST_TILE", 16)
    monkeypatch.setattr(tiled, "paint", counted)
    with caplog.at_level(logging.WARNING, "vst"):
        painted = paint(mode)
    torch.testing.assert_close(painted, wanted, atol=CLOSE, rtol=0)
    assert sides == [64, 32, 32, 32]
    assert [record.getMessage() for record in caplog.records] == [
        "the memory of cpu does not suffice to paint 70×40 whole: going on in tiles of 64 pixels",
        "the memory of cpu does not suffice to paint 70×40 in tiles of 64: going on in tiles of 32 pixels",
    ]


def test_other_errors_are_not_taken_for_a_lack_of_memory(make, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("expected 3 channels")

    monkeypatch.setattr(TransformationBody, "forward", broken)
    with pytest.raises(RuntimeError, match="expected 3 channels"):
        paint(make("itn"))
    assert not is_out_of_memory(ValueError("no"))


def test_who_asked_for_whole_frames_gets_none_in_tiles(make, monkeypatch):
    def little(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TransformationBody, "forward", little)
    with pytest.raises(torch.OutOfMemoryError):
        paint(make("itn", tile=WHOLE))


def test_splitting_ends_at_the_smallest_tile():
    assert smaller(None, 2160, 3840) == 512
    assert smaller(512, 2160, 3840) == 256
    assert smaller(300, 2160, 3840) == 256
    assert smaller(128, 2160, 3840) == 64
    assert smaller(64, 2160, 3840) is None
    assert smaller(None, 60, 60) is None
