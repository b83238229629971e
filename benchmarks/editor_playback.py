"""Seconds a frame while an editor plays a clip, forwards and backwards, and how often the network runs.

    python -m benchmarks.editor_playback CLIP [--size 480] [--frames 48] [--style candy] [--look-ahead 0]

A host in this process requests the frames of a clip from the worker's engine: all of them as a render,
then, with empty caches, as playback from the last to the first, and in random order. SHA-256 of the frames
shows whether all three are those of a render's session.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.markdown import markdown
from vst.device import choose_precision
from vst.frame import Frame
from vst.host.engine import Engine
from vst.host.protocol import RESULT, SLOTS, Request, RequestedClip, RequestedSettings
from vst.host.shared_frames import SharedFrames
from vst.keyframes import Schedule
from vst.media import Reader
from vst.modes import create_stylizer
from vst.modes.vtn.stylizer import VtnStylizer
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.frame_size import inside_working_size, resize_frame, working_size
from vst.pipeline.session import StylizerSession
from vst.styles import resolve_style


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--style", default="candy")
    parser.add_argument("--look-ahead", choices=("auto", "0"), default="auto")
    options = parser.parse_args()
    torch.set_num_threads(1)
    host = _Host(
        _frames(options.clip, options.size, options.frames), options.style, options.look_ahead != "0"
    )
    numbers = list(range(len(host.clip)))
    orders = {
        "forwards": numbers,
        "backwards": numbers[::-1],
        "at random": random.Random(0).sample(numbers, len(numbers)),
    }
    rows = [_row(host, name, order, interactive=name == "backwards") for name, order in orders.items()]
    rows.append(_rendered_row(host, options.style, options.look_ahead != "0"))
    head = ("order", "seconds a frame", "longest", "network runs a frame", "memory, MB", "SHA-256")
    print(markdown(head, rows))


def _frames(path: Path, size: int, count: int) -> list[Tensor]:
    found: list[Tensor] = []
    with Reader(path) as reader:
        for frame in reader:
            height, width = frame.image.shape[-2:]
            scale = size / min(height, width)
            found.append(
                resize_frame(frame, round(width * scale / 2) * 2, round(height * scale / 2) * 2).image
            )
            if len(found) == count:
                break
    return found


class _Host:
    """Has a clip in memory, and requests its stylized frames."""

    def __init__(self, clip: list[Tensor], style: str, look_ahead: bool) -> None:
        self.clip = clip
        height, width = clip[0].shape[-2:]
        descriptor = os.memfd_create("frames")
        os.ftruncate(descriptor, SLOTS * 12 * width * height)
        self.frames = SharedFrames(descriptor, width, height)
        self.engine = Engine()
        self._hashes = [hashlib.md5(each.numpy().tobytes()).digest() for each in clip]
        self._clip = RequestedClip(
            width=width, height=height, linear=False, first=0, last=len(clip) - 1, temporal=True, gap=1.0,
            frame_rate=24.0,
        )  # fmt: skip
        self._settings = RequestedSettings(
            style=style, mode="vtn", strength=1.0, keep_color=False, keep_borders=True, style_scale=None,
            keyframe_interval=None, look_ahead=look_ahead, seed=0, device="cpu", weights_dir=None,
        )  # fmt: skip

    def fetch(self, index: int, slot: int) -> bytes | None:
        self.frames.slot(slot).copy_(self.clip[index])
        return self._hashes[index]

    def stylize(self, index: int, interactive: bool) -> Tensor:
        request = Request(
            number=1, editor="openfx", run="run", index=index, time=float(index), clip=self._clip,
            settings=self._settings, interactive=interactive, limit=100_000,
        )  # fmt: skip
        self.engine.stylize(request, self, self.frames)
        return self.frames.slot(RESULT)


def _row(host: _Host, name: str, order: Sequence[int], interactive: bool) -> Sequence[str]:
    host.engine.purge()
    host.stylize(order[0], interactive)  # loads the network
    host.engine.purge()
    seconds, digests = [], {}
    with _counted() as runs:
        for index in order:
            started = time.process_time()
            image = host.stylize(index, interactive)
            seconds.append(time.process_time() - started)
            digests[index] = hashlib.sha256(image.numpy().tobytes()).digest()
    digest = hashlib.sha256(b"".join(digests[index] for index in sorted(digests))).hexdigest()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return (
        name, f"{sum(seconds) / len(order):.2f}", f"{max(seconds):.2f}", f"{len(runs) / len(order):.2f}",
        f"{memory:.0f}", digest[:12],
    )  # fmt: skip


def _rendered_row(host: _Host, style: str, look_ahead: bool) -> Sequence[str]:
    device = torch.device("cpu")
    precision = choose_precision("auto", device)
    height, width = host.clip[0].shape[-2:]
    session = StylizerSession(
        create_stylizer(resolve_style(style, "vtn"), precision=precision),
        EstimatedMotion(create_estimator("auto", device=device, precision=precision)),
        None,
        working_size(width, height, None),
        keep_borders=True,
        inside_working=partial(inside_working_size, style_scale=None),
        keyframes=Schedule(look_ahead=look_ahead),
    )
    given = (Frame(i, Fraction(i, 24), Fraction(1, 24), image) for i, image in enumerate(host.clip))
    digest, started, longest = hashlib.sha256(), time.process_time(), 0.0
    with _counted() as runs:
        before = started
        for frame in session.process(given):
            now = time.process_time()
            before, longest = now, max(longest, now - before)
            digest.update(hashlib.sha256(frame.image.numpy().tobytes()).digest())
    seconds = (time.process_time() - started) / len(host.clip)
    return (
        "vst render", f"{seconds:.2f}", f"{longest:.2f}", f"{len(runs) / len(host.clip):.2f}", "",
        digest.hexdigest()[:12],
    )  # fmt: skip


@contextmanager
def _counted() -> Iterator[list[int]]:
    """Collects a number for each run of the network."""
    runs: list[int] = []
    stylize = VtnStylizer.stylize

    def counted(self: VtnStylizer, frame: object, past: object) -> Tensor:
        runs.append(1)
        return stylize(self, frame, past)  # type: ignore[arg-type]

    VtnStylizer.stylize = counted  # type: ignore[method-assign]
    try:
        yield runs
    finally:
        VtnStylizer.stylize = stylize  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
