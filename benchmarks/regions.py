"""Two styles by a moving mask, and one before the clip itself: E inside of the mask, and CPU seconds.

    python -m benchmarks.regions ../shared/data/clips/{dancer,car,fox}.mp4 --frames 32 --mode vtn itn

Each clip is cut, shrunk and written lossless. Masks are a soft disc that goes its own way over the picture,
and what `vst mask --motion` finds, softened. Renders are commands of their own. E is that of
docs/evaluation.md, by the flow of `dis`, where pixel and what it was in the frame before are wholly inside:
what a soft edge does as it moves on is the mask's own change. Run nothing beside it. `--keep` takes
a folder to look at the outputs in.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.clips import file_clip, write_frames
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from vst.errors import VstError
from vst.evaluate.metrics.temporal import temporal_error
from vst.frame import Frame
from vst.media import Reader
from vst.motion import consistency_mask, create_estimator, warp

_CODEC = ("--codec", "ffv1", "--pix-fmt", "bgr0", "-y", "-q")
_EDGE = 4
"""Standard deviation in pixels of the blur that softens a mask."""

_INSIDE = 0.995
"""Share of the style that counts as all of it, which compression of a mask leaves."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = create_parser(__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--mode", nargs="+", default=["vtn"], help="modes of vst render")
    parser.add_argument("--styles", nargs=2, default=["candy", "wave"], help="inside and outside")
    parser.add_argument("--frames", type=positive, default=32, help="of each clip")
    parser.add_argument("--size", type=positive, default=360, help="shorter side of the frames")
    parser.add_argument("--keep", type=Path, help="folder for the clips, masks and outputs")
    return run(_run, parser.parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for clip in options.clips:
            source = folder / f"{clip.stem}.mkv"
            file_clip(clip, options.frames, options.size).save(source)
            masks = {"disc": _disc(source), "motion": _motion(source)}
            for mode in options.mode:
                rows = dict(_rows(options, source, masks, mode))
                found[f"{clip.stem}, {mode}"] = rows
                print(f"{clip.stem}, {mode}\n", _table(rows), sep="\n", flush=True)
    return found


def _rows(
    options: argparse.Namespace, source: Path, masks: dict[str, Path], mode: str
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each render with its values."""
    inside, outside = options.styles
    shared = ["--mode", mode, "--threads", str(options.threads), *_CODEC]

    def rendered(name: str, *command: str) -> tuple[Path, float]:
        output = source.with_name(f"{source.stem}-{mode}-{name}.mkv")
        return output, _cpu("render", str(source), *command, *shared, "-o", str(output))

    whole, seconds = rendered(inside, "--style", inside)
    steady = {name: _steadiness(source, whole, mask) for name, mask in masks.items()}
    yield f"{inside}, no mask", {"cpu": seconds, **steady}
    for other in ("none", outside):
        row: dict[str, float] = {}
        for name, mask in masks.items():
            output, seconds = rendered(
                f"{name}-{other}", "--style", inside, "--mask", str(mask), "--outside", other
            )
            row |= {"cpu": seconds, name: _steadiness(source, output, mask)}
        yield f"{inside} in the mask, {other} outside", row


def _table(rows: dict[str, dict[str, float]]) -> str:
    first = next(iter(rows.values()))
    names = [name for name in first if name != "cpu"]
    lines = []
    for title, row in rows.items():
        values = [f"{1e3 * row[name]:.4f} ({100 * (row[name] / first[name] - 1):+.1f} %)" for name in names]
        lines.append([title, f"{row['cpu']:.1f}", *values])
    return markdown(["render", "CPU s", *(f"1000 E inside, {name}" for name in names)], lines)


def _cpu(*command: str) -> float:
    """CPU seconds of a command.

    Raises:
        VstError: It failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "vst", *command], capture_output=True, text=True, env=os.environ, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise VstError(f"vst {' '.join(command)} failed: {done.stderr.strip()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _disc(source: Path) -> Path:
    """A mask beside a clip: a soft disc that goes round in two seconds, whatever the clip shows."""
    path = source.with_name(f"{source.stem}-disc.mkv")
    with Reader(source) as reader:
        write_frames(path, [_disc_frame(frame) for frame in reader])
    return path


def _disc_frame(frame: Frame) -> Frame:
    height, width = frame.image.shape[-2:]
    angle = 2 * math.pi * frame.index / 50
    centre = round(width * (0.5 + 0.25 * math.cos(angle))), round(height * (0.5 + 0.2 * math.sin(angle)))
    disc = np.zeros((height, width), np.float32)
    cv2.circle(disc, centre, round(0.3 * height), 1.0, cv2.FILLED)
    return replace(frame, image=_soft(disc))


def _motion(source: Path) -> Path:
    """What moves, with a soft edge."""
    path, found = (
        source.with_name(f"{source.stem}-motion.mkv"),
        source.with_name(f"{source.stem}-sharp.mkv"),
    )
    _cpu("mask", str(source), "--motion", "-o", str(found), "-y", "-q")
    with Reader(found) as reader:
        write_frames(path, [replace(frame, image=_soft(frame.image[0].numpy())) for frame in reader])
    return path


def _soft(mask: np.ndarray) -> Tensor:
    """A mask, H×W, with a soft edge: 3×H×W."""
    return torch.from_numpy(cv2.GaussianBlur(mask, (0, 0), _EDGE)).expand(3, -1, -1)


def _steadiness(source: Path, output: Path, mask: Path) -> float:
    """E inside of a mask, mean over the frames."""
    dis = create_estimator("dis")
    errors: list[float] = []
    with ExitStack() as stack:
        paths = source, output, mask
        readers = [stack.enter_context(Reader(path)) for path in paths]
        before: tuple[Tensor, Tensor, Tensor] | None = None
        for frames in zip(*readers, strict=True):
            clip, stylized, region = (frame.image for frame in frames)
            # Without the pixels beside those of the edge, which interpolation mixes in.
            region = -F.max_pool2d(-(region[:1] >= _INSIDE).float()[None], 5, 1, 2)[0]
            if before is not None:
                backward, forward = dis.estimate_pair(clip, before[0])
                seen = consistency_mask(forward, backward) * region
                seen = seen * (warp(before[2], backward, "nearest") > 0)
                errors.append(temporal_error(before[1], stylized, backward, seen))
            before = clip, stylized, region
    return sum(errors) / len(errors)


if __name__ == "__main__":
    sys.exit(main())
