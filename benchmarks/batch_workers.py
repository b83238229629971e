"""How many workers a batch should have on this machine: CPU and wall time of `vst batch --jobs N`.

    python -m benchmarks.batch_workers ../shared/data/clips/fox.mp4 --jobs 1 2 --rounds 3 -- --mode itn

A folder with copies of the first frames of a clip is rendered with each number of workers, in turns, so
that a machine that slows down slows all of them. Workers share the cores. With `--ray`, the last row is
`vst batch --ray local`, with the start of Ray in it. What stands after `--` is passed on.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import av

from benchmarks.cpu_time import Cost, split
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from benchmarks.process_tree import cpu_seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    own, *rest = split(list(sys.argv[1:] if arguments is None else arguments))
    parser = create_parser(__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--clips", type=positive, default=4)
    parser.add_argument("--frames", type=positive, default=24)
    parser.add_argument("--height", type=positive, default=240)
    parser.add_argument("--jobs", type=positive, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--ray", action="store_true", help="also with a local Ray cluster")
    options = parser.parse_args(own)
    options.command = rest[0] if rest else []
    return run(_run, options)


def _run(options: argparse.Namespace) -> dict[str, object]:
    variants = [["--jobs", str(count)] for count in options.jobs]
    if options.ray:
        variants.append(["--ray", "local"])
    found: list[list[Cost]] = [[] for _ in variants]
    with tempfile.TemporaryDirectory() as folder:
        footage = Path(folder) / "footage"
        footage.mkdir()
        for index in range(options.clips):
            shorten(options.clip, footage / f"{index}.mp4", options.frames, options.height)
        for _ in range(options.rounds):
            for costs, variant in zip(found, variants, strict=True):
                costs.append(measure(footage, [*variant, *options.command]))
    frames = options.clips * options.frames
    rows, result = [], {}
    for variant, costs in zip(variants, found, strict=True):
        cpu, wall = (statistics.median(getattr(c, name) for c in costs) for name in ("cpu", "wall"))
        rows.append(
            [" ".join(variant), f"{1000 * cpu / frames:.0f}", f"{wall:.1f}", f"{frames / wall:.2f}"]
        )
        result[" ".join(variant)] = {"cpu_s": cpu, "wall_s": wall}
    print(markdown(["vst batch", "CPU ms a frame", "wall s", "frames/s"], rows))
    return result


def shorten(clip: Path, target: Path, frames: int, height: int) -> None:
    """The first frames of a clip, as H.264 with another height in pixels."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as out:
        given = source.streams.video[0]
        width = round(given.width * height / given.height / 2) * 2
        stream = out.add_stream("libx264", rate=given.average_rate, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(source.decode(given)):
            if number == frames:
                break
            smaller = frame.reformat(width, height, "yuv420p")
            smaller.pts, smaller.time_base = number, 1 / given.average_rate
            out.mux(stream.encode(smaller))
        out.mux(stream.encode(None))


def measure(footage: Path, options: Sequence[str]) -> Cost:
    """Render a folder.

    Raises:
        VstError: The command failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "vst",
            "batch",
            str(footage),
            "-o",
            folder,
            "--style",
            "candy",
            "-q",
        ]
        began = time.monotonic()
        cpu = cpu_seconds([*command, *options])
        return Cost(cpu, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
