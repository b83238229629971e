"""A Ray cluster of several nodes on this machine whose processes can be killed. Linux only."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.frame_hashes import ROOT
from benchmarks.process_tree import parent_of, processes

_TOKEN = secrets.token_hex(32)
"""Of all clusters of this process: Ray keeps the first one that it reads."""


class Nodes:
    """Nodes of one CPU each, beside a head without CPUs. Its processes end with the block.

    Args:
        names: Of the nodes.

    Attributes:
        environment: What a driver needs in its environment, beside that of this process.
    """

    def __init__(self, *names: str) -> None:
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": _TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            "PYTHONPATH": str(ROOT),
        }
        os.environ.update(self.environment)  # Ray's processes are started with that of this process
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "node_name": "head"})
        self._nodes: dict[str, Any] = {}
        for name in names:
            self.add(name)

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()

    @property
    def address(self) -> str:
        """Of the head."""
        return str(self._cluster.address)

    def add(self, name: str) -> None:
        """Add a node."""
        self._nodes[name] = self._cluster.add_node(num_cpus=1, node_name=name)

    def node_of(self, process: int) -> str | None:
        """The name of the node to which a process belongs; None if it is gone."""
        above = set(ancestors(process))
        for name in self._nodes:
            if above & set(self._roots(name)):
                return name
        return None

    def workers(self) -> list[int]:
        """Processes that render, on all nodes."""
        return [
            process
            for process in processes()
            if command_of(process).startswith("ray::NodeWorker") and self.node_of(process)
        ]

    def kill(self, name: str) -> None:
        """End all processes of a node with SIGKILL, as when its machine loses power."""
        roots = self._roots(name)
        for process in [each for each in processes() if set(ancestors(each)) & set(roots)]:
            kill(process)
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)

    def _roots(self, name: str) -> list[int]:
        return [each.pid for _, each in self._nodes[name].live_processes()]


def kill(process: int) -> None:
    """End a process with SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def command_of(process: int) -> str:
    """What a process calls itself; empty if it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def ancestors(process: int) -> Iterator[int]:
    """A process, its parent, and so on."""
    found: int | None = process
    while found is not None and found > 1:
        yield found
        found = parent_of(found)


def writers(folder: Path) -> list[int]:
    """Processes that write a segment in a work folder."""
    begin = f"{folder}/part-"
    return [each for each in processes() if any(file.startswith(begin) for file in _open_files(each))]


def _open_files(process: int) -> list[str]:
    try:
        return [os.readlink(each) for each in Path(f"/proc/{process}/fd").iterdir()]
    except OSError:  # it has ended, or closes the file
        return []
