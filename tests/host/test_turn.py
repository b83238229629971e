"""Whose turn it is: one at a time, and those who wait for a frame let others work."""

from __future__ import annotations

import threading

from vst.host.turn import Turns


def test_one_works_and_the_next_waits():
    turns = Turns()
    first, second = turns.turn("a"), turns.turn("b")
    assert first.take(0)
    assert not second.take(0)
    first.end()
    assert second.take(0)


def test_a_pause_lets_others_work_but_not_another_request_of_the_run():
    turns = Turns()
    first, same, other = turns.turn("a"), turns.turn("a"), turns.turn("b")
    assert first.take(0)
    first.pause()
    assert not same.take(0)
    assert other.take(0)
    assert not first.take(0)
    other.end()
    assert first.take(0)
    first.end()
    assert same.take(0)


def test_one_that_is_given_up_in_a_pause_takes_nobody_elses_turn():
    turns = Turns()
    first, other, third = turns.turn("a"), turns.turn("b"), turns.turn("c")
    assert first.take(0)
    first.pause()
    assert other.take(0)
    first.end()
    assert not third.take(0)
    assert not turns.turn("a").take(0)
    other.end()
    assert turns.turn("a").take(0)


def test_one_whose_turn_never_came_leaves_its_run_alone():
    turns = Turns()
    first, same = turns.turn("a"), turns.turn("a")
    assert first.take(0)
    first.pause()
    same.end()
    assert not turns.turn("a").take(0)


def test_who_goes_on_is_not_still():
    turns = Turns()
    first = turns.turn("a")
    assert first.take(0)
    turns._since -= 1000
    assert turns.still >= 1000
    first.tell()
    assert turns.still < 1000


def test_who_waits_is_woken():
    turns = Turns()
    first, second = turns.turn("a"), turns.turn("b")
    assert first.take()
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(second.take(60)))
    thread.start()
    first.pause()
    thread.join(60)
    assert taken == [True]
