"""Content and style losses of stylized photographs, compared with those of a published network.

    python -m benchmarks.pictures --styles candy mosaic --peer candy=tnet_candy.safetensors \
        --weights-dir fast='weights/*-fast*' standard='weights/*-standard*' \
        --style-images ../shared/data/styles --loss-network ../shared/weights --sheet pictures.png

The style loss is computed with the painting in several sizes. The size that suits the peer best is used
for all networks of that style; without a peer it is `--style-size`. The sum is content + weight · style,
with the weight for which the two terms of the peer are equal. Our pictures go through `vst.render`. Output
is rounded to 8 bits. With `--optimised gatys`, what this mode makes stands beside the networks, with the
seconds that it took.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.against_peer import RATIOS, ratios, sizes_within, style_weight
from benchmarks.markdown import markdown, number
from benchmarks.networks import SHIPPED, described, find_weights
from benchmarks.options import (
    PLACE_HELP,
    add_losses,
    add_peers,
    add_photographs,
    add_sheet,
    by_name,
    create_parser,
    peer_files,
    positive,
    run,
    style_sizes,
)
from benchmarks.peers import PeerMode
from benchmarks.photo_losses import INPUT, PEER, StyleCase, measure_photographs
from benchmarks.photographs import longer_side, read_photographs, spread
from benchmarks.rendered import OptimisedStills, RenderedStills
from benchmarks.sheet import Cell, cell, write_sheet
from vst.errors import UsageError
from vst.pipeline import RenderSettings
from vst.styles import Selection
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import find_painting, read_painting

PARTS = ("flat", "grid", "rim content", "rim style")
"""See `benchmarks.picture_measures`."""

Weights = Mapping[str, Selection]
"""What is ours, by row of the table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    photos = read_photographs(options.photos, options.count, options.size)
    weights = _weights(options)
    cases = _cases(options, weights)
    shown = [photos[i].name for i in spread(len(photos), options.sheet_photos)] if options.sheet else []
    cells: dict[tuple[str, str], list[Cell]] = {}

    def show(style: str, photo: str, row: str, image: Tensor) -> None:
        if photo in shown:
            label = f"{style}, {photo}" if row == INPUT else row
            cells.setdefault((style, photo), []).append(cell(label, image, options.sheet_side))

    measure_photographs(cases, photos, load_loss_network(options.loss_network), show)
    print(f"{len(photos)} photographs, short side {options.size} at most\n")
    print(_table(cases))
    print(_times(cases))
    if options.sheet:
        write_sheet([cells[case.name, photo] for case in cases for photo in shown], options.sheet)
    return {
        "photos": {photo.name: list(photo.image.shape[-2:]) for photo in photos},
        "loss_network": options.loss_network,
        "styles": {case.name: _as_json(case, weights[case.name]) for case in cases},
    }


def _weights(options: argparse.Namespace) -> dict[str, Weights]:
    given = by_name(options.weights_dir, "--weights-dir")
    places: dict[str, str | None] = {label or "ours": place for label, place in given.items()}
    places = places or {"ours": None}
    found: dict[str, Weights] = {}
    for style in options.styles:
        tried = {
            f"{label} {mode}": find_weights(place, mode, [style])
            for label, place in places.items()
            for mode in options.modes
        }
        # Not every width has every style; one that none has is a mistake.
        found[style] = {row: files for row, files in tried.items() if files is not None}
        if not found[style]:
            where = ", ".join(str(place or SHIPPED) for place in places.values())
            raise UsageError(
                f"no weights of mode {' or '.join(options.modes)} have {style!r} in {where}; "
                "give --weights-dir LABEL=FOLDER"
            )
    return found


def _cases(options: argparse.Namespace, weights: Mapping[str, Weights]) -> list[StyleCase]:
    peers = peer_files(options.peer, options.styles)
    sizes = style_sizes(options.style_size, options.styles)
    cases = []
    for style in options.styles:
        path = find_painting(options.style_images, style)
        wanted = options.style_sizes if style in peers else [sizes[style]]
        pictures = {s: read_painting(path, s) for s in sizes_within(wanted, longer_side(path))}
        case = StyleCase(style, pictures, {PEER: PeerMode(peers[style])} if style in peers else {})
        for row, files in weights[style].items():
            case.networks[row] = RenderedStills(files, style, files.files[0].mode)
        for mode in options.optimised:
            case.networks[mode] = OptimisedStills(_settings(path, mode, options), options.kept)
        cases.append(case)
    return cases


def _settings(painting: Path, mode: str, options: argparse.Namespace) -> RenderSettings:
    """Of a mode without a network."""
    return RenderSettings(
        style=str(painting),
        mode=mode,
        loss_network=options.loss_network,
        steps=options.steps,
        style_weight=options.style_weight,
        device="cpu",
        threads=options.threads,
    )


def _table(cases: Sequence[StyleCase]) -> str:
    header = [
        "style",
        "at",
        "network",
        "content",
        "style",
        "gradient",
        *PARTS,
        *(f"{name} / peer" for name in RATIOS),
    ]
    rows = []
    for case in cases:
        size, peer = case.size(), case.peer()
        for row, record in case.records.items():
            terms = record.terms(size)
            against = {} if peer is None or row in (INPUT, PEER) else ratios(terms, peer)
            parts = {} if row == INPUT else record.parts(size)
            values = [terms.content, terms.style, terms.gradient, *map(parts.get, PARTS)]
            values += [against.get(name) for name in RATIOS]
            rows.append([case.name, f"{size} px", row, *map(number, values)])
    return markdown(header, rows)


def _times(cases: Sequence[StyleCase]) -> str:
    """Seconds a picture of what is optimised; "" where nothing is."""
    lines = []
    for case in cases:
        for row, network in case.networks.items():
            if isinstance(network, OptimisedStills):
                cpu, wall = (f"{sum(each) / len(each):.0f}" for each in (network.cpu, network.wall))
                most = f"{max(network.wall):.0f}"
                lines.append(f"\n{case.name}, {row}: {cpu} CPU s, {wall} s a picture, at most {most} s")
    return "".join(lines)


def _as_json(case: StyleCase, weights: Weights) -> dict[str, Any]:
    size, peer = case.size(), case.peer()
    networks: dict[str, Any] = {}
    for row, record in case.records.items():
        terms = record.terms(size)
        networks[row] = {
            "content": terms.content,
            "style": terms.style,
            "gradient": terms.gradient,
            "style_by_size": record.style_by_size(),
            "parts": {} if row == INPUT else record.parts(size),
            "photos": {"content": record.content, "style": record.style[size], "gradient": record.gradient},
        }
        if row in weights:
            networks[row]["weights"] = described(weights[row])
            if peer is not None:
                networks[row]["against_peer"] = ratios(terms, peer)
    weight = {} if peer is None else {"style_weight": style_weight(peer)}
    return {"style_size": size, **weight, "networks": networks}


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("--styles", nargs="+", default=["candy"])
    parser.add_argument("--modes", "--mode", nargs="+", default=["itn"])
    parser.add_argument(
        "--weights-dir",
        nargs="+",
        action="extend",
        default=[],
        metavar="[LABEL=]PLACE",
        help=f"{PLACE_HELP}; the widest fit of each is measured, and several get a label each",
    )
    parser.add_argument(
        "--optimised", nargs="+", default=[], metavar="MODE", help="modes without a network"
    )
    parser.add_argument("--steps", type=positive, help="steps of these; by default their own")
    parser.add_argument("--style-weight", type=float, default=60.0, help="of these")
    parser.add_argument("--kept", type=Path, help="folder for their pictures, for a later run to take")
    add_peers(parser)
    add_photographs(parser)
    add_losses(parser, required=True)
    parser.add_argument(
        "--style-sizes",
        nargs="+",
        type=positive,
        default=[256, 320, 384, 512, 640, 768, 1024],
        help="longer sides of the style picture to choose from where there is a peer; all are in --output",
    )
    add_sheet(parser, side=480)
    return parser


if __name__ == "__main__":
    sys.exit(main())
