"""The public names of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "first", ["vst.stylize", "vst.Report", "vst.RenderSettings", "__import__('vst.pipeline.job')"]
)
def test_render_can_be_called_whatever_was_used_before_it(first):
    script = f"import vst; {first}; assert callable(vst.render); vst.render('x.mp4')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "missing 1 required positional argument: 'settings'" in done.stderr
