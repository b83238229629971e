"""Stages in threads of their own, with bounded queues between them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch

T = TypeVar("T")

_END = object()
_WAIT = 0.1
"""Seconds between two checks whether the other side has stopped."""


class Clock:
    """The time that each stage worked, without waiting for its neighbours."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, stage: str, seconds: float) -> None:
        """Add work of a stage; called by any thread."""
        with self._lock:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def limiting(self) -> str:
        """The stage that worked longest."""
        # Another thread may add a stage meanwhile.
        with self._lock:
            return max(self.seconds, key=self.seconds.__getitem__, default="decode")


class Background(Generic[T]):
    """Computes an iterable ahead in a thread: at most `depth` items wait, and one more is being computed.

    An error of the thread is raised in place of its item. Leaving the `with` block stops the thread at its
    next item and waits for it.
    """

    def __init__(self, items: Iterable[T], depth: int, stage: str, clock: Clock) -> None:
        self._items, self._stage, self._clock = items, stage, clock
        self._queue: queue.Queue[object] = queue.Queue(depth)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._waited = 0.0
        self._thread = threading.Thread(target=self._run, name=f"vst-{stage}", daemon=True)

    @property
    def waited(self) -> float:
        """Seconds that the reader has waited for this stage."""
        return self._waited

    def __enter__(self) -> Background[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        # The traceback refers to frames that refer to this stage. Breaking the cycle frees their tensors
        # as soon as the error is handled.
        self._error = None

    def __iter__(self) -> Iterator[T]:
        while True:
            began = time.monotonic()
            item = self._get()
            self._waited += time.monotonic() - began
            if item is _END:
                if self._error is not None:
                    raise self._error
                return
            yield item  # type: ignore[misc]

    def _get(self) -> object:
        while True:
            try:
                return self._queue.get(timeout=_WAIT)
            except queue.Empty:
                # A stage whose source was stopped never puts its end.
                if not self._thread.is_alive() and self._queue.empty():
                    return _END

    def _run(self) -> None:
        try:
            iterator = iter(self._items)
            try:
                self._advance(iterator)
            finally:
                close = getattr(iterator, "close", None)
                if close is not None:
                    close()
        except BaseException as error:  # raised in the thread that reads
            self._error = error
        self._put(_END)

    def _advance(self, iterator: Iterator[T]) -> None:
        while not self._stopped.is_set():
            began = time.monotonic()
            waited = self._upstream()
            item = next(iterator, _END)
            self._clock.add(self._stage, time.monotonic() - began - (self._upstream() - waited))
            if item is _END:
                return
            self._put(item)

    def _upstream(self) -> float:
        return self._source.waited if self._source is not None else 0.0

    _source: Background | None = None

    def after(self, source: Background) -> Background[T]:
        """Set the stage that this one reads from: waiting for it does not count as work."""
        self._source = source
        return self

    def _put(self, item: object) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_WAIT)
                return
            except queue.Full:
                continue


class Sink(Generic[T]):
    """Consumes items in a thread, at most `depth` items behind.

    An error of the consumer is raised at the next `put`, at `finish`, or at the end of the `with` block.
    If the block raises, waiting items are dropped.
    """

    def __init__(self, consume: Callable[[T], None], depth: int, stage: str, clock: Clock) -> None:
        self._consume, self._stage, self._clock = consume, stage, clock
        self._queue: queue.Queue[object] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name=f"vst-{stage}", daemon=True)

    def __enter__(self) -> Sink[T]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._abandoned = kind is not None
        self._queue.put(_END)
        self._thread.join()
        try:
            if kind is None:
                self._raise()
        finally:
            self._error = None  # as in Background

    def put(self, item: T) -> None:
        """Add an item; waits while the queue is full."""
        self._queue.put(item)
        self._raise()

    def finish(self) -> None:
        """Wait until all items are consumed."""
        self._queue.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            try:
                if item is _END:
                    return
                # After an error the rest is dropped, so that `put` and `finish` return.
                if self._error is None and not self._abandoned:
                    began = time.monotonic()
                    self._consume(item)  # type: ignore[arg-type]
                    self._clock.add(self._stage, time.monotonic() - began)
            except BaseException as error:  # raised in the thread that puts
                self._error = error
            finally:
                self._queue.task_done()


@contextmanager
def arithmetic_threads(count: int | None) -> Iterator[None]:
    """Set the number of threads of torch's and of OpenCV's arithmetic, and restore it."""
    if count is None:
        yield
        return
    import cv2  # here, so that a still is rendered without it

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
