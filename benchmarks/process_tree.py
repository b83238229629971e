"""A process and its descendants, from /proc (Linux only)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vst.errors import VstError

INTERVAL = 0.25
"""Seconds between two samples of CPU time: what a process does after its last one is not counted."""

_TICK = os.sysconf("SC_CLK_TCK")


def process_tree(root: int) -> list[int]:
    """The process IDs of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            # State and parent follow the name, which is in brackets and may contain any character.
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it has ended meanwhile
        children.setdefault(parent, []).append(int(folder.name))
    members = [root]
    for member in members:
        members.extend(children.get(member, []))
    return members


def cpu_seconds(command: Sequence[str]) -> float:
    """Run a command; user and system time of its process tree in seconds.

    Processes are counted that nobody waits for, which `resource.getrusage` leaves out, such as Ray's.

    Raises:
        VstError: The command failed.
    """
    seen: dict[int, float] = {}
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as process:
            while process.poll() is None:
                for pid in process_tree(process.pid):
                    seen[pid] = max(seen.get(pid, 0.0), _cpu_seconds(pid))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(INTERVAL)
        if process.returncode:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise VstError(f"{' '.join(command)} failed: {text}")
    return sum(seen.values())


def _cpu_seconds(pid: int) -> float:
    """User and system time; 0 for a process that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK
    except (OSError, IndexError):
        return 0.0
