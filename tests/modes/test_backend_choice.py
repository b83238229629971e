"""The quickest backend is found once and remembered; what cannot be used is replaced by torch."""

from __future__ import annotations

import dataclasses
import logging
import math
from fractions import Fraction

import pytest
import torch

from tests import fake_backend
from vst import disk_cache
from vst.errors import VstError
from vst.frame import Frame
from vst.modes import backend_choice, backend_of, create_stylizer
from vst.modes.backend_choice import CACHE, LEAST_FRAMES, BackendRequest, Timing
from vst.nn.backends import BACKENDS, BackendEntry
from vst.styles import resolve_style

SIZE = (70, 40)
LONG = BackendRequest("auto", SIZE, 10_000)
FRAME = Frame(
    0, Fraction(0), Fraction(1, 25), torch.rand(3, 40, 70, generator=torch.Generator().manual_seed(1))
)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    return tmp_path / "vst" / CACHE


@pytest.fixture
def fake(monkeypatch):
    return fake_backend.install(monkeypatch)


@pytest.fixture
def make(tiny_weights):
    def stylizer(request, mode="itn", **options):
        style = resolve_style("red", mode, weights_dir=tiny_weights)
        return create_stylizer(style, backend=request, **options)

    return stylizer


@pytest.fixture
def measured(monkeypatch):
    """Times come from here; the measurements that were made."""
    made = []
    timing = Timing(0.2, 0.1, 1.0)

    def measure(name, planes, *_):
        made.append((name, tuple(planes.shape)))
        return measured.timing

    monkeypatch.setattr(backend_choice, "measure", measure)
    measured = type("Measured", (), {"made": made, "timing": timing})
    return measured


def test_a_quicker_backend_is_chosen_and_remembered(make, fake, measured):
    first, second = make(LONG), make(LONG)
    assert measured.made == [("openvino", (1, 3, 40, 70))]
    assert backend_of(first) == backend_of(second)
    assert backend_of(first).name == "openvino"
    assert backend_of(first).note.endswith(": 100 ms a frame, 200 on torch")
    calls = fake.calls
    second.stylize(FRAME, None)
    assert fake.calls == calls + 1


def test_the_picture_is_that_of_the_backend(make, fake, measured):
    fake.shift = 0.01
    apart = make(LONG).stylize(FRAME, None) - make(BackendRequest()).stylize(FRAME, None)
    torch.testing.assert_close(apart, torch.full_like(apart, 0.01), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("timing", "times"),
    [(Timing(0.1, 0.2, 0), 1), (Timing(0.1, 0.099, 0), 1), (Timing(1, math.inf, 0), 2)],
)
def test_a_backend_that_is_no_quicker_is_not_used(make, fake, measured, timing, times):
    measured.timing = timing
    for _ in range(2):
        choice = backend_of(make(LONG))
        assert (choice.name, choice.version) == ("torch", "")
        assert (choice.note is None) == math.isinf(timing.other)
    assert len(measured.made) == times  # a failure is not remembered


def test_a_short_clip_is_not_timed_but_what_is_remembered_counts(make, fake, measured):
    short = dataclasses.replace(LONG, frames=LEAST_FRAMES - 1)
    assert backend_of(make(short)).name == "torch"
    assert measured.made == []
    make(LONG)
    assert backend_of(make(short)).name == "openvino"
    # The start takes a second, and ten frames win it back.
    assert backend_of(make(dataclasses.replace(LONG, frames=9))).name == "torch"
    assert backend_of(make(dataclasses.replace(LONG, frames=None))).name == "openvino"


@pytest.mark.parametrize(
    "change",
    [
        {"size": (72, 40)},
        {"mode": "vtn"},
        {"precision": torch.bfloat16},
        {"threads": 1},
    ],
)
def test_another_size_network_precision_or_number_of_threads_is_timed_anew(make, fake, measured, change):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        make(LONG)
        torch.set_num_threads(change.pop("threads", 2))
        make(dataclasses.replace(LONG, size=change.pop("size", SIZE)), **change)
    finally:
        torch.set_num_threads(threads)
    assert len(measured.made) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"torch": "x", "other": 1, "start": 0}'])
def test_a_damaged_entry_is_measured_anew(make, fake, measured, cache, content):
    make(LONG)
    (entry,) = (each.name for each in cache.iterdir() if each.suffix == ".json")
    disk_cache.write(CACHE, entry, content)
    make(LONG)
    assert len(measured.made) == 2


def test_what_an_earlier_run_chose_is_taken_over_untimed(make, fake, measured):
    for name in ("torch", "openvino"):
        assert backend_of(make(dataclasses.replace(LONG, recorded=name))).name == name
    assert measured.made == []
    assert backend_of(make(BackendRequest("torch", SIZE, None, "openvino"))).name == "torch"


def test_measuring_times_both_and_counts_the_start(make, fake, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(backend_choice.time, "monotonic", lambda: float(next(clock)))
    make(LONG)
    # Opening and two pictures, then each backend three times; every reading of the clock is a second later.
    (entry,) = (
        each.name
        for each in disk_cache.cache_folder(CACHE).iterdir()  # type: ignore[union-attr]
        if each.suffix == ".json"
    )
    assert backend_choice._read(entry) == Timing(1.0, 1.0, 0.0)
    assert fake.calls == 4


def test_with_no_other_backend_nothing_is_timed(make, monkeypatch, measured, cache):
    monkeypatch.setitem(BACKENDS, "openvino", BackendEntry("openvino", "", "no_such_package"))
    assert backend_of(make(LONG)) == backend_choice.BackendChoice()
    assert not cache.exists()


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda fake: setattr(fake, "shift", 0.02), "its pictures are 2.5/255 from torch's"),
        (lambda fake: setattr(fake, "shift", math.nan), "its pictures are nan/255 from torch's"),
        (lambda fake: setattr(fake, "fails_at", 1), "no reason"),
        (lambda fake: setattr(fake, "__init__", lambda *_: 1 / 0), "division by zero"),
    ],
)
@pytest.mark.parametrize("name", ["openvino", "auto"])
def test_a_backend_that_fails_before_the_first_frame_is_replaced(
    make, fake, caplog, name, break_it, reason
):
    break_it(fake)
    with caplog.at_level(logging.INFO, "vst"):
        stylizer = make(dataclasses.replace(LONG, name=name))
    assert backend_of(stylizer).name == "torch"
    found = [each.levelname for each in caplog.records if reason in each.getMessage()]
    assert found == ["WARNING" if name == "openvino" else "INFO"]
    expected = make(BackendRequest()).stylize(FRAME, None)
    assert torch.equal(stylizer.stylize(FRAME, None), expected)
    if name == "openvino":
        assert reason in backend_of(stylizer).note


def test_a_backend_that_fails_later_stops_with_what_to_do(make, fake):
    stylizer = make(BackendRequest("openvino", SIZE))
    fake.fails_at = fake.calls + 2
    stylizer.stylize(FRAME, None)
    with pytest.raises(VstError, match=r"failed \(no reason\): use --backend torch"):
        stylizer.stylize(FRAME, None)


@pytest.mark.parametrize("name", ["openvino", "auto"])
def test_frames_in_tiles_are_left_to_torch(make, fake, measured, caplog, name):
    request = dataclasses.replace(LONG, name=name)
    tiled = make(request, tile=32)
    assert backend_of(tiled).name == "torch"
    assert (fake.opened, measured.made) == (0, [])
    assert len(caplog.records) == (name == "openvino")
    assert torch.equal(tiled.stylize(FRAME, None), make(BackendRequest(), tile=32).stylize(FRAME, None))


@pytest.mark.parametrize("name", ["openvino", "auto"])
def test_a_mode_that_runs_its_network_itself_stays_on_torch(make, fake, measured, caplog, name):
    stylizer = make(dataclasses.replace(LONG, name=name), "lstm")
    assert (backend_of(stylizer).name, fake.opened, measured.made) == ("torch", 0, [])
    assert [each.getMessage() for each in caplog.records] == (
        ["mode lstm runs on torch: it takes no other backend"] if name == "openvino" else []
    )


def test_frames_of_other_sizes_than_the_one_tried_are_taken(make, fake):
    stylizer = make(BackendRequest("openvino", SIZE))
    small = dataclasses.replace(FRAME, image=FRAME.image[:, :20, :30])
    expected = make(BackendRequest()).stylize(small, None)
    assert torch.equal(stylizer.stylize(small, None), expected)


def test_when_a_backend_runs_out_of_memory_torch_goes_on_in_tiles(make, fake, monkeypatch):
    stylizer = make(BackendRequest("openvino", (140, 100)))
    wide = dataclasses.replace(FRAME, image=torch.rand(3, 100, 140))

    def little(*_):
        raise MemoryError

    monkeypatch.setattr(fake, "__call__", little)
    expected = make(BackendRequest()).stylize(wide, None)
    torch.testing.assert_close(stylizer.stylize(wide, None), expected, atol=1 / 510, rtol=0)
