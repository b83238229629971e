"""Worker processes: all jobs get done, a death costs one job, a stop reaches them."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from vst.batch import Job, State
from vst.batch.workers import run_in_workers
from vst.errors import Interrupted, MediaError
from vst.pipeline import Progress, RenderSettings, Report


def paint(job: Job, progress, stop: threading.Event) -> Report:
    """Runs in the worker; what it does is the name of its job."""
    deed = job.name.partition("-")[0]
    progress(Progress(1, 1, 1.0, 0.0, "paint"))
    if deed == "say":
        logging.getLogger("vst.media.segments.disk_space").warning("paused: no room")
        logging.getLogger("elsewhere").warning("not for users")
    if deed == "die":
        os._exit(9)
    if deed == "fail":
        raise MediaError("as it should")
    if deed == "wait":
        if not stop.wait(60):
            raise AssertionError("nobody said stop")
        raise Interrupted("stopped")
    return Report(job.source, job.output, os.getpid(), 1, 0.0, (), RenderSettings(style="candy"))


def jobs(*names: str) -> list[Job]:
    return [Job(name, Path(name), Path(name)) for name in names]


def test_every_job_is_done_whatever_becomes_of_the_others():
    heard = []
    results = list(
        run_in_workers(
            jobs("good-1", "die", "fail", "good-2", "good-3"),
            paint,
            2,
            lambda job, progress: heard.append(job.name),
            threading.Event(),
        )
    )
    outcome = {result.job.name: (result.state, result.message) for result in results}
    assert outcome == {
        "good-1": (State.DONE, ""),
        "die": (
            State.FAILED,
            "its worker process died (exit code 9); too little memory, or a damaged file",
        ),
        "fail": (State.FAILED, "as it should"),
        "good-2": (State.DONE, ""),
        "good-3": (State.DONE, ""),
    }
    assert sorted(heard) == sorted(outcome)
    pids = {result.frames for result in results if result.state is State.DONE}
    assert os.getpid() not in pids
    assert all(_gone(pid) for pid in pids)


def test_what_a_render_says_meanwhile_is_heard(caplog):
    (result,) = run_in_workers(jobs("say"), paint, 1, lambda job, progress: None, threading.Event())
    assert result.state is State.DONE
    assert [record.getMessage() for record in caplog.records] == ["say: paused: no room"]


def test_a_stop_reaches_the_workers_and_the_rest_is_not_begun():
    stop = threading.Event()
    results = list(
        run_in_workers(jobs("wait-1", "wait-2", "good"), paint, 2, lambda job, progress: stop.set(), stop)
    )
    assert {result.job.name: result.state for result in results} == {
        "wait-1": State.STOPPED,
        "wait-2": State.STOPPED,
        "good": State.STOPPED,
    }


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
