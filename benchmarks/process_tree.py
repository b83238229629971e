"""A process and its descendants, from /proc (Linux only)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from vst.errors import VstError

INTERVAL = 0.25
"""Seconds between two samples of CPU time: what a process does after its last one is not counted."""

_TICK = os.sysconf("SC_CLK_TCK")


def processes() -> list[int]:
    """All processes of this machine."""
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]


def parent_of(pid: int) -> int | None:
    """The parent of a process; None if it has ended."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def process_tree(root: int) -> list[int]:
    """The process IDs of a process and all its descendants."""
    children: dict[int | None, list[int]] = {}
    for pid in processes():
        children.setdefault(parent_of(pid), []).append(pid)
    members = [root]
    for member in members:
        members.extend(children.get(member, []))
    return members


def run_sampled(
    command: Sequence[str], seconds: float, look: Callable[[list[int]], None]
) -> tuple[int, str]:
    """Run a command and look at its process tree every now and then.

    Args:
        command: The command.
        seconds: Between two looks.
        look: Called with the process IDs of the tree.

    Returns:
        Its exit code and the text on stderr.
    """
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as process:
            while process.poll() is None:
                look(process_tree(process.pid))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
        errors.seek(0)
        return process.returncode, errors.read().decode(errors="replace")


def cpu_seconds(command: Sequence[str]) -> float:
    """Run a command; user and system time of its process tree in seconds.

    Processes are counted that nobody waits for, which `resource.getrusage` leaves out, such as Ray's.

    Raises:
        VstError: The command failed.
    """
    seen: dict[int, float] = {}

    def look(members: list[int]) -> None:
        for pid in members:
            seen[pid] = max(seen.get(pid, 0.0), _cpu_seconds(pid))

    code, errors = run_sampled(command, INTERVAL, look)
    if code:
        raise VstError(f"{' '.join(command)} failed: {errors.strip()}")
    return sum(seen.values())


def _cpu_seconds(pid: int) -> float:
    """User and system time; 0 for a process that has ended."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0


def _stat(pid: int) -> list[str]:
    """What /proc says of a process, from its state on; empty if it has ended."""
    try:
        # State and parent follow the name, which is in brackets and may contain any character.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
