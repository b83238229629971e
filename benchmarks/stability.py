"""How still paintings hold: the tables of README, from a checkout.

    python -m benchmarks.stability --style candy --style-image candy.jpg --loss-network vgg16 \
        --clips fox.mp4 --scenes crossing hidden pan still_noisy -o stability.json

For every clip and scene: input, per-frame and temporal modes, the published peer, and the baselines blend,
paste and still, side by side in one pass. Modes see motion by `dis`, as in a render; scenes are judged by
their exact motion, files by `dis` with Farnebäck beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.clips import file_clip, scene_clip
from benchmarks.measure import Paints, mask_scores, measure
from benchmarks.peers import PeerMode
from benchmarks.tables import as_json, mask_table, reappearance_table, table
from vst.errors import VstError
from vst.evaluate.curves import Perceptual
from vst.losses.perceptual import PerceptualLoss, style_targets
from vst.modes import create_mode
from vst.render.device import choose_precision
from vst.styles.loss_network import load_loss_network
from vst.train.run import read_style_image
from vst.train.scenes import PRESETS, create_scene


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except VstError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _run(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    modes: dict[str, Paints] = {
        name: create_mode(
            name,
            options.style,
            precision=choose_precision("auto", torch.device("cpu")),
            weights_dir=options.weights_dir,
        )
        for name in options.modes
    }
    if options.peer is not None:
        modes["peer"] = PeerMode(options.peer)
    perceptual = None
    if options.style_image is not None and options.loss_network is not None:
        perceptual = perceptual_losses(options.loss_network, options.style_image, options.style_size)
    clips = [file_clip(path, options.frames, options.size) for path in options.clips]
    # Odd sizes of files come as they are; scenes are made 16:9.
    width = round(options.size * 16 / 9 / 4) * 4
    for name in options.scenes:
        extra = {"gap": options.gap} if name == "hidden" else {}
        scene = create_scene(name, width=width, height=options.size, frames=options.frames, **extra)
        clips.append(scene_clip(name, scene, options.frames))

    result: dict[str, Any] = {"style": options.style, "clips": {}}
    for clip in clips:
        gap = options.gap if clip.scene is not None and clip.name == "hidden" else None
        rows = measure(clip, modes, perceptual, options.perceptual_every, gap)
        result["clips"][clip.name] = as_json(rows)
        count = len(rows["input"].curves[clip.judges[0].name].points)
        for judge in clip.judges:
            print(f"\n**{clip.name}**, {count} frames, judged by {judge.name} flow")
            print("(in brackets the last quarter of each shot)\n")
            print(table(rows, judge.name))
        if gap is not None:
            print(f"\n**Reappearance** after {gap} frames, E by pixel of what comes back\n")
            print(reappearance_table(rows))
        if clip.scene is not None and clip.name == "crossing":
            scores = mask_scores(clip.scene, options.frames)
            result["masks"] = {k: {"precision": s.precision, "recall": s.recall} for k, s in scores.items()}
            print("\n**Occlusion masks** on crossing\n")
            print(mask_table(scores))
        sys.stdout.flush()
    if options.output is not None:
        options.output.write_text(json.dumps(result, indent=1, allow_nan=False))


def perceptual_losses(source: str, style_image: Path, style_size: int) -> Perceptual:
    """Content and style loss of paintings, each relative to its target's own energy.

    Args:
        source: `vgg16`, `vgg19` or a folder, see `load_loss_network`.
        style_image: The style.
        style_size: Its longer side is shrunk to this.
    """
    network = load_loss_network(source)
    style = read_style_image(str(style_image), style_size)
    loss = PerceptualLoss(network, [style_targets(network, [style])])
    first = torch.zeros(1, dtype=torch.int64)

    @torch.inference_mode()
    def perceptual(output: Tensor, frame: Tensor) -> tuple[float, float]:
        terms = loss(output[None], loss.content_target(frame.clamp(0, 1)[None]), first)
        return float(terms.content), float(terms.style)

    return perceptual


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--modes", nargs="*", default=["itn", "vtn"], help="per-frame one first")
    parser.add_argument("--style", default="candy")
    parser.add_argument("--weights-dir", type=Path)
    parser.add_argument("--peer", type=Path, help="a TransformerNet of pytorch/examples, safetensors")
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--scenes", nargs="*", choices=list(PRESETS), default=["crossing", "hidden"])
    parser.add_argument("--frames", type=int, default=80, help="of each clip, at most")
    parser.add_argument("--size", type=int, default=360, help="shorter side, pixels")
    parser.add_argument("--gap", type=int, default=8, help="frames that `hidden` hides things for")
    parser.add_argument("--style-image", type=Path, help="with --loss-network: measure content and style")
    parser.add_argument("--style-size", type=int, default=512, help="its longer side, pixels")
    parser.add_argument("--loss-network", help="vgg16, vgg19 or a folder of weights")
    parser.add_argument("--perceptual-every", type=int, default=8, help="content and style every n frames")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, help="all values as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
