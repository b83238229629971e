"""What a frame costs on its way from an editor to the worker and back, beside the painting itself.

    python -m benchmarks.editor_round_trip [--width 1920] [--height 1080] [--frames 12] [--rounds 4]

The OpenFX test host renders float RGBA frames through the plugin, in mode itn. Each frame is rendered once
so that its painting is in the worker's cache, and then again: what is left is the round trip. The host's
picture is read, hashed and written to shared memory, the worker is asked, writes the painting to shared
memory, and the host's picture is written. The host measures its render action. A plain copy of as many
bytes there and back, in the same run, says how fast this machine's memory is at the moment.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.markdown import markdown
from vst.host.plugin_build import Built, find_or_build

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--style", default="candy")
    options = parser.parse_args()
    clip = np.random.default_rng(0).random((options.frames, options.height, options.width, 4), np.float32)
    clip[..., 3] = 1
    with tempfile.TemporaryDirectory() as folder:
        first, again = _rendered(find_or_build(), Path(folder), clip, options.rounds, options.style)
    copied = _copied(clip)
    rows = [
        (name, f"{1e3 * min(seconds):.1f}", f"{1e3 * statistics.median(seconds):.1f}")
        for name, seconds in (("painted", first), ("round trip", again), ("copy there and back", copied))
    ]
    print(markdown((f"{options.width}×{options.height} RGBA float", "least, ms", "median, ms"), rows))


def _rendered(
    built: Built, folder: Path, clip: np.ndarray, rounds: int, style: str
) -> tuple[list[float], list[float]]:
    """Seconds of each render, the first time and afterwards."""
    (folder / "clip").write_bytes(clip.tobytes())
    configuration = folder / "vst.conf"
    configuration.write_text(
        f"python={sys.executable}\npackage={ROOT}\nmode=itn\nalone=itn\nstyle={style}\n", encoding="utf-8"
    )
    frames, height, width = clip.shape[:3]
    host = subprocess.Popen(
        [built.host, built.ofx, folder / "clip", str(width), str(height), folder / "out"],
        env={**os.environ, "VST_PLUGIN_CONFIG": str(configuration), "VST_PLUGIN_CACHE": "8000"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    order = " ".join(map(str, range(frames)))
    answers, _ = host.communicate(f"render {order}\n" * (1 + rounds))
    seconds = []
    for line in answers.splitlines():
        statuses, _, rest = line.removeprefix("rendered ").partition(" seconds ")
        if set(statuses.split()) != {"0"}:
            raise SystemExit(line)
        seconds.append([float(each) for each in rest.partition(" progress ")[0].split()])
    # The very first frame starts the worker.
    return seconds[0][1:], [each for line in seconds[1:] for each in line]


def _copied(clip: np.ndarray) -> list[float]:
    there, back = np.empty_like(clip[0]), np.empty_like(clip[0])
    seconds = []
    for frame in clip:
        began = time.perf_counter()
        np.copyto(there, frame)
        np.copyto(back, there)
        seconds.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    main()
