"""Ray: connecting to a cluster, and what `fleet` needs of it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from vst.batch.cluster.fleet import Node, WorkerDied
from vst.batch.cluster.node_worker import CONCURRENT_CALLS, NodeWorker
from vst.batch.cluster.works import Work, failed
from vst.batch.cores import usable_cores
from vst.errors import UsageError, VstError, suggestion
from vst.sizes import MIB

LOCAL, AUTO = "local", "auto"

_OBJECT_STORE = 80 * MIB
"""Shared memory of a local cluster: nothing large travels. Ray takes no less than 75 MiB."""

_SERVER = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns of a default that will change
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^",  # else Ray prints that a node has died, with its log, to stdout
}
"""Set while Ray is imported and starts, unless the user has: no usage reports, nothing on stdout."""

_LOCAL_ONLY = {
    "RAY_AUTH_MODE": "token",  # other users of this machine cannot run code in it
    "RAY_worker_niceness": "0",  # as the workers of a batch without Ray
    # By default Ray's own processes take about an eighth of a core; memory is still looked at every second.
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "LOG_NAME_UPDATE_INTERVAL_S": "60",
    "AUTOSCALER_UPDATE_INTERVAL_S": "60",
    "RAY_memory_monitor_refresh_ms": "1000",
    "RAY_gcs_pull_resource_loads_period_milliseconds": "10000",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_enable_metrics_collection": "0",
}
"""The same for a local cluster."""

_log = logging.getLogger(__name__)


def check_address(address: str) -> None:
    """Check the value of ``--ray``.

    Raises:
        UsageError: It is none.
        VstError: Ray is not installed.
    """
    if address.startswith("ray://"):
        raise UsageError(
            f"--ray is {address!r}, an address of Ray Client: run vst on a machine of the cluster, with "
            "--ray auto"
        )
    if address not in (LOCAL, AUTO) and not _SERVER.fullmatch(address):
        raise UsageError(
            f"--ray is {address!r}: {suggestion(address, (AUTO, LOCAL))}, or an address such as "
            "10.0.0.1:6379"
        )
    if find_spec("ray") is None:
        raise VstError("--ray needs Ray, which is not installed: pip install 'vst[ray]'")


@contextlib.contextmanager
def connected(address: str) -> Iterator[RayCluster]:
    """Connect to a cluster, or start one on this machine.

    If the program is connected already, that connection is used and kept.

    Args:
        address: ``local``, ``auto``, or the address of a cluster's head.

    Raises:
        UsageError: It is no address.
        VstError: Ray is not installed, or there is no cluster, or it does not let this machine in.
    """
    check_address(address)
    variables = _QUIET | (_LOCAL_ONLY if address == LOCAL else {})
    with _environment(variables):
        import ray

    if ray.is_initialized():
        yield RayCluster()
        return
    with _signals_kept(), _environment(variables):
        _connect(address)
    try:
        yield RayCluster(is_one_machine=address == LOCAL)
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    import ray

    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        options |= {
            "num_cpus": usable_cores(),
            "object_store_memory": _OBJECT_STORE,
            "include_dashboard": False,
        }
    try:
        ray.init(**options)
    # Ray has no common class of what can go wrong here.
    except Exception as error:
        with contextlib.suppress(Exception):
            ray.shutdown()
        _log.debug("ray.init", exc_info=error)
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise VstError(f"{_failure(address, error)} ({type(error).__name__}: {reason})") from error


def _failure(address: str, error: Exception) -> str:
    if any("authenticat" in f"{type(each).__name__} {each}".lower() for each in _chain(error)):
        if address == LOCAL:
            return (
                "Ray was imported without a token: set RAY_AUTH_MODE=token before you import Ray, check "
                "RAY_AUTH_TOKEN, or call ray.init() first"
            )
        return (
            "the Ray cluster asks for a token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the "
            "file that has it, as on its nodes"
        )
    if address == LOCAL:
        return "Ray does not start on this machine"
    if address == AUTO:
        return "no Ray cluster is running on this machine: start one with 'ray start', or give --ray local"
    return (
        f"the Ray cluster at {address} cannot be reached from here: check the address, and run vst on a "
        "machine of the cluster"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it: Ray tells only in the first of them that a token was wrong."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class RayCluster:
    """See `vst.batch.cluster.fleet.Cluster`: a worker is an actor, a call an object reference."""

    def __init__(self, is_one_machine: bool = False) -> None:
        self.is_one_machine = is_one_machine

    def nodes(self) -> list[Node]:
        """The nodes that are alive."""
        import ray

        found = []
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            resources, host, name = node["Resources"], node["NodeManagerHostname"], node["NodeName"]
            given = name if name and name != node["NodeManagerAddress"] else host
            found.append(
                Node(
                    node["NodeID"],
                    given,
                    int(resources.get("CPU", 0)),
                    int(resources.get("GPU", 0)),
                    int(resources.get("memory", 0)),
                )
            )
        return found

    def start(self, node: Node, cpus: int, gpus: int) -> Any:
        """Start a worker on a node; it begins once so many CPUs and GPUs are free there."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options = {
            "num_cpus": cpus,
            "num_gpus": gpus,
            "max_concurrency": CONCURRENT_CALLS,
            "max_restarts": 0,  # the scheduler starts another one, maybe elsewhere
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node.id, soft=False),
        }
        return ray.remote(NodeWorker).options(**options).remote(on_gpu=gpus > 0)

    def run(self, worker: Any, work: Work) -> Any:
        """A call that does a work."""
        return worker.run.remote(work)

    def frames_done(self, worker: Any) -> Any:
        """A call that asks how many frames of its work are done."""
        return worker.frames_done.remote()

    def stop(self, worker: Any) -> None:
        """Tell a worker to stop after its frame."""
        worker.stop.remote()

    def end(self, worker: Any) -> None:
        """End a worker at once."""
        import ray

        with contextlib.suppress(ray.exceptions.RayError, ValueError):
            ray.kill(worker)

    def wait(self, calls: Sequence[Any], seconds: float) -> list[Any]:
        """The calls that are done; waits until there is one, or so long."""
        import ray

        ready, _ = ray.wait(list(calls), timeout=seconds)
        if ready:
            ready, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        return list(ready)

    def result(self, call: Any) -> Any:
        """The result of a call that is done."""
        import ray

        try:
            return ray.get(call)
        except ray.exceptions.RayTaskError as error:  # the worker itself has a bug, or another version
            return failed(error)
        except ray.exceptions.RayError as error:
            _log.debug("a worker died", exc_info=error)
            raise WorkerDied from error


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for the block, where the user has set none."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep the handlers of signals, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
