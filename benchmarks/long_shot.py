"""Whether a memory's strokes part from the scene in a long shot: late frames against early ones.

    python -m benchmarks.long_shot --styles candy mosaic --modes itn lstm --frames 500 --size 180 \
        --style-images ../shared/data/styles --loss-network vgg16 --sheet long.png -o long.json

Content loss and structural similarity to the input are taken in a window of frames near the beginning and
in one at the end. What a frame shows changes both, so each is divided by what the per-frame mode has there:
a ratio that stays means that nothing drifts, as the thesis saw its LSTM do.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.clips import scene_clip
from benchmarks.markdown import markdown
from benchmarks.options import add_losses, add_weights, create_parser, positive, run, style_sizes
from benchmarks.rendered import rendered_modes, rendered_weights
from benchmarks.sheet import Cell, cell, write_sheet
from benchmarks.still_shot import windows
from vst.evaluate import structural_similarity
from vst.evaluate.metrics.metric import ContentStyleFunction
from vst.evaluate.metrics.perceptual import content_style_function
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import find_painting, read_painting
from vst.synthetic import PRESETS, create_scene

NUMBERS = ("content", "ssim")


@dataclass
class Faithfulness:
    """How much of a scene one output shows, by frame number.

    Attributes:
        content: Content losses.
        ssim: Structural similarities to the input, of luma.
    """

    content: dict[int, float] = field(default_factory=dict)
    ssim: dict[int, float] = field(default_factory=dict)

    def mean(self, name: str, window: slice) -> float:
        """Of `NUMBERS`, the mean over a window."""
        values: dict[int, float] = getattr(self, name)
        inside = [value for t, value in values.items() if window.start <= t < window.stop]
        return math.fsum(inside) / len(inside)


def parting(
    mode: Faithfulness, per_frame: Faithfulness, name: str, early: slice, late: slice
) -> tuple[float, float, float]:
    """The mode's ratio to the per-frame mode's early and late, and the late one by the early one."""
    before, after = (mode.mean(name, each) / per_frame.mean(name, each) for each in (early, late))
    return before, after, after / before


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    early, late = windows(options.frames, options.skip, options.window)
    sizes = style_sizes(options.style_size, options.styles)
    network = load_loss_network(options.loss_network)
    result: dict[str, Any] = {"early": [early.start + 1, early.stop], "late": [late.start + 1, late.stop]}
    rows: list[list[str]] = []
    sheet: list[list[Cell]] = []
    for style in options.styles:
        picture = read_painting(find_painting(options.style_images, style), sizes[style])
        seen, cells = _watch(style, options, content_style_function(network, picture), (early, late))
        sheet += cells
        first = options.modes[0]
        result[style] = {}
        weights = rendered_weights(options, style)
        for mode, values in seen.items():
            moved = {name: parting(values, seen[first], name, early, late) for name in NUMBERS}
            rows.append([style, mode, *(f"{each:.3f}" for name in NUMBERS for each in moved[name])])
            result[style][mode] = {
                "weights": weights[shlex.split(mode)[0]],
                "ratios": moved,
                "frames": {name: getattr(values, name) for name in NUMBERS},
            }
    print(
        f"{options.scene}, frames {early.start + 1} to {early.stop}, and {late.start + 1} to {late.stop}: "
        f"content loss and SSIM to the input relative to {options.modes[0]}'s\n"
    )
    print(
        markdown(
            ["style", "mode", *(f"{n}, {w}" for n in NUMBERS for w in ("early", "late", "late / early"))],
            rows,
        )
    )
    if options.sheet:
        write_sheet(sheet, options.sheet)
    return result


def _watch(
    style: str,
    options: argparse.Namespace,
    perceptual: ContentStyleFunction,
    looked_at: tuple[slice, slice],
) -> tuple[dict[str, Faithfulness], list[list[Cell]]]:
    """Stylize the shot in all modes; returns a row of images from the middle of each window."""
    width = round(options.size * 16 / 9 / 4) * 4
    scene = create_scene(options.scene, width=width, height=options.size, frames=options.frames)
    clip = scene_clip(options.scene, scene, options.frames)
    seen = {name: Faithfulness() for name in options.modes}
    pictures: list[list[Cell]] = []
    middles = [(each.start + each.stop) // 2 for each in looked_at]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mkv"
        clip.save(source)
        modes = rendered_modes(options, source, options.frames, style)
        for frame in scene.frames():
            t = frame.index
            outputs = {name: mode.step(frame) for name, mode in modes.items()}
            if any(window.start <= t < window.stop for window in looked_at):
                for name, output in outputs.items():
                    seen[name].content[t], _ = perceptual(output, frame.image)
                    seen[name].ssim[t] = structural_similarity(frame.image, output)
            if t in middles:
                shown = {"input": frame.image, **outputs}
                pictures.append(
                    [
                        cell(f"{name}, frame {t + 1}", image, options.sheet_side)
                        for name, image in shown.items()
                    ]
                )
    return seen, pictures


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--modes", nargs="+", default=["itn", "lstm"], help="per-frame one first")
    parser.add_argument("--styles", "--style", nargs="+", default=["candy"])
    add_weights(parser)
    parser.add_argument("--scene", choices=list(PRESETS), default="crossing")
    parser.add_argument("--frames", type=positive, default=500)
    parser.add_argument("--size", type=positive, default=180, help="shorter side, pixels")
    parser.add_argument("--skip", type=int, default=10, help="frames before the first window")
    parser.add_argument("--window", type=positive, default=20, help="frames of each of the two windows")
    add_losses(parser, required=True)
    parser.add_argument("--sheet", type=Path, help="a picture: a frame of each window in all modes")
    parser.add_argument(
        "--sheet-side", type=positive, default=320, help="longer side of each frame, pixels"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
