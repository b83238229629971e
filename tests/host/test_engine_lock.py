"""One request works at a time, and a request that waits for a frame lets others work."""

from __future__ import annotations

import threading

from vst.host.engine_lock import EngineLock


def test_a_second_request_waits_until_the_first_releases():
    lock = EngineLock()
    first, second = lock.request("a"), lock.request("b")
    assert first.acquire(0)
    assert not second.acquire(0)
    first.release()
    assert second.acquire(0)


def test_a_paused_request_admits_other_runs_but_not_its_own():
    lock = EngineLock()
    first, same, other = lock.request("a"), lock.request("a"), lock.request("b")
    assert first.acquire(0)
    first.pause()
    assert not same.acquire(0)
    assert other.acquire(0)
    assert not first.acquire(0)
    other.release()
    assert first.acquire(0)
    first.release()
    assert same.acquire(0)


def test_releasing_a_paused_request_does_not_release_the_holder():
    lock = EngineLock()
    first, other, third = lock.request("a"), lock.request("b"), lock.request("c")
    assert first.acquire(0)
    first.pause()
    assert other.acquire(0)
    first.release()
    assert not third.acquire(0)
    assert not lock.request("a").acquire(0)
    other.release()
    assert lock.request("a").acquire(0)


def test_releasing_a_request_that_was_never_acquired_leaves_its_run_locked():
    lock = EngineLock()
    first, same = lock.request("a"), lock.request("a")
    assert first.acquire(0)
    first.pause()
    same.release()
    assert not lock.request("a").acquire(0)


def test_progress_resets_the_inactive_time():
    lock = EngineLock()
    first = lock.request("a")
    assert first.acquire(0)
    lock._active_at -= 1000
    assert lock.seconds_inactive >= 1000
    first.report_progress()
    assert lock.seconds_inactive < 1000


def test_a_waiting_request_is_woken_by_a_pause():
    lock = EngineLock()
    first, second = lock.request("a"), lock.request("b")
    assert first.acquire()
    acquired: list[bool] = []
    thread = threading.Thread(target=lambda: acquired.append(second.acquire(60)))
    thread.start()
    first.pause()
    thread.join(60)
    assert acquired == [True]
