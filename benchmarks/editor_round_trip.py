"""Time of a frame from the editor to the worker and back, compared with stylizing it.

    python -m benchmarks.editor_round_trip [--width 1920] [--height 1080] [--frames 12] [--rounds 4]

The OpenFX test host renders float RGBA frames through the plugin, in mode itn, and measures its render
action. The first render of a frame stylizes it; later ones find it in the worker's cache, so they measure
the round trip alone. The plugin reads and hashes the frame of the host, writes it to shared memory and
sends a request; the worker writes the stylized frame to shared memory, and the plugin writes it to the
host. For comparison the same run copies as many bytes twice.
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
        for name, seconds in (("stylize", first), ("round trip", again), ("two copies", copied))
    ]
    print(markdown((f"{options.width}×{options.height} RGBA float", "minimum, ms", "median, ms"), rows))


def _rendered(
    built: Built, folder: Path, clip: np.ndarray, rounds: int, style: str
) -> tuple[list[float], list[float]]:
    """Seconds of each render: the first one of each frame, and the later ones."""
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
    indices = " ".join(map(str, range(frames)))
    output, _ = host.communicate(f"render {indices}\n" * (1 + rounds))
    seconds = []
    for line in output.splitlines():
        statuses, _, rest = line.removeprefix("rendered ").partition(" seconds ")
        if set(statuses.split()) != {"0"}:
            raise SystemExit(line)
        seconds.append([float(each) for each in rest.partition(" progress ")[0].split()])
    # The first frame of all starts the worker.
    return seconds[0][1:], [each for line in seconds[1:] for each in line]


def _copied(clip: np.ndarray) -> list[float]:
    """Seconds of two copies of each frame."""
    first, second = np.empty_like(clip[0]), np.empty_like(clip[0])
    seconds = []
    for frame in clip:
        started = time.perf_counter()
        np.copyto(first, frame)
        np.copyto(second, first)
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
