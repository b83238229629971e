"""How near mode cyclegan comes to its artists, and what its temporal loss gains.

    python -m benchmarks.collections --loss-network ../shared/weights \
        --collection monet=../shared/data/paintings-monet.tar \
        --collection vangogh=../shared/data/paintings-vangogh.tar \
        --single monet=shipwreck --single vangogh=starry-night --count 12 --sheet collections.jpg
    python -m benchmarks.collections --without runs/monet-without --with runs/monet-with --style monet \
        --clips fox.mp4 dancer.mp4 car.mp4

The first prints, for each collection, the distance (`benchmarks.feature_moments.distance`) of its held-out
paintings to stylized photographs, to the photographs, to the paintings that were learned from, and to
stylizations of `itn` in the style of one painting (`--single`); for how many stylized photographs no other
artist's held-out paintings are nearer; and the CPU time of the generator. Pictures are compared at the same
shorter side.

The second prints table 4.1 of the dissertation: E of clips without and with the temporal loss, and with it
and keyframes, as `vst render` stylizes them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.clips import file_clip
from benchmarks.feature_moments import FeatureMoments, distance, moments_of, nearest
from benchmarks.markdown import markdown, number
from benchmarks.measure import MeasuredMode, measure
from benchmarks.networks import described, need_weights, open_mode
from benchmarks.options import (
    add_photographs,
    add_weights,
    by_name,
    create_parser,
    positive,
    run,
)
from benchmarks.photo_losses import stylize_photograph
from benchmarks.photographs import Photograph, read_photographs, scaled_down
from benchmarks.rendered import RenderedClip
from benchmarks.sheet import Cell, cell, write_sheet
from vst.errors import UsageError
from vst.frame import Frame
from vst.styles.loss_network import load_loss_network
from vst.train.collection import find_collection
from vst.train.picture_files import PictureFile
from vst.train.recipe_file import known_recipes, read_recipe

WITHOUT, WITH, KEYFRAMES = "without", "with", "with, keyframes"
_TIMED = (480, 854)
_WARM, _REPEATS = 2, 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    if not options.collection and not options.clips:
        raise UsageError(
            "nothing to measure; give --collection STYLE=PLACE, or --clips with --without and --with"
        )
    result: dict[str, Any] = {}
    if options.collection:
        result["distances"] = _distances(options)
    if options.clips:
        if options.without is None or options.with_loss is None or options.style is None:
            raise UsageError("--clips needs --without, --with and --style")
        result["temporal"] = _temporal(options)
    return result


def _distances(options: argparse.Namespace) -> dict[str, Any]:
    if options.loss_network is None:
        raise UsageError("--collection needs --loss-network")
    collections = by_name(options.collection, "--collection")
    singles = by_name(options.single, "--single")
    # Before anything is measured, which takes minutes.
    files = {
        style: need_weights(options.weights_dir, "cyclegan", [style], options.quality)
        for style in collections
    }
    files_of_itn = {
        style: need_weights(options.single_weights, "itn", [single], options.quality)
        for style, single in singles.items()
    }
    network = load_loss_network(options.loss_network)
    photos = read_photographs(options.photos, options.count, options.size)
    photo_moments = moments_of(network, (photo.image for photo in photos))
    held_out: dict[str, FeatureMoments] = {}
    learned: dict[str, FeatureMoments] = {}
    for style, place in collections.items():
        found = find_collection([place], options.hold_out, _prefixes(style))
        if not found.held_out:
            raise UsageError(f"no painting of {place} is held out; give a smaller --hold-out")
        held_out[style] = moments_of(network, _paintings(found.held_out, options.size))
        learned[style] = moments_of(network, _paintings(found.learned, options.size))
    sheet = [[cell("photograph", photo.image, options.sheet_side) for photo in photos]]
    result: dict[str, Any] = {}
    for style in collections:
        rows = {"photographs": distance(photo_moments, held_out[style])}
        rows["other paintings"] = distance(learned[style], held_out[style])
        mode = open_mode(files[style], (style, 1.0))
        pictures = _stylize(mode, photos)
        rows["cyclegan"] = distance(moments_of(network, pictures), held_out[style])
        near = [nearest(moments_of(network, [picture]), held_out) for picture in pictures]
        sheet.append(_row(style, pictures, options.sheet_side))
        if style in singles:
            pictures = _stylize(open_mode(files_of_itn[style], (singles[style], 1.0)), photos)
            rows["itn"] = distance(moments_of(network, pictures), held_out[style])
            sheet.append(_row(f"itn, {singles[style]}", pictures, options.sheet_side))
        milliseconds = _cpu_milliseconds(mode)
        result[style] = {
            "distance": rows,
            "nearest": near,
            "cpu_milliseconds": milliseconds,
            "weights": described(files[style]),
        }
    _print_distances(result)
    if options.sheet is not None:
        write_sheet(sheet, options.sheet)
    return result


def _print_distances(result: dict[str, Any]) -> None:
    names = ("photographs", "cyclegan", "itn", "other paintings")
    header = ["held-out paintings to", *names, "cyclegan / photographs", "nearest to their own", "CPU ms"]
    lines = []
    for style, values in result.items():
        found, near = values["distance"], values["nearest"]
        ratio = found["cyclegan"] / found["photographs"]
        own = f"{near.count(style)} of {len(near)}"
        cells = [number(found.get(name)) for name in names]
        lines.append([style, *cells, number(ratio), own, f"{values['cpu_milliseconds']:.0f}"])
    print(markdown(header, lines))


def _temporal(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    settings = {
        WITHOUT: (options.without, "1"),
        WITH: (options.with_loss, "1"),
        KEYFRAMES: (options.with_loss, "auto"),
    }
    result = {}
    for path in options.clips:
        clip = file_clip(path, options.frames, options.clip_size)
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source.mkv"
            clip.save(source)
            modes: dict[str, MeasuredMode] = {}
            for place, (name, (weights, interval)) in enumerate(settings.items()):
                command = ["--mode", "cyclegan", "--style", options.style, "--weights-dir", str(weights)]
                command += ["--keyframe-interval", interval, "--threads", str(options.threads)]
                modes[name] = RenderedClip(source, command, clip.frames, Path(folder) / f"{place}.mkv")
            rows = measure(clip, modes, None, 1, None)
        reference = clip.references[0].name
        result[clip.name] = {name: rows[name].curves[reference].summary().mean["E"] for name in settings}
    print(temporal_table(result))
    return result


def temporal_table(errors: dict[str, dict[str, float]]) -> str:
    """Table 4.1: a line a clip, with E of each setting and its ratio to that without temporal loss."""
    header = ["E in 1/1000", WITHOUT, WITH, "ratio", KEYFRAMES, "ratio"]
    lines = []
    for clip, found in errors.items():
        cells = [number(1000 * found[WITHOUT])]
        for name in (WITH, KEYFRAMES):
            cells += [number(1000 * found[name]), f"{found[name] / found[WITHOUT]:.2f}"]
        lines.append([clip, *cells])
    return markdown(header, lines)


def _prefixes(style: str) -> Sequence[str]:
    """Those of the style's recipe, if there is one: they say which files show one work."""
    name = f"cyclegan-{style}"
    found: Sequence[str] = read_recipe(name).get("title_prefixes", ()) if name in known_recipes() else ()
    return found


def _paintings(files: Sequence[PictureFile], size: int) -> list[Tensor]:
    return [scaled_down(file, size).image for file in files]


def _stylize(mode: MeasuredMode, photos: Sequence[Photograph]) -> list[Tensor]:
    return [stylize_photograph(mode, photo.image) for photo in photos]


def _row(name: str, pictures: Sequence[Tensor], side: int) -> list[Cell]:
    return [cell(name, picture, side) for picture in pictures]


def _cpu_milliseconds(mode: MeasuredMode) -> float:
    """CPU time of a frame of 854×480, in milliseconds, without decoding and encoding."""
    frame = Frame(0, Fraction(0), Fraction(1, 25), torch.rand(3, *_TIMED))
    for _ in range(_WARM):
        mode.step(frame)
    began = time.process_time()
    for _ in range(_REPEATS):
        mode.step(frame)
    return 1000 * (time.process_time() - began) / _REPEATS


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument(
        "--collection", action="append", default=[], metavar="STYLE=PLACE", help="a style and its paintings"
    )
    parser.add_argument("--hold-out", type=positive, default=7, help="every so many paintings are held out")
    parser.add_argument(
        "--single",
        action="append",
        default=[],
        metavar="STYLE=ITN",
        help="a style of itn beside a collection's",
    )
    parser.add_argument(
        "--single-weights", metavar="PLACE", help="weights of itn; the checkout's by default"
    )
    parser.add_argument("--loss-network", help="vgg16, vgg19 or a folder of weights")
    add_weights(parser)
    add_photographs(parser)
    parser.set_defaults(size=256)
    parser.add_argument("--sheet", type=Path, help="picture file to write: photographs over stylized ones")
    parser.add_argument("--sheet-side", type=positive, default=200, help="longer side of its pictures")
    parser.add_argument("--clips", nargs="*", type=Path, default=[], help="clips for table 4.1")
    parser.add_argument("--without", type=Path, help="folder of weights without the temporal loss")
    parser.add_argument("--with", dest="with_loss", type=Path, help="folder of weights with it")
    parser.add_argument("--style", help="their style")
    parser.add_argument("--frames", type=positive, default=30, help="of each clip, at most")
    parser.add_argument("--clip-size", type=positive, default=360, help="shorter side of clips, pixels")
    return parser


if __name__ == "__main__":
    sys.exit(main())
