"""Renders that are killed: run by the crash test in a process of its own, which loads torch once and forks.

    python crash_worker.py CLIP WEIGHTS FOLDER SEED KILLS

Prints one JSON object a render that came to its end: which kills came before it, and how it went on.
"""

from __future__ import annotations

import json
import os
import random
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
"""Seconds after a frame at which a process is killed at the latest: so it hits any step of the next one."""

DONE = -1


def child(write: int, clip: Path, output: Path, weights: Path) -> None:
    """Render, and say the number of every frame, then `DONE` and how many frames were not painted again."""
    torch.set_num_threads(1)
    settings = RenderSettings(
        style="red", device="cpu", precision="fp32", threads=1, weights_dir=weights, crf=30
    )
    vst.pipeline.job.MAX_SEGMENT_FRAMES = SEGMENT
    report = render(
        clip, settings, output, progress=lambda each: os.write(write, struct.pack("i", each.frame))
    )
    os.write(write, struct.pack("ii", DONE, report.resumed))


def run(clip: Path, output: Path, weights: Path, kill_after: int | None, delay: float) -> list[int]:
    """Render in a process of its own, killed some time after so many frames; returns what it said."""
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
    said: list[int] = []
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while True:
            if kill_after is not None and len(said) >= kill_after:
                time.sleep(delay)
                os.kill(process, signal.SIGKILL)
                kill_after = None
            data = pipe.read(4)
            if not data:
                break
            said += struct.unpack("i", data)
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a render failed")
    return said


def main() -> None:
    clip, weights, folder = (Path(each) for each in sys.argv[1:4])
    chance = random.Random(int(sys.argv[4]))
    wanted = int(sys.argv[5])
    frames = len(run(clip, folder / "whole.mp4", weights, None, 0)) - 2
    kills = number = 0
    while kills < wanted:
        number += 1
        output = folder / f"{number}.mp4"
        killed, said = [], []
        # Up to three kills, then to the end.
        for _ in range(3):
            said = run(clip, output, weights, chance.randint(0, frames), chance.random() * LONGEST_DELAY)
            if DONE in said:
                break
            kills += 1
            killed.append(max(said, default=0))
        if DONE not in said:
            said = run(clip, output, weights, None, 0)
        print(json.dumps({"output": output.name, "killed": killed, "resumed": said[-1]}), flush=True)


if __name__ == "__main__":
    main()
