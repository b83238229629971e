"""A resumed render gives the file of an uninterrupted one; damaged and foreign files are not used."""

from __future__ import annotations

import errno
import json
import os
import pickle
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import torch

import vst.pipeline.fingerprint
import vst.pipeline.job
from tests.pipeline.scenes import scenes
from vst.batch import FileState, run
from vst.errors import Interrupted, MediaError, UsageError
from vst.media.segments.work_folder import DESCRIPTION
from vst.pipeline import render
from vst.pipeline.snapshot_file import load_snapshot, save_snapshot


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit segments to four frames."""
    monkeypatch.setattr(vst.pipeline.job, "MAX_SEGMENT_FRAMES", 4)


@pytest.fixture
def clip(exact_clip) -> Path:
    """26 frames, shots from frames 0, 11 and 20, so segments from 0, 4, 8, 11, 15, 19, 20 and 24."""
    return exact_clip("clip.mkv", scenes())


Stopped = Callable[..., Path]


@pytest.fixture
def stopped(clip, settings, tmp_path) -> Stopped:
    """Stops a render after a frame, and returns its work folder."""

    def stop_at(frame: int, output: Path | None = None, **options: object) -> Path:
        stop = threading.Event()
        output = output or tmp_path / "out.mp4"
        with pytest.raises(Interrupted, match="the same command goes on after them"):
            render(
                clip,
                settings(**options),
                output,
                progress=lambda each: stop.set() if each.frame == frame else None,
                stop=stop,
            )
        assert not output.exists()
        return output.with_name(f".{output.name}.vst-work")

    return stop_at


@pytest.mark.parametrize(
    ("mode", "interval"), [("vtn", 1), ("vtn", 3), ("vtn", 0), ("lstm", 1), ("itn", 1), ("itn", 5)]
)
@pytest.mark.parametrize("frame", [4, 9, 12, 21, 26])
def test_a_resumed_render_gives_the_file_of_an_uninterrupted_one(
    clip, settings, stopped, tmp_path, mode, interval, frame
):
    options = {"mode": mode, "keyframe_interval": interval}
    whole = render(clip, settings(**options), tmp_path / "whole.mp4")
    stopped(frame, **options) if frame < 26 else None
    reports = []
    again = render(clip, settings(**options), tmp_path / "out.mp4", progress=reports.append)
    kept = {4: 4, 9: 8, 12: 11, 21: 20, 26: 0}[frame]
    assert (again.frames, again.shots, again.resumed) == (26, 3, kept)
    assert [each.frame for each in reports] == list(range(kept + 1, 27))
    assert again.output.read_bytes() == whole.output.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clip.mkv", "out.mp4", "whole.mp4"]


def test_a_frame_range_can_be_resumed(clip, settings, stopped, tmp_path):
    options = {"start": "8f", "end": "24f"}
    whole = render(clip, settings(**options), tmp_path / "whole.mp4")
    stopped(10, **options)
    again = render(clip, settings(**options), tmp_path / "out.mp4")
    assert again.resumed == 7
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_an_image_sequence_can_be_resumed(clip, settings, stopped, tmp_path):
    whole = render(clip, settings(), tmp_path / "whole" / "%03d.png")
    stopped(10, tmp_path / "out" / "%03d.png")
    again = render(clip, settings(), tmp_path / "out" / "%03d.png")
    assert again.resumed == 8
    names = sorted(os.listdir(tmp_path / "whole"))
    assert sorted(os.listdir(tmp_path / "out")) == names
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert again.shots == whole.shots == 3


def test_an_image_sequence_that_was_moved_in_part_is_completed_without_rendering(
    clip, settings, tmp_path, monkeypatch
):
    move, count = os.replace, 0

    def crash(source, target):
        nonlocal count
        count += Path(target).suffix == ".png"
        if count == 7:
            raise OSError(errno.EIO, "Input/output error")
        move(source, target)

    monkeypatch.setattr(os, "replace", crash)
    pattern = tmp_path / "out" / "%03d.png"
    with pytest.raises(MediaError, match="26 frames are kept"):
        render(clip, settings(mode="itn"), pattern)
    monkeypatch.setattr(os, "replace", move)
    assert len(list((tmp_path / "out").glob("0*.png"))) == 6
    # A render with other settings must not use these files.
    with pytest.raises(UsageError, match="--style was red and is blue"):
        render(clip, settings(mode="itn", style="blue"), pattern)
    with pytest.raises(MediaError, match="exists already"):
        render(clip, settings(mode="itn", style="blue", resume=False), pattern)
    reports = []
    report = render(clip, settings(mode="itn"), pattern, progress=reports.append)
    assert (reports, report.frames, report.resumed) == ([], 26, 26)
    assert sorted(os.listdir(tmp_path / "out")) == [f"{n:03d}.png" for n in range(1, 27)]


def test_nothing_is_rendered_again_if_only_joining_the_segments_failed(
    clip, settings, tmp_path, monkeypatch
):
    whole = render(clip, settings(), tmp_path / "whole.mp4")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vst.media.encode.video_writer.join", full)
        with pytest.raises(MediaError, match=r"the disk is full.*26 frames are kept"):
            render(clip, settings(), tmp_path / "out.mp4")
    reports = []
    again = render(clip, settings(), tmp_path / "out.mp4", progress=reports.append)
    assert (reports, again.frames, again.shots, again.resumed) == ([], 26, 3, 26)
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_a_full_disk_keeps_the_finished_segments(clip, settings, tmp_path, disk):
    disk.full_at = 14
    with pytest.raises(MediaError, match=r"the disk is full.*11 frames are kept"):
        render(clip, settings(mode="itn"), tmp_path / "out.mp4")
    disk.full_at = None
    assert render(clip, settings(mode="itn"), tmp_path / "out.mp4").resumed == 11


# Changes since the interruption


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"style": "blue"}, "--style was red and is blue"),
        ({"crf": 30, "strength": 0.5}, "--crf was not given and is 30; --strength was 1.0 and is 0.5"),
        ({"start": "2f"}, "--start was not given and is 2f"),
        ({"flow": "dis-fast"}, "--flow was dis and is dis-fast"),
        ({"threads": 2}, "--threads was 1 and is 2"),
        ({"precision": "bf16"}, "--precision was fp32 and is bf16"),
    ],
)
def test_changed_settings_are_refused_by_name_and_the_segments_are_kept(
    clip, settings, stopped, tmp_path, options, named
):
    stopped(13)
    with pytest.raises(UsageError) as refused:
        render(clip, settings(**options), tmp_path / "out.mp4")
    message = str(refused.value)
    assert "out.mp4 was stopped after 11 frames, and now" in message
    assert named in message
    assert "--no-resume" in message
    assert "\n" not in message
    assert render(clip, settings(), tmp_path / "out.mp4").resumed == 11


def test_settings_that_do_not_change_frames_may_differ(clip, settings, stopped, tmp_path):
    stopped(13)
    report = render(clip, settings(min_free=1, overwrite=True, quality="fast"), tmp_path / "out.mp4")
    assert report.resumed == 11


def test_no_resume_starts_anew(clip, settings, stopped, tmp_path):
    stopped(13)
    reports = []
    report = render(
        clip,
        settings(style="blue", mode="itn", resume=False),
        tmp_path / "out.mp4",
        progress=reports.append,
    )
    assert (len(reports), report.resumed) == (26, 0)
    assert any(
        note.startswith("removed, left over from an earlier run: render.json") for note in report.notes
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clip.mkv", "out.mp4"]


def test_a_changed_clip_is_refused(clip, settings, stopped, tmp_path):
    stopped(13)
    os.utime(clip, ns=(1, 1))
    with pytest.raises(UsageError, match="and now the clip has changed: restore that"):
        render(clip, settings(), tmp_path / "out.mp4")


def test_changed_weights_are_refused(clip, settings, stopped, tmp_path, monkeypatch):
    stopped(13)
    monkeypatch.setattr(vst.pipeline.fingerprint, "file_digest", lambda path: "others")
    with pytest.raises(UsageError, match="and now the weights have changed"):
        render(clip, settings(), tmp_path / "out.mp4")


def test_another_version_of_vst_is_refused(clip, settings, stopped, tmp_path, monkeypatch):
    stopped(13)
    monkeypatch.setattr(vst, "__version__", "9.9")
    with pytest.raises(UsageError, match=r"vst was 0\.1\.0 and is 9\.9"):
        render(clip, settings(), tmp_path / "out.mp4")


def test_settings_may_differ_if_no_segment_is_finished(clip, settings, tmp_path):
    stop = threading.Event()
    with pytest.raises(Interrupted, match="no output was written"):
        render(clip, settings(), tmp_path / "out.mp4", progress=lambda each: stop.set(), stop=stop)
    assert render(clip, settings(style="blue", mode="itn"), tmp_path / "out.mp4").resumed == 0


# Damaged work folders


def flip(path: Path) -> None:
    """Flip a bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "resumed"),
    [
        (lambda work: flip(work / "segment-00003.video"), 11),
        (lambda work: flip(work / "segment-00001.video"), 4),
        (lambda work: (work / "segment-00002.json").write_text("{"), 8),
        (lambda work: (work / "segment-00002.json").unlink(), 8),
        (lambda work: flip(work / "segment-00003.safetensors"), 15),
        (lambda work: (work / "segment-00003.safetensors").unlink(), 15),
        (lambda work: (work / DESCRIPTION).write_text('{"format": 1, "render": {}}'), 0),
        (lambda work: (work / DESCRIPTION).unlink(), 0),
        (lambda work: (work / "segment-00004.video").write_bytes(b"unfinished"), 15),
        (lambda work: (work / "segment-00004.json").write_text("[1, 2]"), 15),
    ],
)
def test_damaged_and_unfinished_segments_are_rendered_again(
    clip, settings, stopped, tmp_path, damage, resumed
):
    whole = render(clip, settings(), tmp_path / "whole.mp4")
    work = stopped(18)
    assert (work / "segment-00003.safetensors").exists()
    assert not (work / "segment-00001.safetensors").exists()
    damage(work)
    again = render(clip, settings(), tmp_path / "out.mp4")
    assert again.resumed == resumed
    assert again.output.read_bytes() == whole.output.read_bytes()


def test_left_over_files_are_named_and_removed(clip, settings, stopped, tmp_path):
    work = stopped(13)
    (work / "segment-00003.video").write_bytes(b"unfinished")
    (work / "notes.txt").write_text("a file of the user")
    report = render(clip, settings(), tmp_path / "out.mp4")
    assert "11 frames were finished by an earlier run" in report.notes
    assert "removed, left over from an earlier run: notes.txt, segment-00003.video" in report.notes
    assert not work.exists()


class Trap:
    """Creates a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._folder),)


def test_a_snapshot_that_is_a_pickle_is_never_opened(clip, settings, stopped, tmp_path):
    whole = render(clip, settings(), tmp_path / "whole.mp4")
    work = stopped(16)
    trap = pickle.dumps(Trap(tmp_path / "unpickled"))
    (work / "segment-00003.safetensors").write_bytes(trap)
    record = work / "segment-00003.json"
    content = json.loads(record.read_text())
    content["state"] = [content["state"][0], len(trap), sha256(trap).hexdigest()]
    record.write_text(json.dumps(content))
    again = render(clip, settings(), tmp_path / "out.mp4")
    assert again.resumed == 15
    assert again.output.read_bytes() == whole.output.read_bytes()
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "tensors",
    [
        (),
        (torch.rand(3, 4, 5), torch.rand(2, 3).half(), torch.empty(0)),
        (torch.rand(1, 3, 6, 8).contiguous(memory_format=torch.channels_last), torch.tensor(2.5)),
        (torch.rand(8, 6).t(), torch.rand(4, 4)[:, ::2]),
    ],
)
def test_a_snapshot_is_loaded_with_its_values_and_memory_layout(tmp_path, tensors):
    path = tmp_path / "state"
    save_snapshot(path, tensors)
    found = load_snapshot(path)
    assert len(found) == len(tensors)
    for ours, theirs in zip(found, tensors, strict=True):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs)
        for layout in (torch.contiguous_format, torch.channels_last):
            if theirs.dim() == 4:
                assert ours.is_contiguous(memory_format=layout) is theirs.is_contiguous(
                    memory_format=layout
                )


def test_a_stopped_batch_is_resumed(tmp_path, clip, settings):
    folder = tmp_path / "footage"
    folder.mkdir()
    for name in ("a.mkv", "b.mkv"):
        (folder / name).write_bytes(clip.read_bytes())
    stop = threading.Event()

    class Watch(vst.batch.Watcher):
        frames = 0

        def progressed(self, job, progress):
            self.frames += 1
            if job.name == "b.mkv" and progress.frame == 14:
                stop.set()

    results = run(folder, tmp_path / "out", settings(), watcher=Watch(), stop=stop)
    assert [each.state for each in results] == [FileState.DONE, FileState.STOPPED]
    watch = Watch()
    results = run(folder, tmp_path / "out", settings(), watcher=watch)
    assert [each.state for each in results] == [FileState.SKIPPED, FileState.DONE]
    assert (watch.frames, results[1].frames) == (15, 26)
    one, other = ((tmp_path / "out" / name).read_bytes() for name in ("a.mkv", "b.mkv"))
    assert one == other
