"""Size, structural similarity and CPU time of x264's presets, for stylized clips stored losslessly.

    vst render bear.mp4 --style candy --mode itn --quality fast --frames 24 --codec ffv1 -o bear.mkv
    python -m benchmarks.encoding bear.mkv skiing.mkv --settings medium:18:2 faster:17.5:2 veryfast:17:2

Settings are preset, crf and threads; the first ones are what the others are compared with, clip by clip.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.markdown import markdown
from benchmarks.options import create_parser, run
from vst.errors import UsageError
from vst.evaluate.metrics.adjacent import structural_similarity
from vst.media.colour.layout import layout_of
from vst.media.colour.planes import to_rgb
from vst.media.colour.spec import ColourSpec
from vst.media.encode.codecs import CODECS

SETTINGS = (
    "medium:18:2",
    "faster:18:2",
    "faster:17.5:2",
    "veryfast:17:2",
    "faster:17.5:1",
    "faster:17.5:8",
)
COLOUR = ColourSpec("bt709", False)
RATE = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = create_parser(__doc__)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP", help="lossless, 8 bit 4:2:0")
    parser.add_argument("--settings", nargs="+", default=SETTINGS, metavar="PRESET:CRF:THREADS")
    return run(_run, parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, list[list[float]]]:
    clips = [_frames(path) for path in options.clips]
    found = {each: [_encode(clip, each) for clip in clips] for each in options.settings}
    first = np.array(found[options.settings[0]])
    rows = []
    for name, values in found.items():
        measured = np.array(values)
        size, similarity = measured[:, 1] / first[:, 1], measured[:, 2] - first[:, 2]
        rows.append(
            (
                name,
                f"{measured[:, 0].mean():.1f}",
                f"{size.mean():.3f}",
                f"{size.max():.3f}",
                f"{measured[:, 2].mean():.4f}",
                f"{similarity.min():+.4f}",
            )
        )
    titles = ("setting", "CPU ms a frame", "size, mean", "size, largest", "SSIM", "SSIM, worst change")
    print(markdown(titles, rows))
    return found


def _frames(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as clip:
        frames = list(clip.decode(video=0))
    if not frames or frames[0].format.name != "yuv420p":
        raise UsageError(f"{path} is not 8 bit 4:2:0; render it with --codec ffv1 --pix-fmt yuv420p")
    return frames


def _encode(frames: list[av.VideoFrame], setting: str) -> list[float]:
    """CPU milliseconds and bytes a frame, and the mean structural similarity of luma."""
    preset, crf, threads = setting.split(":")
    codec = CODECS["h264"]
    given = codec.options(18, int(threads), layout_of("yuv420p")) | {"preset": preset, "crf": crf}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.mkv")
        with av.open(str(path), "w") as out:
            stream = out.add_stream(codec.encoder, rate=RATE, options=given)
            stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
            stream.codec_context.thread_count = int(threads)
            began = time.process_time()
            for number, frame in enumerate(frames):
                frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, RATE), 0
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
            cpu = time.process_time() - began
        size = path.stat().st_size
        pairs = zip(_frames(path), frames, strict=True)
        similar = [structural_similarity(to_rgb(a, COLOUR)[0], to_rgb(b, COLOUR)[0]) for a, b in pairs]
    return [1000 * cpu / len(frames), size / len(frames), float(np.mean(similar))]


if __name__ == "__main__":
    sys.exit(main())
