"""Kills renders at random moments and resumes them; the crash test runs it as a process.

    python crash_worker.py CLIP WEIGHTS FOLDER SEED KILLS

It imports torch once and forks for every render. It prints one JSON object for each render that finished:
the name of the output, the frame at each kill before that, and the number of resumed frames.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import struct
import sys
import time
import traceback
from pathlib import Path

import torch

import vst.pipeline.job
from vst.pipeline import RenderSettings, render

SEGMENT = 4
LONGEST_DELAY = 0.03
"""The longest delay of a kill after a frame, in seconds, so that it can hit any step of the next frame."""

DONE = -1


def child(write: int, clip: Path, output: Path, weights: Path) -> None:
    """Render, and write the number of every frame, then `DONE` and the number of resumed frames."""
    torch.set_num_threads(1)
    settings = RenderSettings(
        style="6f:red 20f:blue", device="cpu", precision="fp32", threads=1, weights_dir=weights, crf=30
    )
    vst.pipeline.job.MAX_SEGMENT_FRAMES = SEGMENT
    report = render(
        clip, settings, output, progress=lambda each: os.write(write, struct.pack("i", each.frame))
    )
    os.write(write, struct.pack("ii", DONE, report.resumed))


def run(clip: Path, output: Path, weights: Path, kill_after: int | None, delay: float) -> list[int]:
    """Render in a child process, and kill it after some frames and a delay; returns what it wrote."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.close(read)
            child(write, clip, output, weights)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(write)
    written: list[int] = []
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while True:
            if kill_after is not None and len(written) >= kill_after:
                time.sleep(delay)
                os.kill(process, signal.SIGKILL)
                kill_after = None
            data = pipe.read(4)
            if not data:
                break
            written += struct.unpack("i", data)
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a render failed")
    return written


def remove_leftovers(output: Path) -> None:
    """Remove the work folder and locks of a render that was killed when its output was complete."""
    for left in output.parent.glob(f".{output.name}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def main() -> None:
    clip, weights, folder = (Path(each) for each in sys.argv[1:4])
    random_source = random.Random(int(sys.argv[4]))
    kills_to_make = int(sys.argv[5])
    frames = len(run(clip, folder / "whole.mp4", weights, None, 0)) - 2
    kills = number = 0
    while kills < kills_to_make:
        number += 1
        output = folder / f"{number}.mp4"
        killed, written = [], []
        # Up to three kills, then to the end.
        for _ in range(3):
            written = run(
                clip,
                output,
                weights,
                random_source.randint(0, frames),
                random_source.random() * LONGEST_DELAY,
            )
            if DONE in written:
                break
            kills += 1
            killed.append(max(written, default=0))
            if output.exists():
                # Killed after the output got its name: nothing is left to resume.
                written = [DONE, frames]
                remove_leftovers(output)
                break
        if DONE not in written:
            written = run(clip, output, weights, None, 0)
        print(json.dumps({"output": output.name, "killed": killed, "resumed": written[-1]}), flush=True)


if __name__ == "__main__":
    main()
