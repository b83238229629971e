"""The memory benchmark measures whole process trees."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.memory import make_clip, measure
from benchmarks.process_tree import cpu_seconds, process_tree
from vst.errors import VstError
from vst.media import Reader
from vst.media.probe import probe

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc"
)


def test_memory_of_grandchildren_is_counted():
    hold = "import time; held = bytearray(b'x' * 60_000_000); time.sleep(1.5)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    alone = measure([sys.executable, "-c", "import time; time.sleep(0.5)"])
    both = measure([sys.executable, "-c", start])
    assert (alone.code, both.code) == (0, 0)
    assert alone.samples >= 1
    assert both.peak - alone.peak > 55_000_000


def test_a_command_that_fails_is_reported_with_its_error():
    usage = measure([sys.executable, "-c", "import sys; sys.exit('nothing to render')"])
    assert usage.code == 1
    assert "nothing to render" in usage.errors


def test_a_process_tree_starts_with_its_root_and_has_every_process_once():
    assert process_tree(1)[0] == 1
    assert len(set(process_tree(1))) == len(process_tree(1))


def test_generated_clips_have_the_requested_size_and_length_and_move(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", 0.4, 64)
    info = probe(clip)
    assert (info.width, info.height) == (114, 64)
    with Reader(clip) as reader:
        frames = [frame.image for frame in reader]
    assert len(frames) == 10
    assert (frames[0] - frames[5]).abs().mean() > 0.01


def test_cpu_seconds_count_processes_that_nobody_waits_for():
    busy = "import time\nwhile time.process_time() < 1: pass\ntime.sleep(1.2)\nprint()"
    start = f"import subprocess as s, sys; p = s.Popen([sys.executable, '-c', {busy!r}], stdout=s.PIPE)"
    parent = f"{start}; p.stdout.readline()"
    assert 0.9 < cpu_seconds([sys.executable, "-c", parent]) < 3


def test_a_command_that_fails_is_an_error():
    with pytest.raises(VstError, match="out of paint"):
        cpu_seconds([sys.executable, "-c", "raise SystemExit('out of paint')"])
