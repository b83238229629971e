"""Works are done longest first, again where a worker dies, elsewhere where one fails, on checked nodes."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vst.batch.batch_file import BatchFile
from vst.batch.cluster import fleet as fleet_module
from vst.batch.cluster import scheduler as scheduler_module
from vst.batch.cluster.fleet import Fleet, Node, WorkerDied
from vst.batch.cluster.probe import MachineReport
from vst.batch.cluster.scheduler import Scheduler
from vst.batch.cluster.works import (
    Check,
    Failed,
    JoinClip,
    PlanClip,
    RenderFile,
    RenderSegments,
    ScanPart,
    SegmentTask,
)
from vst.errors import Interrupted, UsageError, VstError
from vst.sizes import GIB

SAME = MachineReport({"--device": "cpu (AVX2)", "torch": "2.9"}, "aa")
ROUNDS_DIFFERENTLY = MachineReport(SAME.fingerprint, "bb")
OLDER = MachineReport({"--device": "cpu (DEFAULT)", "torch": "2.9"}, "cc")
CHECK = Check((), "{}")
DIES = object()


@dataclass(eq=False)
class Call:
    """A call that is done."""

    worker: tuple[str, int]
    value: object


@dataclass
class FakeCluster:
    """A cluster whose calls are done at once.

    Attributes:
        machines: The report of each node, or why it cannot be used.
        answer: Gives the result of a work on a node, or `DIES`.
        done: Name of the node and work of each call but checks.
        started: Names of nodes, for each worker.
        stopped: Names of nodes whose workers were told to stop.
        checks: Names of nodes and settings of the probe, for each check.
        is_one_machine: Whether it was started on this machine alone.
    """

    machines: dict[str, object]
    answer: object = None
    sizes: dict[str, Node] = field(default_factory=dict)
    done: list = field(default_factory=list)
    started: list = field(default_factory=list)
    stopped: list = field(default_factory=list)
    checks: list = field(default_factory=list)
    is_one_machine: bool = False

    def nodes(self):
        """All nodes, with one CPU if nothing else is said."""
        return [self.sizes.get(name, sized(name, 1)) for name in self.machines]

    def start(self, node, cpus, gpus):
        """A worker is the name of its node."""
        self.started.append(node.name)
        return node.name, len(self.started)

    def run(self, worker, work):
        """A call has its result."""
        name = worker[0]
        if isinstance(work, Check):
            self.checks.append((name, work.settings))
            return Call(worker, None if work.settings is None else self.machines[name])
        self.done.append((name, work))
        return Call(worker, self.answer(name, work) if self.answer else "done")

    def frames_done(self, worker):
        """Five."""
        return Call(worker, 5)

    def stop(self, worker):
        """Noted."""
        self.stopped.append(worker[0])

    def end(self, worker):
        """Nothing to end."""

    def wait(self, calls, seconds):
        """All of them."""
        return list(calls)

    def result(self, call):
        """What `run` has put there."""
        if call.value is DIES:
            raise WorkerDied
        return call.value


class Client:
    """Takes what comes; a failure is raised."""

    def __init__(self):
        self.finished, self.progress, self.kept_frames = [], [], []

    def done(self, work, value):
        self.finished.append(work)
        return ()

    def failed(self, work, error):
        raise error

    def kept(self, work, frames):
        self.kept_frames.append(frames)

    def progressed(self, running, busy):
        self.progress.append((list(running), busy))

    def left(self):
        return "; nothing is kept"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Nothing waits."""
    for module, name in (
        (fleet_module, "LOOK_SECONDS"),
        (scheduler_module, "POLL_SECONDS"),
        (scheduler_module, "TURN_SECONDS"),
        (scheduler_module, "IN_USE_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(scheduler_module, "_WORKERS_A_POLL", 1e9)


def sized(name, cpus):
    return Node(name, name, cpus, 0, 64 * GIB)


def segments(*costs):
    return [RenderSegments("job", SegmentTask((index,), 10, cost)) for index, cost in enumerate(costs)]


def run(
    cluster, works, *, allow_mixed=False, stop=None, spread=True, threads=1, on_gpus=False, client=None
):
    """Run works; returns the client and the notes."""
    notes, client = [], client or Client()
    fleet = Fleet(cluster, CHECK, threads, on_gpus, allow_mixed, notes.append)
    if spread:
        fleet.spread(0)
    Scheduler(fleet, client, stop).run(works)
    return client, notes


def test_the_most_expensive_work_goes_first_and_a_join_before_all():
    cluster, works = FakeCluster({"a": SAME}), segments(3, 9, 5)
    run(cluster, [*works, JoinClip("other", False), PlanClip("", "", "", "next")])
    order = [work for _, work in cluster.done]
    assert order == [JoinClip("other", False), works[1], works[2], works[0], PlanClip("", "", "", "next")]


def test_no_worker_is_given_a_second_work_before_the_first_is_done():
    cluster = FakeCluster({"a": SAME, "b": SAME})
    outstanding, most = set(), []
    given, result = cluster.run, cluster.result

    def run_one(worker, work):
        if not isinstance(work, Check):
            assert worker not in outstanding
            outstanding.add(worker)
            most.append(len(outstanding))
        return given(worker, work)

    def take(call):
        outstanding.discard(call.worker)
        return result(call)

    cluster.run, cluster.result = run_one, take
    client, _ = run(cluster, segments(*range(20)))
    assert len(client.finished) == 20
    assert max(most) == 2


def test_a_work_is_done_again_when_its_worker_dies():
    died = []

    def answer(name, work):
        if not died:
            died.append(name)
            return DIES
        return "done"

    cluster = FakeCluster({"a": SAME, "b": SAME}, answer)
    client, notes = run(cluster, segments(1, 2, 3))
    assert sorted(each.task.segments for each in client.finished) == [(0,), (1,), (2,)]
    assert notes == [f"node {died[0]} or its worker died; its work is done again"]


def test_a_file_and_a_join_are_told_that_a_worker_died_with_them():
    # It may have put the output in its place, and not answered.
    dying = iter([DIES, DIES])
    cluster = FakeCluster({"a": SAME, "b": SAME}, lambda name, work: next(dying, "done"))
    file = RenderFile(BatchFile("clip.mkv", Path("clip.mkv"), Path("out.mkv")), "{}")
    client, _ = run(cluster, [JoinClip("job", False), file])
    assert [(type(work), work.again) for _, work in cluster.done] == [
        (JoinClip, False),
        (RenderFile, False),
        (JoinClip, True),
        (RenderFile, True),
    ]
    assert Counter(client.finished) == Counter([JoinClip("job", False), file])


def test_a_work_that_ends_every_worker_is_given_up():
    cluster = FakeCluster({name: SAME for name in "abcd"}, lambda name, work: DIES)
    with pytest.raises(VstError, match=r"died, after 2 others with the same work: memory may be short"):
        run(cluster, segments(1))
    assert len(cluster.done) == 3


def test_a_work_that_gets_on_is_not_given_up_however_often_its_worker_dies():
    reached = [100, 240, 250, 480, 490, 720]
    cluster = FakeCluster({name: SAME for name in "abcdefgh"})
    cluster.answer = lambda name, work: "done" if len(cluster.done) > len(reached) else DIES
    cluster.frames_done = lambda worker: Call(worker, reached[min(len(cluster.done), len(reached)) - 1])
    waited, wait = Counter(), cluster.wait

    def wait_for(calls, seconds):
        # A work ends once it was asked how far it is.
        waited.update(call for call in calls if call.value in (DIES, "done"))
        return wait([call for call in calls if call.value not in (DIES, "done") or waited[call] > 3], 0)

    cluster.wait = wait_for
    work = RenderSegments("job", SegmentTask((0, 1, 2), 720, 1))
    client, _ = run(cluster, [work])
    assert client.finished == [work]
    assert len(cluster.done) == len(reached) + 1


def test_a_work_that_fails_on_one_node_is_done_on_another():
    full = Failed("the disk is full")
    cluster = FakeCluster({"a": SAME, "b": SAME}, lambda name, work: full if name == "a" else "done")
    client, notes = run(cluster, segments(1, 2))
    assert len(client.finished) == 2
    assert "node a: the disk is full; done again on another node" in notes


def test_a_work_that_fails_everywhere_or_cannot_succeed_fails():
    cluster = FakeCluster({"a": SAME, "b": SAME, "c": SAME}, lambda name, work: Failed("damaged"))
    with pytest.raises(VstError, match="damaged"):
        run(cluster, segments(1))
    assert len(cluster.done) == 2
    cluster = FakeCluster({"a": SAME, "b": SAME}, lambda name, work: Failed("no such style", 2))
    with pytest.raises(UsageError, match="no such style"):
        run(cluster, segments(1))
    assert len(cluster.done) == 1


def test_a_segment_that_another_process_writes_is_waited_for():
    answers = iter([Failed("is being written", is_in_use=True)] * 5 + ["done"])
    client, notes = run(FakeCluster({"a": SAME}, lambda name, work: next(answers)), segments(1))
    assert len(client.finished) == 1
    assert notes == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (OLDER, r"--device was cpu (AVX2) and is cpu (DEFAULT)"),
        (ROUNDS_DIFFERENTLY, "its processor rounds differently: a probe frame has another hash"),
    ],
)
def test_a_node_with_other_bits_is_left_out_and_named(other, reason):
    machines = {"odd": other, "a": SAME, "b": SAME}
    cluster = FakeCluster(machines)
    _, notes = run(cluster, segments(*range(6)))
    assert {name for name, _ in cluster.done} == {"a", "b"}
    assert notes == [
        f"node odd is not used: it would render other bits than a ({reason}); --allow-mixed uses it all "
        "the same"
    ]
    cluster = FakeCluster(machines)
    _, notes = run(cluster, segments(*range(6)), allow_mixed=True)
    assert {(name, work.allow_mixed) for name, work in cluster.done} == {
        ("a", False),
        ("b", False),
        ("odd", True),
    }
    assert notes[0].startswith(
        "node odd is used because of --allow-mixed: it would render other bits than a"
    )


def test_a_mixed_node_never_plans():
    cluster = FakeCluster({"odd": OLDER, "a": SAME, "b": SAME})
    plans = [PlanClip("", "", "", str(index)) for index in range(6)]
    run(cluster, [*plans, *(ScanPart(plans[0], index) for index in range(6))], allow_mixed=True)
    assert len(cluster.done) == 12
    assert {name for name, _ in cluster.done} == {"a", "b"}


def test_a_plan_is_made_for_all_workers_that_make_its_bits():
    cluster = FakeCluster({"odd": OLDER, "a": SAME, "b": SAME})
    cluster.sizes = {"a": sized("a", 4)}
    run(cluster, [PlanClip("", "", "", "job", 0)], allow_mixed=True)
    run(cluster, [PlanClip("", "", "", "job", 0)])
    run(cluster, [PlanClip("", "", "", "job", 1)])
    assert [work.jobs for _, work in cluster.done] == [5, 5, 1]


def test_workers_that_memory_does_not_allow_are_ended():
    cluster, ended = FakeCluster({"a": SAME}), []
    cluster.sizes = {"a": Node("a", "a", 4, 0, 8 * GIB)}
    cluster.end = lambda worker: ended.append(len(client.finished))
    client = Client()
    fleet = Fleet(cluster, CHECK, 1, False, False, print)
    fleet.spread(0)

    def done(work, value):
        client.finished.append(work)
        if len(cluster.started) == 4:
            fleet.spread(4 * GIB)
        return ()

    client.done = done
    Scheduler(fleet, client, None).run(segments(*range(40)))
    assert cluster.started == ["a"] * 4
    assert [number < 40 for number in ended] == [True, True, False, False]


def test_a_node_that_does_not_see_the_files_is_left_out_and_named():
    blind = Failed("cannot see /films/clip.mov (no such file): mount the same folder there")
    cluster = FakeCluster({"a": SAME, "far": blind})
    client, notes = run(cluster, segments(1, 2))
    assert len(client.finished) == 2
    assert notes == [f"node far is not used: {blind.message}"]
    with pytest.raises(VstError, match=r"^node far: cannot see /films/clip.mov"):
        run(FakeCluster({"far": blind}), segments(1))


def test_nodes_that_join_later_are_checked_and_used():
    cluster = FakeCluster({"a": SAME})

    def answer(name, work):
        cluster.machines["late"] = SAME
        return "done"

    cluster.answer = answer
    run(cluster, segments(*range(8)))
    assert {name for name, _ in cluster.done} == {"a", "late"}


def test_a_node_has_as_many_workers_as_cores_and_memory_allow():
    cluster = FakeCluster({"a": SAME, "b": SAME, "c": SAME})
    cluster.sizes = {
        "a": sized("a", 8),
        "b": Node("b", "b", 8, 0, 4 * GIB),
        "c": sized("c", 1),
    }
    run(cluster, segments(*range(20)), threads=2)
    assert {name: cluster.started.count(name) for name in "abc"} == {"a": 4, "b": 2, "c": 0}


def test_on_gpus_a_node_has_a_worker_for_each():
    cluster = FakeCluster({"a": SAME, "b": SAME})
    cluster.sizes = {"a": Node("a", "a", 8, 2, 64 * GIB)}
    run(cluster, segments(*range(20)), on_gpus=True)
    assert cluster.started.count("a") == 2
    assert "b" not in cluster.started


def test_on_this_machine_alone_all_workers_start_at_once_without_probe_frames():
    cluster = FakeCluster({"a": "no report is asked for"}, sizes={"a": sized("a", 3)}, is_one_machine=True)
    client, notes = run(cluster, segments(1, 2, 3, 4))
    assert (len(client.finished), cluster.started, notes) == (4, ["a"] * 3, [])
    assert cluster.checks == [("a", None)] * 3


def test_the_first_worker_of_each_machine_renders_probe_frames_and_all_look_at_the_files():
    cluster = FakeCluster({"a": SAME, "b": SAME}, sizes={"a": sized("a", 2), "b": sized("b", 2)})
    run(cluster, segments(1, 2, 3, 4))
    probed = CHECK.settings
    assert sorted(cluster.checks, key=str) == [("a", probed), ("a", None), ("b", probed), ("b", None)]


def test_workers_of_this_machine_that_never_answer_are_said():
    cluster = FakeCluster({"a": SAME}, is_one_machine=True)
    cluster.run = lambda worker, work: Call(worker, DIES)
    with pytest.raises(VstError, match="node a: its worker process ended 3 times"):
        run(cluster, segments(1))


def test_a_work_that_ends_every_worker_leaves_the_others():
    bad, *good = segments(9, 1, 2)
    cluster = FakeCluster({"a": SAME}, lambda _, work: DIES if work == bad else "done", is_one_machine=True)
    client = Client()
    client.failed = lambda work, error: ()
    run(cluster, [bad, *good], client=client)
    assert set(client.finished) == set(good)


def test_one_worker_a_node_until_it_is_known_what_one_takes():
    cluster = FakeCluster({"a": SAME})
    cluster.sizes = {"a": sized("a", 8)}
    run(cluster, segments(*range(20)), spread=False)
    assert cluster.started == ["a"]


def test_a_cluster_that_is_too_small_is_said():
    with pytest.raises(VstError, match="no node of the cluster has 4 CPUs; the largest, a, has 1 CPUs"):
        run(FakeCluster({"a": SAME}), segments(1), threads=4)
    with pytest.raises(VstError, match="no node of the cluster has 1 CPU and a GPU"):
        run(FakeCluster({"a": SAME}), segments(1), on_gpus=True)


@pytest.mark.parametrize(
    ("works", "answers", "kept"),
    [
        (4, {"a": "done", "b": Failed("stopped", 130, kept=7)}, [7]),
        (2, {"a": "done", "b": Failed("stopped", 130, kept=7)}, [7]),
        (2, {"a": "done", "b": DIES}, [0]),
        (3, {"a": "done", "b": "done"}, []),
    ],
)
def test_a_stop_tells_the_workers_and_counts_what_is_kept(works, answers, kept):
    client, cluster = stopped_run(segments(*range(works)), answers, raises=True)
    assert sorted(cluster.stopped) == ["a", "b"]
    assert (len(client.finished), client.kept_frames) == (sum(v == "done" for v in answers.values()), kept)


def test_a_stop_that_comes_when_all_is_nearly_done_is_too_late():
    client, _ = stopped_run(segments(1, 2), {"a": "done", "b": "done"}, raises=False)
    assert len(client.finished) == 2


def stopped_run(works, answers, *, raises):
    """Run works that end only once their worker is told to stop; returns client and cluster."""
    stop, client = threading.Event(), Client()
    cluster = FakeCluster({"a": SAME, "b": SAME}, lambda name, work: answers[name])
    ready, wait = set(), cluster.wait

    def wait_for(calls, seconds):
        calls = [call for call in wait(calls, seconds) if call.worker[0] in ready or call.value is SAME]
        if len(cluster.done) == 2 and not stop.is_set():
            stop.set()
            return []
        return calls

    def tell(worker):
        ready.add(worker[0])
        cluster.stopped.append(worker[0])

    cluster.wait, cluster.stop = wait_for, tell
    fleet = Fleet(cluster, CHECK, 1, False, False, print)
    expected = pytest.raises(Interrupted, match="stopped; nothing is kept") if raises else nullcontext()
    with expected:
        Scheduler(fleet, client, stop).run(works)
    assert fleet.workers == []
    return client, cluster


def test_progress_names_works_and_workers():
    cluster = FakeCluster({"a": SAME, "b": SAME})
    turns, wait = iter(range(6)), cluster.wait

    def wait_for(calls, seconds):
        # Twice nothing is done, once the works are running.
        return (
            wait(calls, seconds)
            if not cluster.done or next(turns, 9) > 4
            else [call for call in calls if call.value == 5]
        )

    cluster.wait = wait_for
    client, _ = run(cluster, segments(1, 2, 3))
    running, busy = client.progress[1]
    assert busy == "2 workers on 2 nodes"
    assert [(work.task.segments, frames) for work, frames in running] == [((2,), 5), ((1,), 5)]


def turns(cluster, works, *, allow_mixed=False, most=200):
    """Run works for so many turns at most; returns the client and whether all was done by then."""
    client = Client()
    fleet = Fleet(cluster, CHECK, 1, False, allow_mixed, lambda note: None)
    fleet.spread(0)
    steps = Scheduler(fleet, client, None).steps(works)
    return client, sum(1 for _ in itertools.islice(steps, most)) < most


def test_a_node_that_leaves_while_it_is_idle_is_not_waited_for():
    cluster = FakeCluster({"a": SAME, "b": SAME})

    def answer(name, work):
        for other in set(cluster.machines) - {name}:
            del cluster.machines[other]
        return Failed("the disk is full") if len(cluster.done) == 1 else "done"

    cluster.answer = answer
    client, all_done = turns(cluster, segments(1))
    assert all_done
    assert len(client.finished) == 1


def test_a_cluster_whose_nodes_have_all_left_is_said():
    cluster = FakeCluster({"a": SAME, "b": SAME})

    def answer(name, work):
        cluster.machines.clear()
        return DIES

    cluster.answer = answer
    with pytest.raises(VstError, match="the cluster has no nodes"):
        turns(cluster, segments(1))


def test_what_only_one_node_may_plan_is_not_kept_for_others():
    cluster = FakeCluster({"odd": OLDER, "a": SAME}, lambda name, work: Failed("the disk is full"))
    cluster.sizes = {"a": sized("a", 2)}
    with pytest.raises(VstError, match="the disk is full"):
        turns(cluster, [ScanPart(PlanClip("", "", "", "job"), 0)], allow_mixed=True)


def test_a_worker_that_does_not_stop_is_waited_for_once(monkeypatch):
    monkeypatch.setattr(scheduler_module, "STOP_SECONDS", 0.0)
    cluster, stop = FakeCluster({"a": SAME}), threading.Event()

    def run_one(worker, work):
        if isinstance(work, Check):
            return Call(worker, SAME)
        stop.set()
        return Call(worker, None)

    cluster.run = run_one
    cluster.wait = lambda calls, seconds: [call for call in calls if call.value is not None]
    with pytest.raises(Interrupted):
        run(cluster, segments(1), stop=stop)
    assert cluster.stopped == ["a"]
