"""Hands works to workers until all are done: again if a worker dies, and elsewhere if one fails."""

from __future__ import annotations

import contextlib
import dataclasses
import heapq
import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from vst.batch.cluster.fleet import MAX_DEATHS, Fleet, Worker, WorkerDied
from vst.batch.cluster.works import (
    Check,
    Failed,
    JoinClip,
    PlanClip,
    RenderFile,
    RenderSegments,
    ScanPart,
    Work,
)
from vst.errors import Interrupted, UsageError, VstError

TURN_SECONDS = 0.5
"""Seconds until the scheduler looks again whether it is to stop, and for new nodes, at most."""

POLL_SECONDS = 2.0
"""Seconds between two questions to a worker how far it is, or more if there are very many workers."""

_WORKERS_A_POLL = 500
"""Workers that are asked in so many seconds."""

IN_USE_SECONDS = 2.0
"""A segment that another process is writing is tried again after so many seconds: that process may belong
to a node that is about to end."""

_MAX_IN_USE = 150
"""How often that is tried."""

STOP_SECONDS = 120.0
"""Workers that have not stopped after so many seconds are ended."""


class Client(Protocol):
    """Who has work for a scheduler."""

    def done(self, work: Work, value: Any) -> Iterable[Work]:
        """A work is done; returns what is to be done next."""

    def failed(self, work: Work, error: VstError) -> Iterable[Work]:
        """A work has failed on every try; returns what is to be done next, or raises."""

    def kept(self, work: Work, frames: int) -> None:
        """A work was stopped after so many frames, which are finished."""

    def progressed(self, running: Iterable[tuple[Work, int]], busy: str) -> None:
        """So many frames of each running work are done; `busy` says by how many workers."""

    def left(self) -> str:
        """What is kept when the work is stopped, for the message."""


class Scheduler:
    """Runs works on a fleet. Each worker has one at a time, so nothing queues on the nodes.

    Args:
        fleet: The workers.
        client: Who has the work.
        stop: Set it to stop.
    """

    def __init__(self, fleet: Fleet, client: Client, stop: threading.Event | None) -> None:
        self._fleet, self._client, self._stop = fleet, client, stop or threading.Event()
        self._queue: list[tuple[tuple[int, int], int, Work]] = []
        self._later: list[tuple[float, Work]] = []
        self._numbers = itertools.count()
        self._polled = 0.0
        self._deaths: Counter[Work] = Counter()
        self._segments_before_death: Counter[Work] = Counter()
        self._in_use: Counter[Work] = Counter()
        self._failed_on: defaultdict[Work, set[str]] = defaultdict(set)

    def run(self, works: Iterable[Work]) -> None:
        """Do works, and those that follow from them; raises as `steps`."""
        for _ in self.steps(works):
            pass

    def steps(self, works: Iterable[Work]) -> Iterator[None]:
        """The same, and yields every now and then.

        Raises:
            Interrupted: `stop` was set; workers have finished their frame.
            VstError: What the client raises; or there is no node to work on.
        """
        self._add(works)
        try:
            while self._queue or self._later or self._running():
                if self._stop.is_set():
                    finished = self._end_running()
                    if finished and not self._queue and not self._later:
                        return  # it came too late
                    raise Interrupted(f"stopped{self._client.left()}")
                self._fleet.look()
                if self._fleet.is_lost:
                    raise VstError(f"no node of the cluster is left{self._client.left()}")
                self._dispatch()
                self._turn()
                yield
        except BaseException:
            self._end_running()
            raise
        finally:
            for worker in self._fleet.workers:
                self._fleet.cluster.end(worker.handle)
            self._fleet.workers.clear()

    def _running(self) -> list[Worker]:
        workers = self._fleet.workers
        return [each for each in workers if each.work is not None and not isinstance(each.work, Check)]

    def _add(self, works: Iterable[Work]) -> None:
        for work in works:
            heapq.heappush(self._queue, (_priority(work), next(self._numbers), work))

    def _dispatch(self) -> None:
        now = time.monotonic()
        self._add(work for due, work in self._later if due <= now)
        self._later = [(due, work) for due, work in self._later if due > now]
        idle = list(self._fleet.idle())
        passed_over = []
        while self._queue and idle:
            entry = heapq.heappop(self._queue)
            work = entry[2]
            worker = self._choose(work, idle)
            if worker is None:
                passed_over.append(entry)
                continue
            idle.remove(worker)
            self._fleet.give(worker, self._for_worker(work, worker))
            worker.work = work  # not as it was fitted: another worker may have to do it again
        for entry in passed_over:
            heapq.heappush(self._queue, entry)

    def _choose(self, work: Work, idle: list[Worker]) -> Worker | None:
        """A worker for a work: not where it has failed, unless there is nothing else."""
        nodes, failed_on = self._nodes_for(work), self._failed_on[work]
        allowed = nodes - failed_on or nodes
        return next((each for each in idle if each.node.id in allowed), None)

    def _nodes_for(self, work: Work) -> set[str]:
        """The nodes that may do a work, with a worker each at least."""
        workers: Iterable[Worker] = self._fleet.workers
        if isinstance(work, PlanClip | ScanPart):  # the plan decides which bits the others have to make
            workers = (each for each in workers if not self._fleet.differs(each))
        return {each.node.id for each in workers}

    def _for_worker(self, work: Work, worker: Worker) -> Work:
        if isinstance(work, RenderSegments):
            return RenderSegments(work.job, work.task, self._fleet.differs(worker))
        if isinstance(work, PlanClip) and work.jobs != 1:
            return dataclasses.replace(work, jobs=self._fleet.places)
        return work

    def _turn(self) -> None:
        """Wait for calls, and take their results."""
        fleet = self._fleet
        by_call = {each.call: each for each in fleet.workers if each.call is not None}
        if not by_call:
            self._stop.wait(TURN_SECONDS)  # workers are starting, or a segment is in use
            return
        for call in fleet.cluster.wait(list(by_call), TURN_SECONDS):
            if by_call[call] in fleet.workers:  # its node may have been refused meanwhile
                self._take(by_call[call], call)
        if time.monotonic() - self._polled >= max(POLL_SECONDS, len(fleet.workers) / _WORKERS_A_POLL):
            self._polled = time.monotonic()
            self._poll()

    def _poll(self) -> None:
        """Ask workers how far they are, and report what they have answered."""
        fleet, running = self._fleet, self._running()
        self._hear(running)
        for worker in running:
            if worker.asked is None:
                worker.asked = fleet.cluster.frames_done(worker.handle)
        if running:
            works = [(each.work, each.frames) for each in running if each.work is not None]
            self._client.progressed(works, fleet.busy_in_words())

    def _hear(self, workers: Iterable[Worker]) -> None:
        """Note what workers have answered."""
        cluster = self._fleet.cluster
        by_call = {each.asked: each for each in workers if each.asked is not None}
        for call in cluster.wait(list(by_call), 0) if by_call else ():
            worker = by_call[call]
            worker.asked = None
            with contextlib.suppress(WorkerDied):  # its work will say so
                worker.frames = cluster.result(call)

    def _take(self, worker: Worker, call: Any) -> None:
        try:
            value = self._fleet.cluster.result(call)
        except WorkerDied:
            self._worker_died(worker)
            return
        work, worker.work, worker.call, worker.asked = worker.work, None, None, None
        if isinstance(work, Check):
            self._fleet.checked(worker, value)
        elif work is not None:
            self._fleet.forgive(worker)
            self._add(self._after(work, worker, value))

    def _after(self, work: Work, worker: Worker, value: Any) -> Iterable[Work]:
        if not isinstance(value, Failed):
            return self._client.done(work, value)
        if value.is_in_use and self._in_use[work] < _MAX_IN_USE:
            self._in_use[work] += 1
            self._later.append((time.monotonic() + IN_USE_SECONDS, work))
            return ()
        failed_on = self._failed_on[work]
        failed_on.add(worker.node.id)
        retry = (
            isinstance(work, RenderSegments | ScanPart | RenderFile)
            and value.exit_code != UsageError.exit_code
        )
        if retry and len(failed_on) < 2 and self._nodes_for(work) - failed_on:
            self._fleet.note(f"node {worker.node.name}: {value.message}; done again on another node")
            return (work,)
        return self._client.failed(work, value.error())

    def _worker_died(self, worker: Worker) -> None:
        work = worker.work
        self._fleet.died(worker)
        if work is None or isinstance(work, Check):
            return
        self._hear([worker])
        segments = _segments_done(work, worker.frames)
        if segments > self._segments_before_death[work]:
            # It gets on. Nodes that a provider takes back whenever it likes end often.
            self._segments_before_death[work], self._deaths[work] = segments, 0
        self._deaths[work] += 1
        what = f"node {worker.node.name} or its worker died"
        if self._deaths[work] < MAX_DEATHS:
            self._fleet.note(f"{what}; its work is done again")
            self._add((_again(work),))
            return
        self._fleet.forgive(worker)
        error = VstError(
            f"{what}, after {MAX_DEATHS - 1} others with the same work: memory may be short, or a file "
            "damaged"
        )
        self._add(self._client.failed(work, error))

    def _end_running(self) -> bool:
        """Stop what is running, wait until it has, and tell the client what is kept.

        Returns:
            Whether all of it was finished all the same.
        """
        fleet, deadline = self._fleet, time.monotonic() + STOP_SECONDS
        running = {worker.call: worker for worker in self._running()}
        for worker in running.values():
            fleet.cluster.stop(worker.handle)
        finished = True
        while running and time.monotonic() < deadline:
            for call in fleet.cluster.wait(list(running), TURN_SECONDS):
                worker = running.pop(call)
                work, worker.work, worker.call = worker.work, None, None
                try:
                    value = fleet.cluster.result(call)
                except WorkerDied:
                    value = Failed("died")
                if isinstance(value, Failed) and work is not None:
                    finished = False
                    self._client.kept(work, value.kept)
                elif work is not None:
                    self._add(self._client.done(work, value))
        for worker in running.values():
            worker.work = worker.call = None  # it is not waited for again
        return finished and not running


def _again(work: Work) -> Work:
    """A work whose worker died before it answered; it may have put the output in its place all the same."""
    return dataclasses.replace(work, again=True) if isinstance(work, JoinClip | RenderFile) else work


def _segments_done(work: Work, frames: int) -> int:
    """How many segments of a work so many frames are, about; 0 of one that has none."""
    if not isinstance(work, RenderSegments):
        return 0
    return frames * len(work.task.segments) // max(work.task.frames, 1)


_KINDS = (Check, JoinClip, RenderSegments, ScanPart, PlanClip, RenderFile)
"""What goes first: what is begun is finished before more is begun."""


def _priority(work: Work) -> tuple[int, int]:
    cost = work.task.cost if isinstance(work, RenderSegments) else 0
    return _KINDS.index(type(work)), -cost
