"""Damaged files: the reader does not crash, hang or fill the memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import make_flow, make_seeds, mutants

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="limits of a process are set as POSIX has it"
)

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("fuzz_worker.py")

SEED = 20260
SECONDS = 20
"""For one file, which takes some milliseconds; large enough for a busy machine."""

READING_MEMORY = 400
"""Peak memory of the process in MB; about 110 of them are libraries."""


def run(kind: str, files: list[Path], tmp_path: Path, address_space: int, *more: str) -> list[str]:
    """Process files in one process, and in a new one after each crash. Returns the log's lines."""
    left, lines = list(files), []
    todo, log = tmp_path / "list", tmp_path / "log"
    while left:
        todo.write_text("\n".join(map(str, left)), "utf-8")
        log.write_text("")
        done = subprocess.run(
            [
                sys.executable,
                str(WORKER),
                kind,
                str(todo),
                str(log),
                str(SECONDS),
                str(address_space),
                *more,
            ],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        said = log.read_text("utf-8").splitlines()
        lines += said
        if done.returncode == 0:
            break
        begun = [line.removeprefix("begin ") for line in said if line.startswith("begin ")]
        assert begun, f"the worker did not begin: {done.stderr}"
        died = signal.Signals(-done.returncode).name if done.returncode < 0 else done.returncode
        lines.append(f"{begun[-1]}: 0 MB: BROKEN: died of {died}: {done.stderr[-300:]}")
        left = left[left.index(Path(begun[-1])) + 1 :]
    return lines


def outcomes(lines: list[str]) -> dict[str, str]:
    return {name: became for name, _, became in (line.split(": ", 2) for line in lines if " MB: " in line)}


def memory(lines: list[str]) -> tuple[int, str]:
    """The peak memory, and the file after which it was reached."""
    used = [
        (int(line.split(": ")[1].removesuffix(" MB")), line.split(": ")[0])
        for line in lines
        if " MB: " in line
    ]
    peak = max(number for number, _ in used)
    return next((number, name) for number, name in used if number == peak)


def broken(found: dict[str, str]) -> list[str]:
    return [f"{name}: {became}" for name, became in found.items() if became.startswith("BROKEN")]


def test_five_hundred_damaged_files_are_read_or_refused_without_torch(tmp_path):
    seeds = make_seeds(tmp_path / "seeds")
    files = list(mutants(seeds, tmp_path / "mutants", 500, SEED))
    lines = run("read", seeds + files, tmp_path, address_space=4096)
    found = outcomes(lines)
    assert len(found) == len(seeds) + 500
    assert broken(found) == []
    assert lines[-1] == "torch False"
    peak, after = memory(lines)
    assert peak < READING_MEMORY, f"{peak} MB after {after}"
    # The good ones are read, and of the others enough get past the header that decoders are tried too.
    assert [name for name in map(str, seeds) if found[name].startswith("refused")] == []
    refused = sum(became.startswith("refused") for became in found.values())
    assert 100 < refused < 400


def test_the_damaged_files_are_the_same_in_every_run(tmp_path):
    seeds = [make_flow(tmp_path)]
    first, again = (
        [path.read_bytes() for path in mutants(seeds, tmp_path / name, 30, SEED)] for name in ("a", "b")
    )
    assert first == again
    assert len(set(first)) > 20


def test_damaged_files_are_rendered_or_refused(tmp_path, tiny_weights):
    seeds = make_seeds(tmp_path / "seeds")
    # More than are wanted, since many are not even opened: whatever can be is painted.
    clips = list(mutants(seeds, tmp_path / "mutants", 25, SEED + 1))
    others = list(mutants([make_flow(tmp_path)], tmp_path / "flow", 30, SEED))
    weights = sorted(tiny_weights.glob("*.safetensors"))
    others += mutants(weights, tmp_path / "weights", 30, SEED)
    found = outcomes(run("render", clips + others, tmp_path, 16384, str(tiny_weights)))
    assert len(found) == 85
    assert broken(found) == []
    assert sum(became.endswith("painted") for became in found.values()) >= 10
