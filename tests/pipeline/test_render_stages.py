"""Stages in threads: bounded queues, order, errors and the end of the threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from vst.pipeline.threads import Background, Clock, Sink

TIMEOUT = 20.0
"""Seconds that a test waits for a condition; reached only if it fails."""


def background(items, depth=2, stage="decode", clock=None) -> Background:
    return Background(items, depth, stage, clock or Clock())


def sink(consume, depth=2) -> Sink:
    return Sink(consume, depth, "encode", Clock())


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < limit, "the condition was never met"
        time.sleep(0.01)


class Source:
    """Yields numbers from 0, and records how many were taken and whether it was closed."""

    def __init__(self, end: int = 10**9, error: Exception | None = None) -> None:
        self.made = 0
        self.closed = False
        self._end, self._error = end, error

    def __iter__(self) -> Iterator[int]:
        try:
            for number in range(self._end):
                self.made += 1
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


class Unreadable:
    def __iter__(self) -> Iterator[int]:
        raise OSError("nothing to read")


def test_all_items_arrive_in_order():
    with background(range(50)) as numbers:
        assert list(numbers) == list(range(50))


def test_a_slow_reader_makes_the_producer_wait():
    source = Source()
    with background(source, depth=3) as numbers:
        reader = iter(numbers)
        assert [next(reader), next(reader)] == [0, 1]
        # Two are taken, three are queued, and one more waits for the queue.
        wait_for(lambda: source.made == 6)
        time.sleep(0.3)
        assert source.made == 6


def test_look_ahead_stays_bounded_through_two_stages():
    source = Source()
    with background(source) as first, background((n for n in first), stage="motion").after(first) as second:
        assert next(iter(second)) == 0
        wait_for(lambda: source.made == 7)
        time.sleep(0.3)
        assert source.made == 7


def test_an_error_is_raised_after_the_items_before_it():
    with background(Source(5, OSError("damaged"))) as numbers:
        reader = iter(numbers)
        assert [next(reader) for _ in range(5)] == list(range(5))
        with pytest.raises(OSError, match="damaged"):
            next(reader)


def test_an_error_is_passed_on_by_the_later_stages():
    with (
        background(Source(3, OSError("damaged"))) as first,
        background((n for n in first), stage="motion").after(first) as second,
        pytest.raises(OSError, match="damaged"),
    ):
        list(second)


def test_a_source_that_fails_at_once_is_an_error_and_not_an_empty_clip():
    with background(Unreadable()) as numbers, pytest.raises(OSError, match="nothing to read"):
        list(numbers)


def test_leaving_early_ends_the_threads_and_closes_the_sources():
    source = Source()
    with background(source) as first, background((n for n in first), stage="motion").after(first) as second:
        next(iter(second))
    assert source.closed
    made = source.made
    time.sleep(0.2)
    assert source.made == made


def test_leaving_before_reading_ends_the_thread():
    source = Source()
    with background(source):
        wait_for(lambda: source.made > 0)
    assert source.closed


def test_the_sink_consumes_all_items_in_order():
    taken: list[int] = []
    with sink(taken.append) as out:
        for number in range(50):
            out.put(number)
        out.finish()
        assert taken == list(range(50))


def test_a_slow_sink_makes_the_writer_wait():
    gate = threading.Event()
    done: list[int] = []
    with sink(lambda number: gate.wait(TIMEOUT), depth=2) as out:

        def fill() -> None:
            for number in range(10):
                out.put(number)
                done.append(number)

        writer = threading.Thread(target=fill)
        writer.start()
        # One is being consumed and two are queued.
        wait_for(lambda: len(done) == 3)
        time.sleep(0.2)
        assert len(done) == 3
        gate.set()
        writer.join(TIMEOUT)
        assert len(done) == 10


def test_a_sink_that_fails_with_a_full_queue_raises_and_does_not_block():
    gate = threading.Event()
    taken: list[int] = []

    def consume(number: int) -> None:
        taken.append(number)
        gate.wait(TIMEOUT)
        raise OSError("disk full")

    def write() -> None:
        with sink(consume, depth=2) as out:
            for number in range(10):
                if number == 3:
                    # One is being consumed and two are queued: the queue is full.
                    threading.Timer(0.1, gate.set).start()
                out.put(number)
            out.finish()

    with pytest.raises(OSError, match="disk full"):
        write()
    assert taken == [0]


def test_a_sink_that_fails_at_the_last_item_raises_at_finish():
    def write() -> None:
        with sink(lambda number: 1 / number) as out:
            out.put(0)
            out.finish()
            pytest.fail("the error was lost")

    with pytest.raises(ZeroDivisionError):
        write()


def test_a_sink_without_finish_raises_at_the_end_of_its_block():
    def write() -> None:
        with sink(lambda number: 1 / number) as out:
            out.put(0)

    with pytest.raises(ZeroDivisionError):
        write()


def test_a_block_that_raises_drops_queued_items_and_keeps_its_error():
    gate = threading.Event()
    taken: list[int] = []

    def consume(number: int) -> None:
        taken.append(number)
        gate.wait(TIMEOUT)

    def write() -> None:
        with sink(consume) as out:
            for number in range(3):
                out.put(number)
            wait_for(lambda: taken == [0])
            threading.Timer(0.2, gate.set).start()
            raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        write()
    assert taken == [0]


def test_waiting_for_an_earlier_stage_does_not_count_as_work():
    def slow() -> Iterator[int]:
        for number in range(4):
            time.sleep(0.1)
            yield number

    clock = Clock()
    with (
        background(slow(), clock=clock) as first,
        background((n for n in first), stage="motion", clock=clock).after(first) as second,
    ):
        list(second)
    assert clock.limiting() == "decode"
    assert clock.seconds["motion"] < clock.seconds["decode"] / 2


def test_waiting_for_a_later_stage_does_not_count_as_work():
    clock = Clock()
    with background(range(5), depth=1, clock=clock) as numbers:
        for _ in numbers:
            time.sleep(0.1)
            clock.add("stylize", 0.1)
    assert clock.limiting() == "stylize"
    assert clock.seconds["decode"] < 0.25


def test_the_limiting_stage_can_be_read_while_other_threads_report():
    clock = Clock()

    def report(part: int) -> None:
        for number in range(2000):
            clock.add(f"{part}-{number}", 1.0)

    reporters = [threading.Thread(target=report, args=(part,)) for part in range(4)]
    for each in reporters:
        each.start()
    while any(each.is_alive() for each in reporters):
        clock.limiting()
    clock.add("encode", 2.0)
    assert clock.limiting() == "encode"
