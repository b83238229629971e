"""Worker processes: all files get done, a death costs one file, a stop reaches them."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from vst.batch import BatchFile, FileState
from vst.batch.workers import run_in_workers
from vst.errors import Interrupted, MediaError
from vst.pipeline import Progress, RenderSettings, Report


def act(file: BatchFile, progress, stop: threading.Event) -> Report:
    """Runs in the worker; what it does is the name of its file."""
    action = file.name.partition("-")[0]
    progress(Progress(1, 1, 1.0, 0.0, "stylize"))
    if action == "say":
        logging.getLogger("vst.media.segments.disk_space").warning("paused: no room")
        logging.getLogger("elsewhere").warning("not for users")
    if action == "die":
        os._exit(9)
    if action == "fail":
        raise MediaError("expected failure")
    if action == "wait":
        if not stop.wait(60):
            raise AssertionError("nobody set the stop event")
        raise Interrupted("stopped")
    return Report(file.source, file.output, os.getpid(), 1, 0.0, (), RenderSettings(style="candy"))


def files(*names: str) -> list[BatchFile]:
    return [BatchFile(name, Path(name), Path(name)) for name in names]


def test_every_file_is_rendered_whatever_the_result_of_the_others():
    events = []
    results = list(
        run_in_workers(
            files("good-1", "die", "fail", "good-2", "good-3"),
            act,
            2,
            lambda file, progress: events.append(file.name),
            threading.Event(),
        )
    )
    outcome = {result.file.name: (result.state, result.message) for result in results}
    assert outcome == {
        "good-1": (FileState.DONE, ""),
        "die": (
            FileState.FAILED,
            "its worker process died (exit code 9); memory may be short, or the file damaged",
        ),
        "fail": (FileState.FAILED, "expected failure"),
        "good-2": (FileState.DONE, ""),
        "good-3": (FileState.DONE, ""),
    }
    assert sorted(events) == sorted(outcome)
    pids = {result.frames for result in results if result.state is FileState.DONE}
    assert os.getpid() not in pids
    assert all(_gone(pid) for pid in pids)


def test_warnings_of_a_render_reach_the_parent(caplog):
    (result,) = run_in_workers(files("say"), act, 1, lambda file, progress: None, threading.Event())
    assert result.state is FileState.DONE
    assert [record.getMessage() for record in caplog.records] == ["say: paused: no room"]


def test_a_stop_reaches_the_workers_and_no_other_file_is_started():
    stop = threading.Event()
    results = list(
        run_in_workers(files("wait-1", "wait-2", "good"), act, 2, lambda file, progress: stop.set(), stop)
    )
    assert {result.file.name: result.state for result in results} == {
        "wait-1": FileState.STOPPED,
        "wait-2": FileState.STOPPED,
        "good": FileState.STOPPED,
    }


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
