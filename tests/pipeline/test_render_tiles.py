"""Renders in tiles, and the memory estimate before a render."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest
import torch

from vst.errors import UsageError, VstError
from vst.modes import create_stylizer
from vst.pipeline import memory_estimate as memory
from vst.pipeline import render, stylize
from vst.pipeline.memory_estimate import explained_memory
from vst.styles import resolve_style

CPU = torch.device("cpu")
CODE = 1 / 255


@pytest.fixture
def clip(exact_clip):
    random = np.random.default_rng(0)
    still = random.integers(0, 255, (72, 130, 3), dtype=np.uint8)
    return exact_clip("clip.mkv", [np.roll(still, shift, axis=1) for shift in range(3)])


@pytest.mark.parametrize("mode", ["vtn", "lstm"])
def test_a_clip_rendered_in_six_tiles_differs_by_one_code_value_at_most(
    clip, settings, images, tmp_path, mode
):
    whole = render(clip, settings(mode=mode, codec="ffv1", tile=0), tmp_path / "whole.mkv")
    tiled = render(clip, settings(mode=mode, codec="ffv1", tile=64), tmp_path / "tiled.mkv")
    difference = (images(whole.output) - images(tiled.output)).abs()
    assert difference.max() <= CODE * 1.01
    message = r"in tiles of 64 pixels, in about [1-9]\d* [KM]iB instead of [1-9]\d* [KM]iB;"
    assert any(re.search(message, note) for note in tiled.notes)
    assert not any("in tiles" in note for note in whole.notes)


def test_two_renders_in_tiles_are_equal_bit_for_bit(clip, settings, images, tmp_path):
    first = render(clip, settings(codec="ffv1", tile=64), tmp_path / "first.mkv")
    second = render(clip, settings(codec="ffv1", tile=64), tmp_path / "second.mkv")
    assert torch.equal(images(first.output), images(second.output))


def test_a_picture_in_memory_can_be_stylized_in_tiles(tiny_weights):
    image = torch.rand(3, 70, 130, generator=torch.Generator().manual_seed(0))
    whole = stylize(image, "red", precision="fp32", weights_dir=tiny_weights)
    tiled = stylize(image, "red", precision="fp32", weights_dir=tiny_weights, tile=64)
    torch.testing.assert_close(tiled, whole, atol=CODE, rtol=0)
    assert not torch.equal(tiled, whole)


@pytest.mark.parametrize("side", [-1, 9, 63, 20_000])
def test_tiles_that_are_too_small_or_too_large_are_refused(settings, side):
    with pytest.raises(UsageError, match=f"tile is {side}; expected 64 to 16384 pixels"):
        settings(tile=side)


def test_a_render_that_does_not_fit_into_memory_is_refused_before_writing(
    clip, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(memory, "free_memory", lambda device: 200 * 2**20)
    with pytest.raises(
        VstError, match=r"rendering 130×72 takes about 6\d\d MiB of main memory at least, and 200 MiB"
    ):
        render(clip, settings(), tmp_path / "out.mkv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mkv"]


def test_a_render_that_barely_fits_into_memory_gives_a_warning_of_one_line(
    clip, settings, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(memory, "free_memory", lambda device: 650 * 2**20)
    with caplog.at_level(logging.WARNING, "vst"):
        render(clip, settings(), tmp_path / "out.mkv")
    (line,) = [each.getMessage() for each in caplog.records if "memory" in each.getMessage()]
    message = r"rendering 130×72 takes about 6\d\d MiB of main memory, and 650 MiB are free"
    assert re.fullmatch(message, line)


def stylizer(mode, weights_dir, tile=None):
    return create_stylizer(resolve_style("red", mode, weights_dir=weights_dir), tile=tile)


def predicted(mode, size, working, device=CPU, **options):
    return memory.predict_memory(mode, device, size, working, **options)


def test_stylizing_takes_most_of_the_memory_of_a_large_frame_and_tiles_take_less(tiny_weights):
    uhd = (3840, 2160)
    whole, tiled = (predicted(stylizer("vtn", tiny_weights, tile=tile), uhd, uhd) for tile in (0, 512))
    assert whole.main - tiled.main == whole.network.without_tiles - tiled.network.peak > 0
    assert tiled.least < tiled.main
    small = predicted(stylizer("vtn", tiny_weights), uhd, (854, 480))
    assert small.main < tiled.main
    assert small.main > predicted(None, (854, 480), None).main


def test_a_short_clip_takes_less_memory_than_a_long_one_and_a_still_least(tiny_weights):
    mode = stylizer("vtn", tiny_weights)
    uhd = (3840, 2160)
    one, few, many, unknown = (predicted(mode, uhd, uhd, frames=n).main for n in (1, 5, 1000, None))
    assert one < few < many == unknown


def test_gpu_memory_and_main_memory_are_checked_separately(tiny_weights, monkeypatch):
    gpu = torch.device("cuda", 0)
    mode = stylizer("vtn", tiny_weights)
    prediction = predicted(mode, (1920, 1080), (1920, 1080), gpu)
    assert prediction.device == mode.memory(1920, 1080).peak
    free = {"cpu": 64 * 2**30, "cuda": 10 * 2**20}
    monkeypatch.setattr(memory, "free_memory", lambda device: free[device.type])
    with pytest.raises(VstError, match="of the memory of cuda:0 at least"):
        memory.check_memory(prediction, gpu, (1920, 1080), (1920, 1080))
    free["cuda"] = 64 * 2**30
    memory.check_memory(prediction, gpu, (1920, 1080), (1920, 1080))
    free["cpu"] = 2**20
    with pytest.raises(VstError, match="of main memory at least"):
        memory.check_memory(prediction, gpu, (1920, 1080), (1920, 1080))


def test_the_limit_of_a_container_is_counted_without_its_file_cache(tmp_path):
    assert memory._free_in_container(tmp_path) is None
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 200\n")
    assert memory._free_in_container(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory._free_in_container(tmp_path) == 500


def test_free_and_total_memory_are_read_where_linux_reports_them():
    free, total = memory.free_memory(CPU), memory.total_memory()
    assert free is None or free > 0
    assert total is None or total > 2**20


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError("Unable to allocate 9 GiB"),
    ],
)
def test_a_lack_of_memory_is_an_error_of_one_line_that_says_what_to_do(error):
    with pytest.raises(VstError, match=r"out of memory on cpu: .* --tile$"), explained_memory(CPU):
        raise error
    with pytest.raises(RuntimeError, match="another"), explained_memory(CPU):
        raise RuntimeError("another")
