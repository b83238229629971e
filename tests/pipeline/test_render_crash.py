"""A render in changing styles, killed by SIGKILL at any time and resumed, gives the uninterrupted file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.crash_worker import SEGMENT
from tests.pipeline.scenes import scenes
from vst.pipeline.stages import DEPTH

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_renders_killed_at_random_moments_and_resumed_give_the_uninterrupted_file(
    tmp_path, tiny_weights, exact_clip
):
    clip = exact_clip("clip.mkv", scenes())
    (tmp_path / "out").mkdir()
    worker = Path(__file__).with_name("crash_worker.py")
    result = subprocess.run(
        [sys.executable, worker, clip, tiny_weights, tmp_path / "out", "7", str(KILLS)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert result.returncode == 0, result.stderr
    trials = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(len(trial["killed"]) for trial in trials) >= KILLS
    whole = (tmp_path / "out" / "whole.mp4").read_bytes()
    for trial in trials:
        assert (tmp_path / "out" / trial["output"]).read_bytes() == whole, trial
        # At most one segment is rendered again, and the frames that waited to be encoded.
        assert trial["resumed"] >= max(trial["killed"], default=0) - SEGMENT - 2 * DEPTH, trial
    assert sum(trial["resumed"] > 0 for trial in trials) >= len(trials) // 3
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == sorted(
        ["whole.mp4", *(trial["output"] for trial in trials)]
    )
