"""Renders that fail or are stopped: the error gives the reason, and no files are left."""

from __future__ import annotations

import contextlib
import errno
import gc
import threading
import weakref
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from clips import Sound, make_clip, packets

import vst.motion.source
import vst.pipeline.job
from tests.stylizers import Copy
from vst.batch import run
from vst.errors import CutShort, Interrupted, MediaError, UsageError, VstError
from vst.media.decode.decoded_frame import DecodedFrame
from vst.media.decode.reader import Reader
from vst.media.segments.encoder import SegmentEncoder
from vst.pipeline import FlowSettings, follow_motion, render


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Thirty frames, all of them intra-coded."""
    options = {"g": "1", "bf": "0", "crf": "20", "preset": "ultrafast"}
    return make_clip(tmp_path / "clip.mp4", frames=30, width=64, height=48, options=options)


def files_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("*"))


class Failing(Copy):
    """A stylizer that raises an error at one frame."""

    def __init__(self, error: Exception | type[Exception], at: int = 3) -> None:
        super().__init__()
        self._error, self._at = error, at

    def output(self, frame):
        if frame.index == self._at:
            raise self._error
        return frame.image


def use_stylizer(monkeypatch: pytest.MonkeyPatch, stylizer: Failing) -> None:
    monkeypatch.setattr(vst.pipeline.open_session, "create_stylizer", lambda *_, **__: stylizer)


def test_a_stop_ends_the_render_after_the_current_frame_and_leaves_no_files(tmp_path, clip, settings):
    stop = threading.Event()
    reported = []

    def progress(each):
        reported.append(each.frame)
        # The work folder exists beside the output.
        assert len(files_in(tmp_path)) > 1
        if each.frame == 5:
            stop.set()

    with pytest.raises(Interrupted, match="stopped after 5 frames") as stopped:
        render(clip, settings(), progress=progress, stop=stop)
    assert stopped.value.exit_code == 130
    assert reported == [1, 2, 3, 4, 5]
    assert files_in(tmp_path) == ["clip.mp4"]


def test_a_stop_before_the_first_frame_ends_the_render(tmp_path, clip, settings):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match="stopped after 0 frames"):
        render(clip, settings(), stop=stop)
    assert files_in(tmp_path) == ["clip.mp4"]


def test_a_stop_keeps_an_earlier_output(tmp_path, clip, settings):
    output = tmp_path / "clip.red.mp4"
    output.write_bytes(b"the last render")
    stop = threading.Event()
    with pytest.raises(Interrupted):
        render(clip, settings(overwrite=True), progress=lambda each: stop.set(), stop=stop)
    assert output.read_bytes() == b"the last render"
    assert files_in(tmp_path) == ["clip.mp4", "clip.red.mp4"]


def test_a_full_disk_ends_the_render_with_that_reason(tmp_path, clip, settings, disk):
    disk.full_at = 4
    stylized = []
    with pytest.raises(MediaError, match=r"clip\.red\.mp4 could not be written: the disk is full"):
        render(clip, settings(mode="itn"), progress=lambda each: stylized.append(each.frame))
    # Writing is not tried again, and only frames in the queues are stylized.
    assert disk.frames == 4
    assert len(stylized) < 12
    assert files_in(tmp_path) == ["clip.mp4"]


def test_a_disk_that_fills_up_at_the_end_leaves_no_output(tmp_path, clip, settings, monkeypatch):
    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SegmentEncoder, "close", full)
    with pytest.raises(MediaError, match="the disk is full"):
        render(clip, settings(mode="itn"))
    assert files_in(tmp_path) == ["clip.mp4"]


def damage_from(clip: Path, frame: int) -> None:
    """Overwrite the packets of all frames from one on."""
    with av.open(str(clip)) as container:
        packets_in_file = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    with clip.open("r+b") as file:
        for position, size in packets_in_file[frame:]:
            file.seek(position)
            file.write(b"\xff" * size)


# The last frame of vtn is a keyframe, which is another one where the clip ends sooner.
@pytest.mark.parametrize(("mode", "same"), [("itn", 10), ("vtn", 9)])
def test_the_frames_before_damage_are_written_as_incomplete(tmp_path, clip, settings, mode, same):
    options, out = settings(codec="ffv1", mode=mode), tmp_path / "out"
    out.mkdir()
    whole = render(clip, options, tmp_path / "whole.mkv").output
    damage_from(clip, 10)
    for name in ("o.incomplete.mkv", "o-2.incomplete.mkv"):
        with pytest.raises(CutShort, match=r"11 frames in a row .*more than 10, --max-d") as caught:
            render(clip, options, out / "o.mkv")
        assert str(caught.value).endswith(f"; the 10 frames before that are in {out / name}")
        with Reader(out / name) as reader, Reader(whole) as complete:
            pairs = list(zip(reader, complete, strict=False))
        assert len(pairs) == 10
        assert all(torch.equal(good.image, frame.image) for good, frame in pairs[:same])
    assert files_in(out) == ["o-2.incomplete.mkv", "o.incomplete.mkv"]


def test_recorded_flow_of_more_frames_than_there_are_before_damage_is_used(tmp_path, clip, settings):
    follow_motion(clip, FlowSettings(device="cpu"), folder=tmp_path / "flow")
    damage_from(clip, 10)
    options = settings(mode="vtn", flow=f"file:{tmp_path / 'flow'}")
    with pytest.raises(CutShort, match=r"; the 10 frames before that are in .*o\.incomplete\.mp4"):
        render(clip, options, tmp_path / "o.mp4")


def test_a_repeated_batch_leaves_one_incomplete_file_of_a_damaged_clip(tmp_path, clip, settings):
    damage_from(clip, 3)
    (tmp_path / "in").mkdir()
    clip.rename(tmp_path / "in" / clip.name)
    part = tmp_path / "out" / "clip.incomplete.mp4"
    for threads in (1, 2):
        (result,) = run(tmp_path / "in", part.parent, settings(mode="itn", threads=threads))
        assert result.message.endswith(f"; the 3 frames before that are in {part}")
        assert files_in(part.parent) == [".vst-batch.json", part.name]


def test_sound_ends_with_the_last_frame_before_damage(tmp_path, settings):
    options = {"g": "1", "bf": "0", "crf": "20", "preset": "ultrafast"}
    sound = [Sound(seconds=1.2)]
    clip = make_clip(tmp_path / "c.mp4", frames=30, options=options, sound=sound)
    damage_from(clip, 10)
    with pytest.raises(CutShort):
        render(clip, settings(strength=0), tmp_path / "o.mp4")
    (last, _), *_ = reversed(packets(tmp_path / "o.incomplete.mp4", "audio"))
    assert last < Fraction(11, 25)


def test_pictures_before_damage_keep_their_names(tmp_path, clip, settings):
    damage_from(clip, 3)
    with pytest.raises(CutShort, match=r"the 3 frames before that are in .*%02d\.png"):
        render(clip, settings(mode="itn"), tmp_path / "out" / "%02d.png")
    assert files_in(tmp_path / "out") == ["01.png", "02.png", "03.png"]


def test_damaged_frames_up_to_max_damaged_are_replaced(tmp_path, clip, settings):
    damage_from(clip, 10)
    report = render(clip, settings(mode="itn", max_damaged=20))
    assert report.frames == 30
    assert any("20 damaged frames were replaced" in note for note in report.notes)
    with pytest.raises(UsageError, match="max damaged is -1"):
        settings(max_damaged=-1)


def test_a_clip_without_a_good_frame_leaves_no_files(tmp_path, clip, settings):
    reader = Reader(clip)
    damage_from(clip, 0)
    with pytest.raises(MediaError, match="no frame that can be decoded"):
        render(clip, settings())
    assert reader.info.frames == 30
    assert files_in(tmp_path) == ["clip.mp4"]


def test_a_second_render_to_the_same_output_is_refused(tmp_path, clip, settings):
    refused = []

    def second(each):
        if each.frame == 5:
            with pytest.raises(
                MediaError, match=r"clip\.red\.mp4 is being written by another render"
            ) as caught:
                render(clip, settings(mode="itn", overwrite=True))
            refused.append(caught.value)

    report = render(clip, settings(mode="itn"), progress=second)
    assert len(refused) == 1
    assert report.frames == 30
    assert files_in(tmp_path) == ["clip.mp4", "clip.red.mp4"]


def test_a_nearly_full_disk_pauses_a_render_until_space_is_free(
    tmp_path, clip, settings, monkeypatch, caplog
):
    free = disk_with(monkeypatch, 10**9)

    def progress(each):
        if each.frame == 3:
            free[0] = 10**6

    class Stop(threading.Event):
        waits = 0

        def wait(self, timeout=None):
            self.waits += 1
            if self.waits == 3:
                free[0] = 10**9
            return False

    report = render(clip, settings(mode="itn"), progress=progress, stop=Stop())
    assert report.frames == 30
    name = "vst.media.segments.disk_space"
    messages = [record.getMessage() for record in caplog.records if record.name == name]
    assert messages[0].startswith(f"paused: 977 KiB are free in {tmp_path}, 256 MiB are needed; continues")
    assert messages[1:] == ["enough free disk space: continuing"]


def test_a_stop_ends_the_pause(tmp_path, clip, settings, monkeypatch):
    free, stop = disk_with(monkeypatch, 10**9), threading.Event()

    def progress(each):
        if each.frame == 3:
            free[0] = 10**6
            threading.Timer(0.3, stop.set).start()

    with pytest.raises(Interrupted, match="stopped"):
        render(clip, settings(mode="itn"), progress=progress, stop=stop)
    assert files_in(tmp_path) == ["clip.mp4"]


def test_a_render_on_a_full_disk_is_refused_unless_min_free_allows_it(
    tmp_path, clip, settings, monkeypatch
):
    disk_with(monkeypatch, 100 * 2**20)
    with pytest.raises(MediaError, match=r"100 MiB are free in .*, 256 MiB are needed: .*--min-free"):
        render(clip, settings(mode="itn"))
    assert files_in(tmp_path) == ["clip.mp4"]
    assert render(clip, settings(mode="itn", min_free=0)).frames == 30
    with pytest.raises(UsageError, match="min free is -1"):
        settings(min_free=-1)


def disk_with(monkeypatch: pytest.MonkeyPatch, free: int) -> list[int]:
    """Make every disk report this many free bytes, checked at every frame."""
    now = [free]
    monkeypatch.setattr("vst.media.segments.disk_space._CHECK_INTERVAL", 0.0)
    monkeypatch.setattr("vst.media.segments.disk_space._free", lambda folder: now[0])
    return now


def test_an_error_while_reading_is_raised_unchanged(tmp_path, clip, settings, monkeypatch):
    frames = Reader.decoded
    error = MediaError("the file went away")

    def some(self):
        for frame in frames(self):
            if frame.index == 8:
                raise error
            yield frame

    monkeypatch.setattr(Reader, "decoded", some)
    with pytest.raises(MediaError) as raised:
        render(clip, settings())
    assert raised.value is error
    assert files_in(tmp_path) == ["clip.mp4"]


def test_an_error_of_a_mode_is_raised_unchanged(tmp_path, clip, settings, monkeypatch):
    error = ZeroDivisionError("stylize")
    use_stylizer(monkeypatch, Failing(error))
    with pytest.raises(ZeroDivisionError) as raised:
        render(clip, settings())
    assert raised.value is error
    assert files_in(tmp_path) == ["clip.mp4"]


def test_a_lack_of_memory_is_an_error_that_says_what_to_do(tmp_path, clip, settings, monkeypatch):
    use_stylizer(monkeypatch, Failing(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")))
    with pytest.raises(VstError, match=r"out of memory on cpu.*--size"):
        render(clip, settings())
    assert files_in(tmp_path) == ["clip.mp4"]


def test_an_error_of_motion_estimation_is_raised_unchanged(tmp_path, clip, settings, monkeypatch):
    class Broken:
        name = "broken"

        def prepare(self, image):
            raise VstError("no flow today")

    monkeypatch.setattr(vst.motion.source, "create_estimator", lambda name, **options: Broken())
    with pytest.raises(VstError, match="no flow today"):
        render(clip, settings())
    assert files_in(tmp_path) == ["clip.mp4"]


@pytest.mark.parametrize("error", [BrokenPipeError, KeyboardInterrupt])
def test_an_error_of_the_progress_callback_is_raised_unchanged(tmp_path, clip, settings, error):
    def progress(each):
        raise error

    with pytest.raises(error):
        render(clip, settings(mode="itn"), progress=progress)
    assert files_in(tmp_path) == ["clip.mp4"]


@pytest.mark.parametrize("where", ["read", "stylize", "write"])
def test_a_failed_render_keeps_no_frames_in_memory(clip, settings, monkeypatch, disk, where):
    kept = []

    def watch(self):
        for frame in read(self):
            kept.append(weakref.ref(frame.image))
            yield frame
            if where == "read" and frame.index == 9:
                raise MediaError("the file went away")

    def convert_and_watch(self):
        frame = convert(self)
        kept.append(weakref.ref(frame.image))
        return frame

    read, convert = Reader.decoded, DecodedFrame.convert
    monkeypatch.setattr(Reader, "decoded", watch)
    monkeypatch.setattr(DecodedFrame, "convert", convert_and_watch)
    if where == "stylize":
        use_stylizer(monkeypatch, Failing(MediaError))
    if where == "write":
        disk.full_at = 1
    # Without the garbage collector, which would free them too late.
    gc.disable()
    try:
        with contextlib.suppress(MediaError):
            render(clip, settings())
            pytest.fail("the render did not fail")
        assert len(kept) > 3
        assert [each for each in kept if each() is not None] == []
    finally:
        gc.enable()
