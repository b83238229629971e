"""Training works on machines that have no PyAV and no PySceneDetect."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
sys.modules["av"] = sys.modules["scenedetect"] = None
import torch
import vst.train.add, vst.train.run
from vst.train.sequences import nearest_motion
flow, mask = nearest_motion(torch.zeros(3, 3, 32, 32, dtype=torch.uint8))
assert flow.shape == (3, 2, 32, 32)
assert mask[1:].any()
"""


def test_training_needs_neither_pyav_nor_pyscenedetect():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
