"""Local worker processes: each renders one file at a time, and may die without taking the batch with it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from vst.batch.job import Job, Paint, Result, State, attempt

if TYPE_CHECKING:
    from vst.pipeline import Progress

_log = logging.getLogger(__name__)

_STOP = "stop"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL = 0.2
"""Seconds after which a set stop event is noticed at the latest."""


def run_in_workers(
    jobs: Sequence[Job],
    paint: Paint,
    count: int,
    progressed: Callable[[Job, Progress], None],
    stop: threading.Event,
) -> Generator[Result]:
    """Render jobs in several processes; results come as they are finished.

    Processes are spawned, not forked: CUDA and libav do not survive a fork. A worker whose process ends
    loses only the file it had, and is replaced.

    Args:
        jobs: What to render.
        paint: Renders one; it is pickled.
        count: How many processes.
        progressed: Told of every step, in this thread.
        stop: Once set, running renders end and the rest is not begun.
    """
    waiting = list(reversed(jobs))
    workers: list[_Worker] = []
    told = False
    try:
        while waiting or workers:
            if stop.is_set() and not told:
                told = True
                for worker in workers:
                    worker.stop()
                yield from (Result(job, State.STOPPED) for job in reversed(waiting))
                waiting.clear()
            while waiting and len(workers) < count:
                workers.append(_Worker(paint, waiting.pop()))
            for connection in wait([worker.connection for worker in workers], _POLL):
                worker = next(each for each in workers if each.connection is connection)
                message = worker.receive()
                if message is None:
                    workers.remove(worker)
                    yield worker.obituary(stop.is_set())
                elif isinstance(message, str):
                    _log.warning("%s: %s", worker.job.name, message)
                elif isinstance(message, Result):
                    yield message
                    if waiting:
                        worker.begin(waiting.pop())
                    else:
                        worker.end()
                        workers.remove(worker)
                else:
                    progressed(worker.job, message)
    finally:
        for worker in workers:
            worker.kill()


class _Worker:
    """This side of one worker process, with the job it has.

    The process ends when this side of the pipe is closed, however that comes about: none is left behind.
    """

    def __init__(self, paint: Paint, job: Job) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, paint), daemon=True)
        with _signals_held():
            self._process.start()
        theirs.close()
        self.begin(job)

    def begin(self, job: Job) -> None:
        self.job = job
        self._send(job)

    def stop(self) -> None:
        self._send(_STOP)

    def receive(self) -> Progress | Result | str | None:
        """The next message, or line of the log; None if the process has ended."""
        try:
            message: Progress | Result | str = self.connection.recv()
        except (EOFError, OSError):
            return None
        return message

    def end(self) -> None:
        self.connection.close()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def obituary(self, stopping: bool) -> Result:
        """The result of the job with which the process died."""
        self.end()
        if stopping:
            return Result(self.job, State.STOPPED)
        code = self._process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Result(
            self.job,
            State.FAILED,
            message=f"its worker process died ({how}); too little memory, or a damaged file",
        )

    def _send(self, message: Job | str) -> None:
        # A process that has just died is noticed where its messages are read.
        with contextlib.suppress(OSError):
            self.connection.send(message)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """A process started in here never hears of Ctrl-C, not even while it is still importing.

    A terminal sends it to every process of ours; it is the parent who says what it means. The parent itself
    gets at the end what came meanwhile.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Started with the first process, it would let the signals through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, paint: Paint) -> None:
    """The worker process: renders jobs until the other side closes the pipe."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    lock = threading.Lock()

    def send(message: Progress | Result | str) -> None:
        # A render speaks from several threads.
        with lock:
            connection.send(message)

    logging.getLogger().addHandler(_Forwarded(send))
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(connection, jobs, stop), daemon=True).start()
    while True:
        job = jobs.get()
        send(attempt(job, paint, send, stop))


class _Forwarded(logging.Handler):
    """What renders have to say meanwhile, such as that they wait for room on the disk."""

    def __init__(self, send: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] == "vst":
            self._send(" ".join(record.getMessage().split()))


def _listen(connection: Connection, jobs: queue.SimpleQueue[Job], stop: threading.Event) -> None:
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # nobody is left to render for
        if message == _STOP:
            stop.set()
        else:
            jobs.put(message)
