"""The benchmark of memory sees what it is to see."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.memory import family, make_clip, measure
from vst.media import Reader
from vst.media.probe import probe

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc"
)


def test_memory_of_grandchildren_counts():
    hold = "import time; held = bytearray(b'x' * 60_000_000); time.sleep(1.5)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    alone = measure([sys.executable, "-c", "import time; time.sleep(0.5)"])
    both = measure([sys.executable, "-c", start])
    assert (alone.code, both.code) == (0, 0)
    assert alone.looks >= 1
    assert both.peak - alone.peak > 55_000_000


def test_a_command_that_fails_is_told_with_its_reason():
    usage = measure([sys.executable, "-c", "import sys; sys.exit('nothing to paint')"])
    assert usage.code == 1
    assert "nothing to paint" in usage.errors


def test_a_process_belongs_to_its_own_family_and_its_children_do_not_contain_it():
    assert family(1)[0] == 1
    assert len(set(family(1))) == len(family(1))


def test_its_clips_have_the_size_and_length_asked_for_and_move(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", 0.4, 64)
    info = probe(clip)
    assert (info.width, info.height) == (114, 64)
    with Reader(clip) as reader:
        frames = [frame.image for frame in reader]
    assert len(frames) == 10
    assert (frames[0] - frames[5]).abs().mean() > 0.01
