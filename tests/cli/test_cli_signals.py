"""Ctrl-C: the first stops the render cleanly, the second at once; both exit with 130."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Replaces the render, so that no weights are loaded: it runs until it is asked to stop.
SCRIPT = """
import sys, time
from vst.errors import Interrupted

import vst.pipeline

def render(source, settings, output, *, progress, stop, begun):
    print("working", flush=True)
    while not stop.is_set():
        time.sleep(0.01)
    print("asked", flush=True)
    if settings.style == "stubborn":
        time.sleep(600)
    raise Interrupted("frame 3 was the last")

vst.pipeline.render = render
from vst.cli import main
main(["render", "clip.mov", "--style", sys.argv[1]])
"""


def start(style: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, style],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_render_cleanly(number):
    process = start("willing")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == "asked\n"
    assert "stopping after this frame" in err
    assert err.endswith("vst: stopped: frame 3 was the last\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals to one process")
def test_the_second_signal_ends_at_once():
    process = start("stubborn")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
