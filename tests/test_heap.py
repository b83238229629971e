"""Every program of vst keeps freed memory for the next frame."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_openmp import PROGRAMS
from vst.heap import _DECIDED_BY

ROOT = Path(__file__).parents[1]

IS_GLIBC = sys.platform == "linux" and "glibc" in subprocess.run(
    ["getconf", "GNU_LIBC_VERSION"], capture_output=True, text=True, check=False
).stdout  # fmt: skip

# Prints how many pages are brought in by allocations that were freed before.
FAULTS = """
import resource
def take():
    for each in [bytearray(28 << 20) for _ in range(3)]:
        each[::4096] = bytes(len(each) // 4096)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def count():
    take()
    before = faults()
    for _ in range(3):
        take()
    return (faults() - before) * resource.getpagesize() >> 20
"""

# Ends a program at its first import of torch.
AT_TORCH = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            sys.meta_path.remove(self)
            os.write(1, str(count()).encode())
            os._exit(0)
sys.meta_path.insert(0, Finder())
"""


def run(script: str, *arguments: str, **environment: str) -> int:
    """The megabytes that `script` prints."""
    command = [sys.executable, "-c", "import os, sys\n" + FAULTS + script, *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(done.stdout)


@pytest.mark.skipif(not IS_GLIBC, reason="the C library is not glibc")
class TestWithGlibc:
    @pytest.mark.parametrize("program", PROGRAMS)
    def test_a_program_does_not_return_the_memory_of_a_frame(self, program, tmp_path):
        tmp_path.chmod(0o700)
        assert run(AT_TORCH + PROGRAMS[program], str(tmp_path)) < 150

    def test_importing_the_library_leaves_the_allocator_alone(self):
        assert run(AT_TORCH + "import vst\nvst.render\n") > 200

    @pytest.mark.parametrize("name", _DECIDED_BY)
    def test_what_the_user_has_set_stays(self, name):
        value = "glibc.malloc.arena_max=8" if name == "GLIBC_TUNABLES" else "0"
        changed = "from vst.heap import keep_freed_memory\nkeep_freed_memory()\nprint(count())"
        assert run(changed) < 50
        if name in ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
            assert run(changed, **{name: value}) > 200


def test_another_c_library_is_left_alone(monkeypatch):
    import vst.heap

    monkeypatch.setattr(vst.heap.os, "confstr", lambda name: None)
    monkeypatch.setattr(vst.heap.ctypes, "CDLL", lambda name: pytest.fail("the library was opened"))
    vst.heap.keep_freed_memory()
