"""Every program of vst lets OpenMP's threads wait asleep, before torch is imported."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.batch.test_batch_workers import files
from vst.batch.workers import run_in_workers
from vst.errors import MediaError
from vst.openmp import POLICY, children_wait_asleep, wait_asleep

ROOT = Path(__file__).parents[1]

DECIDED = [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "100"}, {"KMP_BLOCKTIME": "5"}]

# Ends the program at its first import of torch, and prints what libgomp is about to read.
AT_TORCH = """
import os, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            os.write(1, os.environ.get("OMP_WAIT_POLICY", "unset").encode())
            os._exit(0)
sys.meta_path.insert(0, Finder())
"""

PROGRAMS = {
    "vst": "from vst.cli import main; main(['doctor'])",
    "python -m vst": "import runpy; sys.argv[1:] = ['doctor']; runpy.run_module('vst', None, '__main__')",
    "cli.py": "import runpy; sys.argv[1:] = ['doctor']; runpy.run_path('cli.py', None, '__main__')",
    "worker": "from vst.host.worker import main; "
    "main(['--socket', f'{sys.argv[1]}/s', '--host', str(os.getpid())])",
    "node worker": "from vst.batch.cluster.node_worker import NodeWorker; NodeWorker(); import torch",
    "benchmarks": "import benchmarks.networks",
}


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_decides_before_it_imports_torch(program, tmp_path):
    tmp_path.chmod(0o700)
    command = [sys.executable, "-c", AT_TORCH + PROGRAMS[program], str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "PASSIVE"


def test_importing_the_library_leaves_the_environment_alone():
    script = AT_TORCH + "import vst\nvst.render\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "unset"


@pytest.mark.parametrize("decided", DECIDED, ids=str)
def test_what_the_user_has_set_stays(monkeypatch, decided):
    for name, value in decided.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    wait_asleep()
    with children_wait_asleep():
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_the_environment_is_restored_after_children_are_started():
    with children_wait_asleep():
        assert os.environ[POLICY] == "PASSIVE"
    assert POLICY not in os.environ


def say_policy(file, progress, stop):
    raise MediaError(os.environ.get(POLICY, "unset"))


def test_job_processes_of_a_batch_decide_too():
    (result,) = run_in_workers(files("clip"), say_policy, 1, lambda *_: None, threading.Event())
    assert result.message == "PASSIVE"
    assert POLICY not in os.environ
