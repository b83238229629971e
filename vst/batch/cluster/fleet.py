"""The nodes of a cluster that may render, and the workers on them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from vst.batch.cluster.works import Check, Failed, Work
from vst.batch.cores import WORKER_MEMORY
from vst.errors import VstError

if TYPE_CHECKING:
    from vst.batch.cluster.probe import MachineReport

LOOK_SECONDS = 3.0
"""Seconds between two looks at which nodes there are."""

WAIT_FOR_CHECKS = 120.0
"""Seconds that other nodes are waited for once one has answered: theirs may be busy with other work."""

MAX_NAMED = 5
"""Nodes that an error names, at most."""

MAX_DEATHS = 3
"""After so many dead workers, a node or a work is given up."""


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Its identifier.
        name: What users know it by.
        cpus: Number of CPUs that the cluster may use.
        gpus: Number of GPUs.
        memory: Main memory in bytes.
    """

    id: str
    name: str
    cpus: int
    gpus: int
    memory: int


class WorkerDied(Exception):
    """The process of a worker, or its node, has ended."""


class Cluster(Protocol):
    """What is needed of a cluster. A call runs on a node, and is opaque until its result is there.

    Attributes:
        is_one_machine: Whether it is on this machine alone, which sees its own files and makes one kind of
            bits.
    """

    is_one_machine: bool

    def nodes(self) -> list[Node]:
        """The nodes that are alive."""

    def start(self, node: Node, cpus: int, gpus: int) -> Any:
        """Start a worker on a node; it begins once so many CPUs and GPUs are free there."""

    def run(self, worker: Any, work: Work) -> Any:
        """A call that does a work."""

    def frames_done(self, worker: Any) -> Any:
        """A call that asks how many frames of its work are done."""

    def stop(self, worker: Any) -> None:
        """Tell a worker to stop after its frame."""

    def end(self, worker: Any) -> None:
        """End a worker at once."""

    def wait(self, calls: Sequence[Any], seconds: float) -> list[Any]:
        """The calls that are done; waits until there is one, or so long."""

    def result(self, call: Any) -> Any:
        """The result of a call that is done.

        Raises:
            WorkerDied: The worker is gone.
        """


@dataclass(eq=False)
class Worker:
    """A worker process on a node.

    Attributes:
        node: Where it is.
        handle: What the cluster knows it by.
        work: What it does now, as it was before it was fitted to the worker.
        call: The call that does it.
        asked: The call that asks how far it is.
        frames: Frames of the work that are done.
    """

    node: Node
    handle: Any
    work: Work | None = None
    call: Any = None
    asked: Any = None
    frames: int = 0


@dataclass(eq=False)
class _NodeState:
    """What is known of a node: whether a worker there has answered, its report, or why it is not used."""

    node: Node
    answered: bool = False
    report: MachineReport | None = None
    refused: str | None = None
    differs: bool = False
    deaths: int = 0


@dataclass
class Fleet:
    """The workers of one render or batch.

    Every node is checked by its first worker: whether it sees the files, and which bits it makes. The bits
    of most workers are those of the render; other nodes are not used, unless that is allowed. On
    this machine alone there is nothing to compare, so all workers start at once and only look at the files.

    Many attributes: what was asked for, and what is known of the nodes.

    Attributes:
        cluster: The cluster.
        check: What a node has to do first.
        threads: CPUs of a worker.
        on_gpus: Whether workers get a GPU each.
        allow_mixed: Whether nodes that make other bits are used, too.
        note: Called with what the user should know.
        workers: All workers that are alive.
        worker_memory: Main memory that a worker takes in bytes.
        is_spread: Whether nodes get as many workers as they hold, instead of one.
    """

    cluster: Cluster
    check: Check
    threads: int
    on_gpus: bool
    allow_mixed: bool
    note: Callable[[str], None]
    workers: list[Worker] = field(default_factory=list)
    worker_memory: int = WORKER_MEMORY
    is_spread: bool = False
    _states: dict[str, _NodeState] = field(default_factory=dict)
    _reference: _NodeState | None = None
    _looked: float = -LOOK_SECONDS
    _first_answer: float | None = None

    def look(self) -> None:
        """Find nodes that have joined or gone, and start workers.

        Raises:
            VstError: No node can render.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        found = {node.id: node for node in self.cluster.nodes()}
        for gone in [key for key in self._states if key not in found]:
            del self._states[gone]
        # A busy one says by its call that it has died; nothing would tell of an idle one.
        for worker in [each for each in self.workers if each.work is None and each.node.id not in found]:
            self._end(worker)
        for node in found.values():
            if node.id not in self._states and self.capacity(node):
                self._states[node.id] = _NodeState(node)
        if not self._states and not self.workers:
            raise VstError(self._nothing_fits(list(found.values())))
        for state in self._states.values():
            self._staff(state)
        self._choose()

    def _staff(self, state: _NodeState) -> None:
        """Start the workers that a node should have."""
        if state.refused is not None or state.deaths >= MAX_DEATHS:
            return
        here = [worker for worker in self.workers if worker.node.id == state.node.id]
        have, wanted = len(here), 1
        if self.is_spread and self._is_used(state):
            wanted = self.capacity(state.node)
        idle = [worker for worker in here if worker.work is None]
        for surplus in idle[::-1][: max(have - wanted, 0)]:  # less was known of the memory when they began
            self._end(surplus)
        for _ in range(have, wanted):
            handle = self.cluster.start(state.node, self.threads, int(self.on_gpus))
            worker = Worker(state.node, handle)
            self.workers.append(worker)
            is_known = self.cluster.is_one_machine or state.report is not None
            self.give(worker, Check(self.check.shared, None) if is_known else self.check)

    def _is_used(self, state: _NodeState) -> bool:
        """Whether a node may render, as far as its check goes."""
        return self.cluster.is_one_machine or (state.report is not None and self._reference is not None)

    def capacity(self, node: Node) -> int:
        """How many workers a node holds."""
        if self.on_gpus:
            return min(node.gpus, node.cpus // self.threads)
        # At least one: the render itself refuses what is too large.
        return min(node.cpus // self.threads, max(node.memory // self.worker_memory, 1))

    def _nothing_fits(self, nodes: Sequence[Node]) -> str:
        if not nodes:
            return "the cluster has no nodes: start some with 'ray start --address'"
        what = f"{self.threads} CPU{'s' if self.threads > 1 else ''}" + (
            " and a GPU" if self.on_gpus else ""
        )
        most = max(nodes, key=lambda node: node.cpus)
        return f"no node of the cluster has {what}; the largest, {most.name}, has {most.cpus} CPUs"

    def give(self, worker: Worker, work: Work) -> None:
        """Give a work to an idle worker."""
        worker.work, worker.frames = work, 0
        worker.call = self.cluster.run(worker.handle, work)

    def checked(self, worker: Worker, answer: MachineReport | Failed | None) -> None:
        """Take the answer to a check."""
        state = self._states.get(worker.node.id)
        if state is None:
            return
        state.answered = True
        if self._first_answer is None:
            self._first_answer = time.monotonic()
        if isinstance(answer, Failed):
            self._refuse(state, answer.message)
        elif answer is not None:
            state.report = answer
            if self._reference is not None:
                self._compare(state, self._reference)
        self._looked = -LOOK_SECONDS  # there may be more workers to start

    def _choose(self) -> None:
        """Choose the bits that most workers make, once all nodes have answered."""
        states = list(self._states.values())
        answered = [state for state in states if state.report is not None]
        waiting = [state for state in states if state.report is None and state.refused is None]
        waited = self._first_answer is not None and (
            time.monotonic() - self._first_answer > WAIT_FOR_CHECKS
        )
        if self._reference is not None or (waiting and not waited):
            return
        if not answered:
            if states and not waiting:
                reasons = dict.fromkeys(f"node {s.node.name}: {s.refused}" for s in states)
                raise VstError("; ".join(list(reasons)[:MAX_NAMED]))
            return
        votes: Counter[str] = Counter()
        for state in answered:
            votes[_bits(state)] += self.capacity(state.node)
        chosen = votes.most_common(1)[0][0]
        self._reference = next(state for state in answered if _bits(state) == chosen)
        for state in answered:
            self._compare(state, self._reference)
        self._looked = -LOOK_SECONDS

    def _compare(self, state: _NodeState, reference: _NodeState) -> None:
        assert state.report is not None
        assert reference.report is not None
        differences = reference.report.differences(state.report)
        if not differences:
            return
        why = f"it would render other bits than {reference.node.name} ({'; '.join(differences)})"
        if self.allow_mixed:
            state.differs = True
            self.note(f"node {state.node.name} is used because of --allow-mixed: {why}")
        else:
            self._refuse(state, f"{why}; --allow-mixed uses it all the same")

    def _refuse(self, state: _NodeState, reason: str) -> None:
        state.refused = reason
        self.note(f"node {state.node.name} is not used: {reason}")
        for worker in [each for each in self.workers if each.node.id == state.node.id]:
            self._end(worker)

    def _end(self, worker: Worker) -> None:
        self.workers.remove(worker)
        self.cluster.end(worker.handle)

    def died(self, worker: Worker) -> None:
        """Remove a worker that has died."""
        self._end(worker)
        state = self._states.get(worker.node.id)
        if state is not None:
            state.deaths += 1
            if state.deaths == MAX_DEATHS and not state.answered:
                self._refuse(state, f"its worker process ended {MAX_DEATHS} times; is vst installed there?")

    def forgive(self, worker: Worker) -> None:
        """Do not hold deaths against the node of a worker: it has done a work, or the work is to blame."""
        state = self._states.get(worker.node.id)
        if state is not None:
            state.deaths = 0

    def idle(self) -> Iterator[Worker]:
        """Workers without work, on nodes that may render."""
        for worker in self.workers:
            state = self._states.get(worker.node.id)
            if worker.work is None and state is not None and self._is_used(state):
                yield worker

    def differs(self, worker: Worker) -> bool:
        """Whether a worker makes other bits than most."""
        state = self._states.get(worker.node.id)
        return state is not None and state.differs

    @property
    def places(self) -> int:
        """How many workers the nodes hold whose bits are those of the render."""
        used = [each for each in self._states.values() if self._is_used(each) and each.refused is None]
        return sum(self.capacity(each.node) for each in used if not each.differs)

    @property
    def is_lost(self) -> bool:
        """Whether no worker is left, and none will come from the nodes that are there."""
        usable = [s for s in self._states.values() if s.refused is None and s.deaths < MAX_DEATHS]
        return not self.workers and not usable

    def spread(self, memory: int) -> None:
        """Let every node have as many workers as it holds.

        Args:
            memory: What a worker takes in bytes, as predicted.
        """
        self.worker_memory = max(self.worker_memory, memory)
        self.is_spread = True
        self._looked = -LOOK_SECONDS

    def busy_in_words(self) -> str:
        """``3 workers on 2 nodes``."""
        busy = [worker.node.id for worker in self.workers if worker.work is not None]
        nodes = len(set(busy))
        workers = f"{len(busy)} worker{'' if len(busy) == 1 else 's'}"
        return f"{workers} on {nodes} node{'' if nodes == 1 else 's'}"


def _bits(state: _NodeState) -> str:
    assert state.report is not None
    return f"{sorted(state.report.fingerprint.items())} {state.report.frame_hash}"
