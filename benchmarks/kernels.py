"""Speed of the kernels of the flow networks, compared with the same operations in plain PyTorch.

    python -m benchmarks.kernels --device cpu cuda --repeats 5 -o kernels.json

Sizes are those of FlowNet2 and PWC-Net on two frames of 1024×436, which are padded to 1024×448. Each row
is one operation: the median time of the kernel, and the time of plain PyTorch as a multiple of it, forward
and with gradients. Both are run in turn, so that other load on the machine affects both. Plain PyTorch is a
loop over displacements, four lookups by index, or a norm. resample2d is also compared with `grid_sample`,
which rounds coordinates in another way, so its last digits differ.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.markdown import markdown, number
from benchmarks.options import create_parser, positive, run
from vst.errors import UsageError
from vst.motion.kernels import channelnorm, correlation, resample2d

TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Case:
    """One operation at one size.

    Attributes:
        name: Operation, network and size.
        shapes: Of its tensors; a tensor with two channels is a flow.
        own: The kernel.
        plain: The same operation in plain PyTorch.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    own: Callable[..., Tensor]
    plain: Callable[..., Tensor]


def plain_correlation(a: Tensor, b: Tensor, max_displacement: int, stride: int) -> Tensor:
    """Correlation as a loop over displacements."""
    edge = max_displacement // stride * stride
    height, width = a.shape[-2:]
    padded = F.pad(b, (edge, edge, edge, edge))
    steps = range(0, 2 * edge + 1, stride)
    costs = [(a * padded[..., y : y + height, x : x + width]).mean(1) for y in steps for x in steps]
    return torch.stack(costs, dim=1)


def plain_resample2d(image: Tensor, flow: Tensor) -> Tensor:
    """Bilinear sampling by four lookups, each clamped to the frame."""
    batch, _, height, width = image.shape
    y, x = _pixels(image)
    at_x, at_y = x + flow[:, 0], y + flow[:, 1]
    left, top = at_x.detach().floor(), at_y.detach().floor()
    right_part, lower_part = (at_x - left)[:, None], (at_y - top)[:, None]
    batch_index = torch.arange(batch, device=image.device)[:, None, None]
    columns = [(left + step).clamp(0, width - 1).long() for step in (0, 1)]
    rows = [(top + step).clamp(0, height - 1).long() for step in (0, 1)]
    above, below = (
        torch.lerp(
            *(image[batch_index, :, row, column].permute(0, 3, 1, 2) for column in columns), right_part
        )
        for row in rows
    )
    return torch.lerp(above, below, lower_part)


def grid_sample(image: Tensor, flow: Tensor) -> Tensor:
    """Bilinear sampling by `torch.nn.functional.grid_sample`."""
    height, width = image.shape[-2:]
    y, x = _pixels(image)
    grid = torch.stack(
        ((x + flow[:, 0]) * (2 / (width - 1)) - 1, (y + flow[:, 1]) * (2 / (height - 1)) - 1), dim=-1
    )
    return F.grid_sample(image, grid, padding_mode="border", align_corners=True)


def plain_channelnorm(x: Tensor) -> Tensor:
    """The norm over channels by `torch.linalg.vector_norm`."""
    return torch.linalg.vector_norm(x, dim=1, keepdim=True)


def cases(scale: int) -> list[Case]:
    """The cases to measure; each side of a feature map is divided by `scale`."""
    found = [_correlation("FlowNetC", (256, 56, 128), 20, 2, scale)]
    for level, shape in enumerate(
        ((32, 112, 256), (64, 56, 128), (96, 28, 64), (128, 14, 32), (196, 7, 16)), 2
    ):
        found.append(_correlation(f"PWC-Net level {level}", shape, 4, 1, scale))
    image, flow, large = ((1, c, max(448 // scale, 2), max(1024 // scale, 2)) for c in (3, 2, 12))
    name = f"resample2d, FlowNet2, {_size(image)}"
    found.append(Case(name, (image, flow), resample2d, plain_resample2d))
    found.append(Case(f"{name}, by grid_sample", (image, flow), resample2d, grid_sample))
    found.append(Case(f"channelnorm, FlowNet2, {_size(image)}", (image,), channelnorm, plain_channelnorm))
    found.append(Case(f"channelnorm, {_size(large)}", (large,), channelnorm, plain_channelnorm))
    return found


def measure(
    case: Case, device: torch.device, dtype: torch.dtype, repeats: int, grad: bool
) -> dict[str, float]:
    """Median seconds of the kernel and of plain PyTorch, and their ratio."""
    generator = torch.Generator().manual_seed(0)
    tensors = []
    for shape in case.shapes:
        values = torch.randn(shape, generator=generator) * (5 if shape[1] == 2 else 1)
        tensors.append(values.to(device=device, dtype=dtype).requires_grad_(grad))
    times: dict[str, list[float]] = {"own": [], "plain": []}
    for number_of_run in range(repeats + 1):
        for which in times:
            seconds = _once(getattr(case, which), tensors, grad)
            if number_of_run:  # the first run compiles and allocates
                times[which].append(seconds)
    own, plain = (statistics.median(times[which]) for which in ("own", "plain"))
    return {"own": own, "plain": plain, "ratio": plain / own}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print tables; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name in options.device:
        if name == "cuda" and not torch.cuda.is_available():
            raise UsageError("--device cuda was given, but PyTorch finds no GPU; give --device cpu")
        device = torch.device(name)
        title = torch.cuda.get_device_name() if name == "cuda" else f"CPU, {options.threads} threads"
        for precision in options.precision:
            rows = {}
            for case in cases(options.scale):
                rows[case.name] = {
                    kind: measure(case, device, TYPES[precision], options.repeats, grad)
                    for kind, grad in (("forward", False), ("with gradients", True))
                }
            results[f"{title}, {precision}"] = rows
            print(f"{title}, {precision}, PyTorch {torch.__version__}, median of {options.repeats}\n")
            print(table(rows) + "\n", flush=True)
    return results


def table(rows: dict[str, dict[str, dict[str, float]]]) -> str:
    """A Markdown table: milliseconds of the kernel, and plain PyTorch as a multiple of that."""
    kinds = ("forward", "with gradients")
    header = ["", *(f"{kind}{unit}" for kind in kinds for unit in (", ms", ", plain / own"))]
    return markdown(
        header,
        [
            [
                name,
                *(
                    text
                    for kind in kinds
                    for text in (number(row[kind]["own"] * 1e3), number(row[kind]["ratio"]))
                ),
            ]
            for name, row in rows.items()
        ],
    )


def _correlation(network: str, shape: tuple[int, int, int], reach: int, stride: int, scale: int) -> Case:
    channels, height, width = shape
    size = 1, channels, max(height // scale, 1), max(width // scale, 1)

    def own(a: Tensor, b: Tensor) -> Tensor:
        return correlation(a, b, max_displacement=reach, stride=stride)

    def plain(a: Tensor, b: Tensor) -> Tensor:
        return plain_correlation(a, b, reach, stride)

    return Case(f"correlation, {network}, {_size(size)}", (size, size), own, plain)


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape[1:]))


def _pixels(image: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates y (H×1) and x (W), in the type of the image."""
    height, width = image.shape[-2:]
    y = torch.arange(height, device=image.device, dtype=image.dtype)
    x = torch.arange(width, device=image.device, dtype=image.dtype)
    return y[:, None], x


def _once(operation: Callable[..., Tensor], tensors: list[Tensor], grad: bool) -> float:
    if tensors[0].is_cuda:
        torch.cuda.synchronize()
    started = time.perf_counter()
    out = operation(*tensors)
    if grad:
        torch.autograd.grad(out, tensors, torch.ones_like(out))
    if tensors[0].is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--device", nargs="+", choices=["cpu", "cuda"], default=["cpu"])
    parser.add_argument("--precision", nargs="+", choices=list(TYPES), default=["fp32"])
    parser.add_argument(
        "--repeats", type=positive, default=5, help="number of runs, of which the median is printed"
    )
    parser.add_argument("--scale", type=positive, default=1, help="divides each side of the feature maps")
    return parser


if __name__ == "__main__":
    sys.exit(main())
