"""Renders that do not reach their end: the reason comes out, and nothing is left behind."""

from __future__ import annotations

import contextlib
import errno
import gc
import threading
import weakref
from pathlib import Path

import av
import pytest
import torch
from clips import make_clip

import vst.render.job
from vst.errors import Interrupted, MediaError, VstError
from vst.media.reader import Reader
from vst.media.segments import SegmentEncoder
from vst.render import render


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Thirty frames, each on its own feet."""
    options = {"g": "1", "bf": "0", "crf": "20", "preset": "ultrafast"}
    return make_clip(tmp_path / "clip.mp4", frames=30, width=64, height=48, options=options)


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("*"))


class Failing:
    """A mode that gives up at one frame."""

    distances = ()

    def __init__(self, error: Exception | type[Exception], at: int = 3) -> None:
        self._error, self._at = error, at

    def reset(self) -> None:
        pass

    def step(self, frame, motions):
        if frame.index == self._at:
            raise self._error
        return frame.image


def use_mode(monkeypatch: pytest.MonkeyPatch, mode: Failing) -> None:
    monkeypatch.setattr(vst.render.job, "create_mode", lambda *_, **__: mode)


def test_a_stop_in_mid_render_ends_after_the_frame_under_way_and_leaves_nothing(tmp_path, clip, settings):
    stop = threading.Event()
    heard = []

    def progress(each):
        heard.append(each.frame)
        # By now the work folder lies beside the output.
        assert len(left(tmp_path)) > 1
        if each.frame == 5:
            stop.set()

    with pytest.raises(Interrupted, match="stopped after 5 frames") as stopped:
        render(clip, settings(), progress=progress, stop=stop)
    assert stopped.value.exit_code == 130
    assert heard == [1, 2, 3, 4, 5]
    assert left(tmp_path) == ["clip.mp4"]


def test_a_stop_that_comes_before_the_first_frame_counts_too(tmp_path, clip, settings):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match="stopped after 0 frames"):
        render(clip, settings(), stop=stop)
    assert left(tmp_path) == ["clip.mp4"]


def test_a_stop_leaves_an_older_output_as_it_was(tmp_path, clip, settings):
    output = tmp_path / "clip.red.mp4"
    output.write_bytes(b"the last render")
    stop = threading.Event()
    with pytest.raises(Interrupted):
        render(clip, settings(overwrite=True), progress=lambda each: stop.set(), stop=stop)
    assert output.read_bytes() == b"the last render"
    assert left(tmp_path) == ["clip.mp4", "clip.red.mp4"]


def test_a_disk_that_fills_up_ends_the_render_with_that_reason(tmp_path, clip, settings, monkeypatch):
    encode = SegmentEncoder.encode
    count = 0

    def full(self, frame):
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        encode(self, frame)

    monkeypatch.setattr(SegmentEncoder, "encode", full)
    painted = []
    with pytest.raises(MediaError, match=r"clip\.red\.mp4 could not be written: the disk is full"):
        render(clip, settings(mode="itn"), progress=lambda each: painted.append(each.frame))
    # It is not tried again, and no more is painted than was on its way.
    assert count == 4
    assert len(painted) < 12
    assert left(tmp_path) == ["clip.mp4"]


def test_a_disk_that_fills_up_at_the_very_end_leaves_nothing_under_the_final_name(
    tmp_path, clip, settings, monkeypatch
):
    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SegmentEncoder, "close", full)
    with pytest.raises(MediaError, match="the disk is full"):
        render(clip, settings(mode="itn"))
    assert left(tmp_path) == ["clip.mp4"]


def test_damage_in_mid_clip_ends_the_render_with_the_readers_error(tmp_path, clip, settings):
    with av.open(str(clip)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    with clip.open("r+b") as file:
        for position, size in places[10:]:
            file.seek(position)
            file.write(b"\xff" * size)
    with pytest.raises(MediaError, match=r"clip\.mp4 is damaged"):
        render(clip, settings())
    assert left(tmp_path) == ["clip.mp4"]


def test_an_error_while_reading_surfaces_as_it_was_raised(tmp_path, clip, settings, monkeypatch):
    frames = Reader.__iter__
    error = MediaError("the file went away")

    def some(self):
        for frame in frames(self):
            if frame.index == 8:
                raise error
            yield frame

    monkeypatch.setattr(Reader, "__iter__", some)
    with pytest.raises(MediaError) as raised:
        render(clip, settings())
    assert raised.value is error
    assert left(tmp_path) == ["clip.mp4"]


def test_a_mode_that_raises_ends_the_render_with_its_error(tmp_path, clip, settings, monkeypatch):
    error = ZeroDivisionError("paint")
    use_mode(monkeypatch, Failing(error))
    with pytest.raises(ZeroDivisionError) as raised:
        render(clip, settings())
    assert raised.value is error
    assert left(tmp_path) == ["clip.mp4"]


def test_memory_that_does_not_suffice_is_said_with_what_to_do(tmp_path, clip, settings, monkeypatch):
    use_mode(monkeypatch, Failing(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")))
    with pytest.raises(VstError, match=r"the memory of cpu does not suffice.*--size"):
        render(clip, settings())
    assert left(tmp_path) == ["clip.mp4"]


def test_motion_that_cannot_be_estimated_ends_the_render_with_its_error(
    tmp_path, clip, settings, monkeypatch
):
    class Broken:
        name = "broken"

        def prepare(self, image):
            raise VstError("no flow today")

    monkeypatch.setattr(vst.render.job, "create_estimator", lambda name, **options: Broken())
    with pytest.raises(VstError, match="no flow today"):
        render(clip, settings())
    assert left(tmp_path) == ["clip.mp4"]


@pytest.mark.parametrize("error", [BrokenPipeError, KeyboardInterrupt])
def test_a_progress_callback_that_raises_ends_the_render_with_its_error(tmp_path, clip, settings, error):
    def progress(each):
        raise error

    with pytest.raises(error):
        render(clip, settings(mode="itn"), progress=progress)
    assert left(tmp_path) == ["clip.mp4"]


@pytest.mark.parametrize("where", ["read", "paint", "write"])
def test_a_render_that_failed_keeps_no_pictures_in_memory(clip, settings, monkeypatch, where):
    images = []

    def watch(self):
        for frame in read(self):
            images.append(weakref.ref(frame.image))
            yield frame
            if where == "read" and frame.index == 9:
                raise MediaError("the file went away")

    def full(self, frame):
        raise OSError(errno.ENOSPC, "No space left on device")

    read = Reader.__iter__
    monkeypatch.setattr(Reader, "__iter__", watch)
    if where == "paint":
        use_mode(monkeypatch, Failing(MediaError))
    if where == "write":
        monkeypatch.setattr(SegmentEncoder, "encode", full)
    # The collector would find them, but only after some time, and others would have to do without.
    gc.disable()
    try:
        with contextlib.suppress(MediaError):
            render(clip, settings())
            pytest.fail("it did not fail")
        assert len(images) > 3
        assert [each for each in images if each() is not None] == []
    finally:
        gc.enable()
