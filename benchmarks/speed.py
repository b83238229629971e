"""Frames a second and CPU milliseconds a frame of all modes and backends, beside a published network.

    python -m benchmarks.speed --clips ../shared/data/clips/bear.mp4 --sizes 480 1080 --repeat 5 \
        --peer ../shared/peers/tnet_candy.safetensors -o speed.json

Ours are whole `vst render` commands, start-up taken off (`benchmarks.cpu_time`), from a clip that is
enlarged or shrunk to each size first. The peer is its bare network in fp32: no decoding, no encoding, and
`torch.compile` and OpenVINO after they have compiled it; OpenVINO also in bf16. All take turns in every
round; the tables have medians. Run nothing beside it. `--compile` needs a C++ compiler.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.batch_workers import shorten
from benchmarks.cpu_time import Cost, measure_a_frame
from benchmarks.markdown import markdown
from benchmarks.options import create_parser, positive, run
from benchmarks.peers import PeerMode
from vst.media import Reader

MODES = (
    "--mode vtn --quality fast",
    "--mode itn --quality fast",
    "--mode itn --quality standard",
    "--mode vtn --quality standard",
    "--mode vtn --quality fast --keyframe-interval 1",
    "--mode lstm",
    "--mode reconet",
)
BACKENDS = ("torch", "openvino")

_PEER_FRAMES = 2
"""A frame of the peer takes seconds."""

Network = Callable[[Tensor], Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for clip in options.clips:
        for size in options.sizes:
            with at_size(clip, size, options.frames) as source:
                found = _measured(source, options)
            print(f"\n**{clip.stem}**, {size} lines, {options.threads} threads\n")
            print(markdown(["", "CPU ms a frame", "frames/s", "frames a CPU second / peer"], _rows(found)))
            sys.stdout.flush()
            result[f"{clip.stem} {size}"] = found
    return result


def _measured(source: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """CPU and wall milliseconds a frame by what was run; medians of rounds in which all take turns."""
    rounds: dict[str, list[Cost]] = {}
    image = next(_images(source))
    peers = {} if options.peer is None else peer_networks(options.peer, image, options.compile)
    for _ in range(options.repeat):
        for name, network in peers.items():
            rounds.setdefault(name, []).append(_peer_cost(network, image))
        for mode in options.modes:
            for backend in options.backends:
                command = [*mode.split(), "--backend", backend, "--style", options.style]
                command += ["--threads", str(options.threads)]
                rounds.setdefault(f"`{mode}`, {backend}", []).append(
                    measure_a_frame(source, command, options.frames)
                )
    return {
        name: {
            "cpu_ms": 1000 * statistics.median(cost.cpu for cost in costs),
            "wall_ms": 1000 * statistics.median(cost.wall for cost in costs),
        }
        for name, costs in rounds.items()
    }


def _rows(found: dict[str, dict[str, float]]) -> list[list[str]]:
    eager = found.get("peer, PyTorch")
    return [
        [
            name,
            f"{cost['cpu_ms']:.0f}",
            f"{1000 / cost['wall_ms']:.1f}",
            "" if eager is None else f"{eager['cpu_ms'] / cost['cpu_ms']:.1f}",
        ]
        for name, cost in found.items()
    ]


def peer_networks(path: Path, image: Tensor, compiled: bool) -> dict[str, Network]:
    """The published network as its users can run it, each after a first run.

    Args:
        path: Its weights.
        image: 1×3×H×W, what it will be given.
        compiled: Also by `torch.compile`.
    """
    network = PeerMode(path).network
    ways: dict[str, Network] = {"peer, PyTorch": network}
    if compiled:
        ways["peer, torch.compile"] = torch.compile(network)
    ways["peer, OpenVINO"] = _openvino(network, image, "f32")
    ways["peer, OpenVINO bf16"] = _openvino(network, image, "bf16")
    with torch.inference_mode():
        for run_it in ways.values():
            run_it(image)
    return ways


def _openvino(network: nn.Module, image: Tensor, precision: str) -> Network:
    from vst.nn.backends.openvino_import import openvino

    model = openvino.convert_model(network, example_input=image)
    options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
    return lambda given: request.infer({0: given.numpy()})


@torch.inference_mode()
def _peer_cost(network: Network, image: Tensor) -> Cost:
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(_PEER_FRAMES):
        network(image)
    return Cost((time.process_time() - cpu) / _PEER_FRAMES, (time.monotonic() - wall) / _PEER_FRAMES)


@contextmanager
def at_size(clip: Path, size: int, frames: int) -> Iterator[Path]:
    """The first frames of a clip with another height, in pixels, for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.mp4"
        shorten(clip, path, frames, size)
        yield path


def _images(source: Path) -> Iterator[Tensor]:
    with Reader(source) as reader:
        for frame in reader:
            yield frame.image.clamp(0, 1)[None] * 255


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--clips", nargs="+", type=Path, required=True)
    parser.add_argument(
        "--sizes", nargs="+", type=positive, default=[480, 1080], help="shorter side, pixels"
    )
    parser.add_argument("--frames", type=positive, default=24, help="of the longer render")
    parser.add_argument("--repeat", type=positive, default=5, help="rounds; the median counts")
    parser.add_argument("--modes", nargs="+", default=list(MODES), help="mode and options of vst render")
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=BACKENDS)
    parser.add_argument("--style", default="candy")
    parser.add_argument("--peer", type=Path, help="a TransformerNet of pytorch/examples, safetensors")
    parser.add_argument("--compile", action="store_true", help="the peer by torch.compile, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
