"""CPU time of the networks by backend, and how far their pictures are from PyTorch's in fp32.

    python -m benchmarks.backends [--network itn-fast vtn-fast itn-standard] [--rounds 9] [--layers]

One process; the backends take turns, and the tables have medians of the process's CPU time. `plain` runs
the layers as they are declared, `torch` with folded kernels, as renders do. `--compile` adds
`torch.compile` of `torch` (needs a C++ compiler). `--layers` times each kind of layer as declared and
folded.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.markdown import markdown
from benchmarks.networks import SHIPPED
from benchmarks.tiles import example_planes
from vst.device import choose_precision, precision_name
from vst.modes import load_network
from vst.nn.backends import BACKENDS, TORCH
from vst.nn.executor import WholeFrame
from vst.nn.folded_frame import FoldedFrame, to_precision
from vst.nn.layers import ConvBlock, EnlargingConv2d, ReflectedConv2d, ResidualBlock
from vst.nn.style_network import StyleNetwork
from vst.nn.style_parameters import one_style

CPU = torch.device("cpu")
Run = Callable[[Sequence[Tensor]], Tensor]


class Plain:
    """The layers as they are declared, in PyTorch."""

    def __init__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype) -> None:
        self._network, self._mix = network.to(memory_format=torch.channels_last), mix
        to_precision(network, precision)

    @torch.inference_mode()
    def __call__(self, planes: Sequence[Tensor]) -> Tensor:
        """Stylize."""
        x = torch.cat(list(planes), 1).contiguous(memory_format=torch.channels_last)
        stylized: Tensor = self._network(x, self._mix)
        return stylized


class Timed(FoldedFrame):
    """Times each layer as it is declared and folded, beside running it.

    Attributes:
        found: Layer -> CPU milliseconds as declared and folded, and multiplications as declared.
    """

    def __init__(self, network: StyleNetwork, mix: Tensor, precision: torch.dtype, rounds: int) -> None:
        super().__init__(network, mix, precision)
        self.found: dict[str, list[tuple[float, float, float]]] = {}
        self._plain, self._rounds, self._alone = WholeFrame(mix), rounds, True

    def block(self, block: ConvBlock, x: Tensor) -> Tensor:
        """See `Executor.block`."""
        self._alone = False
        y = super().block(block, x)
        self._alone = True
        kernel = f"{block.kernel}×{block.kernel}" + (f" s{block.stride}" if block.stride > 1 else "")
        doubled = ", enlarged" if block.doubles else ""
        name = f"{kernel} {block.inputs} to {block.outputs} at {y.shape[3]}×{y.shape[2]}{doubled}, norm"
        self._time(
            name, lambda: self._plain.block(block, x), lambda: FoldedFrame.block(self, block, x), y, block
        )
        return y

    def residual(self, block: ResidualBlock, x: Tensor) -> Tensor:
        """See `Executor.residual`."""
        return x + self.block(block.second, self.block(block.first, x))

    def convolve(self, layer: ReflectedConv2d | EnlargingConv2d, x: Tensor, relu: bool = False) -> Tensor:
        """See `Executor.convolve`."""
        y = super().convolve(layer, x, relu)
        if self._alone:
            side = layer.kernel_size[0]
            name = f"{side}×{side} {layer.in_channels} to {layer.out_channels} at {y.shape[3]}×{y.shape[2]}"
            own, folded = self._plain.convolve, super().convolve
            self._time(name, lambda: own(layer, x), lambda: folded(layer, x), y, layer)
        return y

    def _time(
        self,
        name: str,
        own: Callable[[], Tensor],
        folded: Callable[[], Tensor],
        y: Tensor,
        layer: ConvBlock | ReflectedConv2d | EnlargingConv2d,
    ) -> None:
        inner = layer.conv if isinstance(layer, ConvBlock) else layer
        work = y.shape[2] * y.shape[3] * inner.weight.numel()  # type: ignore[union-attr, operator]
        self._alone = False
        first, second = medians([own, folded], self._rounds)
        self._alone = True
        self.found.setdefault(name, []).append((first, second, float(work)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print tables."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    precision = choose_precision(options.precision, CPU)
    width, height = options.size
    print(f"{width}×{height}, {precision_name(precision)}, {options.threads} threads\n")
    rows = []
    for name in options.network:
        rows += measure(name, (width, height), precision, options.rounds, options.compile)
    print(markdown(["network", "backend", "CPU ms", "from torch in fp32, /255", "start, CPU ms"], rows))
    if options.layers:
        for name in options.network:
            print(f"\n{name}\n\n{layers(name, (width, height), precision, options.rounds)}")


def measure(
    name: str, size: tuple[int, int], precision: torch.dtype, rounds: int, compiled: bool
) -> list[list[str]]:
    """Rows of the table for one network.

    Args:
        name: Of a weight file that ships, such as `itn-fast`.
        size: Width and height.
        precision: Of all but the reference.
        rounds: Calls of each backend.
        compiled: Whether to add `torch.compile`.
    """
    mix, planes = _given(name, size)
    kinds = {"plain": Plain} | {key: entry.open for key, entry in BACKENDS.items() if entry.missing is None}
    reference = Plain(_network(name), mix, torch.float32)(planes)
    runs: dict[str, Run] = {}
    starts, apart = {}, {}
    for key, kind in kinds.items():
        began = time.process_time()
        runs[key] = kind(_network(name), mix, precision)
        picture = runs[key](planes)
        starts[key] = 1000 * (time.process_time() - began)
        apart[key] = 255 * float((picture - reference).abs().mean()) / 2
    if compiled:
        began = time.process_time()
        runs["torch.compile"] = torch.compile(runs[TORCH], dynamic=False)
        picture = runs["torch.compile"](planes)
        starts["torch.compile"] = 1000 * (time.process_time() - began)
        apart["torch.compile"] = 255 * float((picture - reference).abs().mean()) / 2
    times = medians([lambda each=each: each(planes) for each in runs.values()], rounds)
    return [
        [name, key, f"{each:.0f}", f"{apart[key]:.2f}", f"{max(starts[key] - each, 0):.0f}"]
        for key, each in zip(runs, times, strict=True)
    ]


def layers(name: str, size: tuple[int, int], precision: torch.dtype, rounds: int) -> str:
    """A table of the kinds of layers of a network; arguments as for `measure`."""
    mix, planes = _given(name, size)
    network = _network(name).to(memory_format=torch.channels_last)
    run = Timed(network, mix, precision, rounds)
    x = torch.cat(planes, 1).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        network.stylize(run, [x])
    header = ["layer", "how often", "declared, CPU ms", "folded, CPU ms", "10⁹ products / s", "folded"]
    rows = []
    for kind, found in run.found.items():
        own, folded, work = (statistics.median(column) for column in zip(*found, strict=True))
        speeds = [f"{work / each / 1e6:.0f}" for each in (own, folded)]
        rows.append([kind, str(len(found)), f"{own:.1f}", f"{folded:.1f}", *speeds])
    return markdown(header, rows)


def medians(calls: Sequence[Callable[[], Tensor]], rounds: int) -> list[float]:
    """Median CPU milliseconds of calls that take turns, after a round that does not count."""
    found: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for times, call in zip(found, calls, strict=True):
            began = time.process_time()
            call()
            if number:
                times.append(1000 * (time.process_time() - began))
    return [statistics.median(each) for each in found]


def _network(name: str) -> StyleNetwork:
    return load_network(SHIPPED / f"{name}.safetensors")[0]


def _given(name: str, size: tuple[int, int]) -> tuple[Tensor, list[Tensor]]:
    network = _network(name)
    return one_style(0, network.styles), example_planes(size[1], size[0], network.inputs)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backends", description=__doc__)
    parser.add_argument("--network", nargs="+", default=["itn-fast", "vtn-fast", "itn-standard"])
    parser.add_argument("--size", type=_size, default=(854, 480), metavar="WIDTHxHEIGHT")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--layers", action="store_true")
    return parser


if __name__ == "__main__":
    main()
