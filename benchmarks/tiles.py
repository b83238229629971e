"""Peak memory and CPU time of stylizing in tiles, and the difference to stylizing the whole picture.

    python -m benchmarks.tiles --size 1080 --mode itn vtn --tile 512 --compare
    python -m benchmarks.tiles --size 2160 --mode vtn --tile 512 256

Every picture is stylized in its own process, by default in fp32 on one thread. Memory is the rise of the
resident memory during stylization (Linux: VmHWM of /proc/self/status). The picture is a row of enlarged
thumbnails; the past of vtn is the same picture, shifted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.networks import SHIPPED, need_weights
from benchmarks.options import add_quality
from vst.modes import load_selection
from vst.modes.network_runner import NetworkRunner, to_network
from vst.modes.tiling import NO_TILES
from vst.styles import Blend

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.one is not None:
        print(json.dumps(_measure(options, options.mode[0], options.one)))
        return 0
    print("| mode | precision | size | tile | tiles | peak, MiB | predicted | CPU seconds | differs by |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for mode in options.mode:
            for tile in [NO_TILES, *options.tile]:
                print(_row(options, mode, tile, Path(folder)), flush=True)
    return 0


def _row(options: argparse.Namespace, mode: str, tile: int, folder: Path) -> str:
    """Run one measurement in a process; returns a row of the table."""
    command = [sys.executable, "-m", "benchmarks.tiles", "--one", str(tile), "--mode", mode]
    command += ["--size", str(options.size), "--precision", options.precision, "--style", options.style]
    command += ["--threads", str(options.threads), "--quality", options.quality]
    if options.compare:
        command += ["--keep", str(folder / f"{mode}-{tile}.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        return f"| {mode} | {options.precision} | {options.size} | {tile} | failed: {reason} |"
    found = json.loads(done.stdout)
    difference = ""
    if options.compare and tile != NO_TILES:
        whole, tiled = (np.load(folder / f"{mode}-{each}.npy") for each in (NO_TILES, tile))
        difference = f"{np.abs(whole - tiled).max() / 2 * 255:.3f}"
    return (
        f"| {mode} | {options.precision} | {found['width']}×{found['height']} | {tile or 'whole'} | "
        f"{found['tiles']} | {found['peak'] / 2**20:.0f} | {found['predicted'] / 2**20:.0f} | "
        f"{found['seconds']:.1f} | {difference} |"
    )


def _measure(options: argparse.Namespace, mode: str, tile: int) -> dict[str, float]:
    """Stylize one picture; returns sizes, peak memory in bytes and CPU time in seconds."""
    torch.set_num_threads(options.threads)
    selection = need_weights(None, mode, [options.style], options.quality)
    mixture = Blend(((options.style, 1.0),)).mixture(selection.styles)
    runner = NetworkRunner(
        load_selection(selection), mixture, torch.device("cpu"), TYPES[options.precision], tile
    )
    height, width = options.size, round(options.size * 16 / 9)
    planes = example_planes(height, width, runner.network.inputs)
    runner(*[plane[..., :128, :128] for plane in planes])  # loads what the first use loads
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    started = time.process_time()
    stylized = runner(*planes)
    seconds = time.process_time() - started
    peak = _resident("VmHWM") - before
    if options.keep is not None:
        np.save(options.keep, stylized.numpy())
    count = 1 if tile == NO_TILES else -(-height // tile) * -(-width // tile)
    return {
        "width": width,
        "height": height,
        "tiles": count,
        "peak": peak,
        "predicted": runner.memory(height, width).peak,
        "seconds": seconds,
    }


def example_planes(height: int, width: int, inputs: int) -> list[Tensor]:
    """The inputs of a network: the picture, and for a conditioned one also the past and its mask."""
    pictures = [Image.open(path).convert("RGB") for path in sorted(SHIPPED.glob("*.jpg"))[:4]]
    row = np.concatenate([np.array(each.resize((256, 256))) for each in pictures], 1)
    whole = np.array(Image.fromarray(row).resize((width, height), Image.Resampling.BICUBIC))
    image = to_network(torch.from_numpy(whole).permute(2, 0, 1)[None].float() / 255)
    if inputs == 3:
        return [image]
    mask = (image[:, :1] > -0.8).float()
    return [image, image.roll((3, 5), (2, 3)) * mask, mask]


def _resident(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}: this benchmark needs Linux")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tiles", description=__doc__)
    parser.add_argument("--size", type=int, default=1080, help="short side of a 16:9 picture, pixels")
    parser.add_argument("--mode", nargs="+", default=["itn", "vtn"], choices=["itn", "vtn", "reconet"])
    parser.add_argument("--tile", nargs="+", type=int, default=[512], help="sides of tiles, pixels")
    parser.add_argument("--style", default="candy")
    add_quality(parser)
    parser.add_argument("--precision", default="fp32", choices=TYPES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also print the largest difference to the whole picture, of 255",
    )
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
