"""Temporal stability of `vst render`: the tables of benchmarks/results/stability.md, from a checkout.

    python -m benchmarks.stability --modes itn vtn "vtn --keyframe-interval 1" --styles candy mosaic \
        --style-images ../shared/data/styles --loss-network ../shared/weights --clips fox.mp4 \
        --scenes crossing hidden pan -o stability.json

Each of `--modes` is a mode with other options of `vst render`; the first is stylized frame by frame, and
the others have ratios to it. Clips are cut and sized first, then rendered and read back without loss.
Beside the modes stand the input, the published peer, and the baselines blend, paste and still. The
reference flow of scenes is their exact motion; that of files is `dis`, with Farnebäck as second. Several
styles also have means. `--by-place N` adds a table by the place of a frame between two keyframes N apart.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.clips import Clip, file_clip, scene_clip
from benchmarks.measure import mask_scores, measure
from benchmarks.options import (
    add_losses,
    add_peers,
    add_weights,
    create_parser,
    peer_files,
    positive,
    run,
    style_sizes,
)
from benchmarks.peers import PeerMode
from benchmarks.rendered import rendered_modes, rendered_weights
from benchmarks.tables import (
    Rows,
    as_json,
    mask_table,
    mean_table,
    means_as_json,
    place_table,
    ratio_table,
    ratios,
    reappearance,
    reappearance_table,
    table,
)
from vst.errors import UsageError
from vst.evaluate.metrics.metric import ContentStyleFunction
from vst.evaluate.metrics.perceptual import content_style_function
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import find_painting, read_painting
from vst.synthetic import PRESETS, create_scene


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    peers = peer_files(options.peer, options.styles)
    perceptual = _perceptual(options)
    result: dict[str, Any] = {
        "styles": {
            style: {"weights": rendered_weights(options, style), "clips": {}} for style in options.styles
        }
    }
    for clip in _clips(options):
        gap = options.gap if clip.scene is not None and clip.name == "hidden" else None
        styles: dict[str, Rows] = {}
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source.mkv"
            clip.save(source)
            for style in options.styles:
                modes = rendered_modes(options, source, clip.frames, style)
                if style in peers:
                    modes["peer"] = PeerMode(peers[style])
                function = perceptual.get(style)
                styles[style] = measure(
                    clip, modes, function, options.perceptual_every, gap, not options.floors_only
                )
                result["styles"][style]["clips"][clip.name] = as_json(styles[style])
                _print(clip, style, styles[style], options.by_place)
        if len(styles) > 1:
            _print_means(clip, styles)
            result.setdefault("means", {})[clip.name] = {
                "judges": {
                    reference.name: means_as_json(styles, reference.name) for reference in clip.references
                },
                **({"reappearance": reappearance(styles)} if gap is not None else {}),
            }
        if gap is not None:
            print(f"\n**Reappearance** after {gap} frames in {clip.name}, E by pixel of what comes back\n")
            print(reappearance_table(styles))
        if clip.scene is not None and clip.name == "crossing":
            scores = mask_scores(clip.scene, options.frames)
            result["masks"] = {k: {"precision": s.precision, "recall": s.recall} for k, s in scores.items()}
            print("\n**Occlusion masks** on crossing\n")
            print(mask_table(scores))
        sys.stdout.flush()
    return result


def _clips(options: argparse.Namespace) -> list[Clip]:
    clips = [file_clip(path, options.frames, options.size) for path in options.clips]
    # Odd sizes of files come as they are; scenes are made 16:9.
    width = round(options.size * 16 / 9 / 4) * 4
    for name in options.scenes:
        extra = {"gap": options.gap} if name == "hidden" else {}
        scene = create_scene(name, width=width, height=options.size, frames=options.frames, **extra)
        clips.append(scene_clip(name, scene, options.frames))
    return clips


def _perceptual(options: argparse.Namespace) -> Mapping[str, ContentStyleFunction]:
    if (options.style_images is None) != (options.loss_network is None):
        raise UsageError("content and style need both --style-images and --loss-network; give both or none")
    if options.style_images is None:
        return {}
    sizes = style_sizes(options.style_size, options.styles)
    paths = {style: find_painting(options.style_images, style) for style in options.styles}
    network = load_loss_network(options.loss_network)
    return {
        style: content_style_function(network, read_painting(path, sizes[style]))
        for style, path in paths.items()
    }


def _print(clip: Clip, style: str, rows: Rows, interval: int | None) -> None:
    for reference in clip.references:
        count = len(rows["input"].curves[reference.name].points)
        print(f"\n**{clip.name}**, {style}, {count} frames, {reference.name} flow")
        print("(in brackets the last quarter of each shot)\n")
        print(table(rows, reference.name))
        if interval is not None:
            print(f"\nBy frames since a keyframe, of {interval}, / the mean of all\n")
            print(place_table(rows, reference.name, interval))


def _print_means(clip: Clip, styles: Mapping[str, Rows]) -> None:
    for reference in clip.references:
        print(f"\n**{clip.name}**, mean over {len(styles)} styles, {reference.name} flow\n")
        print(mean_table(styles, reference.name))
        if ratios(styles, reference.name):
            print(f"\n**{clip.name}**, by style, {reference.name} flow\n")
            print(ratio_table(styles, reference.name))


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument(
        "--modes",
        nargs="+",
        default=["itn", "vtn"],
        help="mode and options of vst render",
    )
    parser.add_argument("--styles", "--style", nargs="+", default=["candy"])
    add_weights(parser)
    add_peers(parser)
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument("--scenes", nargs="*", choices=list(PRESETS), default=["crossing", "hidden"])
    parser.add_argument("--frames", type=positive, default=80, help="of each clip, at most")
    parser.add_argument("--size", type=positive, default=360, help="shorter side, pixels")
    parser.add_argument("--gap", type=positive, default=8, help="frames that `hidden` hides things for")
    parser.add_argument("--by-place", type=positive, metavar="N", help="keyframe interval of the renders")
    parser.add_argument(
        "--floors-only",
        action="store_true",
        help="of the baselines, input and still alone, in half of the time",
    )
    add_losses(parser, required=False)
    parser.add_argument(
        "--perceptual-every",
        type=positive,
        default=7,
        help="content and style every n frames; of no interval between keyframes",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
