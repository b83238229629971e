"""Whether a blend of two styles lies between them, and moves from one to the other without turning back.

    python -m benchmarks.blend --styles candy mosaic --style-images ../shared/data/styles \
        --loss-network ../shared/weights --sheet blend.png

A network that has both styles stylizes photographs with five weights of the second. From the first to the
last of them the style loss to the first style has to rise, and that to the second to fall.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from benchmarks.markdown import markdown, number
from benchmarks.networks import described, need_weights, open_mode
from benchmarks.options import (
    add_losses,
    add_photographs,
    add_sheet,
    add_weights,
    create_parser,
    run,
    style_sizes,
)
from benchmarks.photo_losses import stylize_photograph
from benchmarks.photographs import read_photographs, spread
from benchmarks.sheet import cell, write_sheet
from vst.errors import UsageError
from vst.evaluate import gradient_energy
from vst.evaluate.metrics.perceptual import ContentStyleMeter
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import find_painting, read_painting

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the second style; the first and last are pure ones."""


def monotone(losses: Sequence[float]) -> bool:
    """Whether losses to a style rise at every step away from it.

    >>> monotone([1, 2, 3]), monotone([1, 3, 2]), monotone([3, 2, 1])
    (True, False, False)
    """
    return all(a < b for a, b in pairwise(losses))


def between(losses: Sequence[float]) -> bool:
    """Whether all losses but the first and the last lie between these two.

    >>> between([1, 3, 2, 4]), between([1, 5, 4])
    (True, False)
    """
    low, high = sorted((losses[0], losses[-1]))
    return all(low < loss < high for loss in losses[1:-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    first, second = options.styles
    if first == second:
        raise UsageError(f"a blend of {first} and {second}; give two styles")
    selection = need_weights(options.weights_dir, options.mode, (first, second), options.quality)
    modes = [open_mode(selection, (first, 1 - weight), (second, weight)) for weight in WEIGHTS]
    labels = [f"{first} {1 - weight:g}, {second} {weight:g}" for weight in WEIGHTS]
    sizes = style_sizes(options.style_size, options.styles)
    paths = [find_painting(options.style_images, style) for style in options.styles]
    pictures = [read_painting(path, size) for path, size in zip(paths, sizes.values(), strict=True)]
    meter = ContentStyleMeter(load_loss_network(options.loss_network), pictures)
    photos = read_photographs(options.photos, options.count, options.size)
    shown = spread(len(photos), options.sheet_photos) if options.sheet else []

    columns = ("content", f"style to {first}", f"style to {second}", "gradient")
    # By column a list a photograph, with a value a weight.
    values: dict[str, list[list[float]]] = {column: [] for column in columns}
    rows = []
    for i, photo in enumerate(photos):
        target = meter.target(photo.image)
        paintings = [stylize_photograph(mode, photo.image) for mode in modes]
        found = []
        for image in paintings:
            content, styles = meter(image, target, [0, 1])
            found.append((content, *styles, gradient_energy(image)))
        for column, each in zip(columns, zip(*found, strict=True), strict=True):
            values[column].append(list(each))
        if i in shown:
            named = [(photo.name, photo.image), *zip(labels, paintings, strict=True)]
            rows.append([cell(label, image, options.sheet_side) for label, image in named])

    means = {column: _means(values[column]) for column in columns}
    verdicts = {
        # Seen from each style's own end.
        columns[1]: _verdict(means[columns[1]], values[columns[1]], 1),
        columns[2]: _verdict(means[columns[2]], values[columns[2]], -1),
    }
    print(f"{len(photos)} photographs, short side {options.size} at most\n")
    print(_table(labels, means))
    for column, verdict in verdicts.items():
        print("\n" + _sentence(column, verdict, len(photos)))
    if options.sheet:
        write_sheet(rows, options.sheet)
    return {
        "styles": [first, second],
        "weights": described(selection),
        "of_second": list(WEIGHTS),
        "means": means,
        "verdicts": verdicts,
        "photos": {
            photo.name: {column: values[column][i] for column in columns} for i, photo in enumerate(photos)
        },
    }


def _means(photos: Sequence[Sequence[float]]) -> list[float]:
    return [math.fsum(each) / len(each) for each in zip(*photos, strict=True)]


def _verdict(means: Sequence[float], photos: Sequence[Sequence[float]], step: int) -> dict[str, Any]:
    return {
        "monotone": monotone(means[::step]),
        "between": between(means),
        "photos_monotone": sum(monotone(photo[::step]) for photo in photos),
        "photos_between": sum(map(between, photos)),
    }


def _sentence(column: str, verdict: dict[str, Any], photos: int) -> str:
    return (
        f"{column}: the mean is {'' if verdict['monotone'] else 'not '}monotone "
        f"and {'' if verdict['between'] else 'not '}between the pure ones; "
        f"so are {verdict['photos_monotone']} and {verdict['photos_between']} of {photos} photographs."
    )


def _table(labels: Sequence[str], means: dict[str, list[float]]) -> str:
    rows = [[label, *(number(each[i]) for each in means.values())] for i, label in enumerate(labels)]
    return markdown(["", *means], rows)


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--styles", nargs=2, required=True, metavar=("A", "B"))
    parser.add_argument("--mode", default="itn")
    add_weights(parser)
    add_photographs(parser)
    add_losses(parser, required=True)
    add_sheet(parser, side=360)
    return parser


if __name__ == "__main__":
    sys.exit(main())
