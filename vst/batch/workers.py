"""Local worker processes. Each renders one file at a time; if one dies, the batch loses only its file."""

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

from vst.batch.batch_file import BatchFile, FileResult, FileState, RenderFile, render_safely
from vst.heap import keep_freed_memory
from vst.openmp import children_wait_asleep

if TYPE_CHECKING:
    from vst.pipeline import Progress

_log = logging.getLogger(__name__)

_STOP = "stop"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL = 0.2
"""Longest time in seconds until a set stop event is noticed."""


def run_in_workers(
    files: Sequence[BatchFile],
    render_file: RenderFile,
    count: int,
    progressed: Callable[[BatchFile, Progress], None],
    stop: threading.Event,
) -> Generator[FileResult]:
    """Render files in several processes; yields results in the order in which they finish.

    Processes are spawned, not forked: CUDA and libav do not work after a fork. A process that dies is
    replaced.

    Args:
        files: The files.
        render_file: Renders one file; it is pickled.
        count: Number of processes.
        progressed: Called in this thread with the progress of each file.
        stop: Once set, running renders stop and no other is started.
    """
    waiting = list(reversed(files))
    workers: list[_Worker] = []
    stopping = False
    try:
        while waiting or workers:
            if stop.is_set() and not stopping:
                stopping = True
                for worker in workers:
                    worker.stop()
                yield from (FileResult(file, FileState.STOPPED) for file in reversed(waiting))
                waiting.clear()
            while waiting and len(workers) < count:
                workers.append(_Worker(render_file, waiting.pop()))
            for connection in wait([worker.connection for worker in workers], _POLL):
                worker = next(each for each in workers if each.connection is connection)
                message = worker.receive()
                if message is None:
                    workers.remove(worker)
                    yield worker.result_of_death(stop.is_set())
                elif isinstance(message, str):
                    _log.warning("%s: %s", worker.file.name, message)
                elif isinstance(message, FileResult):
                    yield message
                    if waiting:
                        worker.begin(waiting.pop())
                    else:
                        worker.end()
                        workers.remove(worker)
                else:
                    progressed(worker.file, message)
    finally:
        for worker in workers:
            worker.kill()


class _Worker:
    """The parent's handle of one worker process, with the file that it renders.

    The process ends when the parent's end of the pipe is closed, also if the parent dies.
    """

    def __init__(self, render_file: RenderFile, file: BatchFile) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, child_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(child_end, render_file), daemon=True)
        with signals_blocked(), children_wait_asleep():
            self._process.start()
        child_end.close()
        self.begin(file)

    def begin(self, file: BatchFile) -> None:
        self.file = file
        self._send(file)

    def stop(self) -> None:
        self._send(_STOP)

    def receive(self) -> Progress | FileResult | str | None:
        """The next message, or a line of the log; None if the process has ended."""
        try:
            message: Progress | FileResult | str = self.connection.recv()
        except (EOFError, OSError):
            return None
        return message

    def end(self) -> None:
        self.connection.close()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def result_of_death(self, stopping: bool) -> FileResult:
        """The result of the file that the process rendered when it died."""
        self.end()
        if stopping:
            return FileResult(self.file, FileState.STOPPED)
        code = self._process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return FileResult(
            self.file,
            FileState.FAILED,
            message=f"its worker process died ({how}); memory may be short, or the file damaged",
        )

    def _send(self, message: BatchFile | str) -> None:
        # receive() notices a process that has just died.
        with contextlib.suppress(OSError):
            self.connection.send(message)


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Start processes inside that never receive Ctrl-C, not even while they import.

    A terminal sends Ctrl-C to all processes of the batch, but only the parent handles it. Signals that
    arrive meanwhile reach the parent at the end of the block.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Without this, the tracker would start with the first process and unblock the signals.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, render_file: RenderFile) -> None:
    """The worker process: renders files until the parent closes the pipe."""
    keep_freed_memory()
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    lock = threading.Lock()

    def send(message: Progress | FileResult | str) -> None:
        # A render reports from several threads.
        with lock:
            connection.send(message)

    logging.getLogger().addHandler(_ForwardingHandler(send))
    files: queue.SimpleQueue[BatchFile] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(connection, files, stop), daemon=True).start()
    while True:
        file = files.get()
        send(render_safely(file, render_file, send, stop))


class _ForwardingHandler(logging.Handler):
    """Sends warnings of a render to the parent, such as that it waits for free disk space."""

    def __init__(self, send: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] == "vst":
            self._send(" ".join(record.getMessage().split()))


def _listen(connection: Connection, files: queue.SimpleQueue[BatchFile], stop: threading.Event) -> None:
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # the parent has closed the pipe or died
        if message == _STOP:
            stop.set()
        else:
            files.put(message)
