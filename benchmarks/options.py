"""Command line options that several benchmarks share, and their exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.networks import QUALITY
from vst.errors import UsageError, VstError
from vst.styles.quality import QUALITIES

PHOTOS = Path("../shared/data/photos-check")
STYLE_SIZE = 512
PLACE_HELP = "a folder, file, or pattern such as 'weights/*-fast*'; by default the checkout's own folder"


def create_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the options of every benchmark.

    Args:
        doc: The docstring of the benchmark; its first line is the description.
    """
    parser = argparse.ArgumentParser(description=doc.split("\n")[0] if doc else None)
    parser.add_argument(
        "--threads",
        type=positive,
        default=1,
        help="CPU threads; results can differ between numbers of threads",
    )
    parser.add_argument("-o", "--output", type=Path, help="all values as JSON")
    return parser


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the weight files of this project."""
    parser.add_argument("--weights-dir", metavar="PLACE", help=PLACE_HELP)
    add_quality(parser)


def add_quality(parser: argparse.ArgumentParser) -> None:
    """Add the option that selects the width of the networks."""
    parser.add_argument(
        "--quality",
        choices=QUALITIES,
        default=QUALITY,
        help=f"which width to measure, of those that have the styles; default {QUALITY}",
    )


def add_photographs(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the photographs."""
    parser.add_argument(
        "--photos", type=Path, default=PHOTOS, help=f"folder of photographs; default {PHOTOS}"
    )
    parser.add_argument("--count", type=positive, help="number of photographs, evenly spread; default all")
    parser.add_argument(
        "--size",
        type=positive,
        default=512,
        help="shorter side in pixels; larger photographs are scaled down",
    )


def add_losses(parser: argparse.ArgumentParser, required: bool) -> None:
    """Add the options of content and style loss."""
    parser.add_argument(
        "--style-images", type=Path, required=required, help="folder with a picture NAME.jpg for each style"
    )
    parser.add_argument("--loss-network", required=required, help="vgg16, vgg19 or a folder of weights")
    parser.add_argument(
        "--style-size",
        nargs="+",
        default=[],
        metavar="[NAME=]PIXELS",
        help=f"longer side of the style pictures, of all or of one; default {STYLE_SIZE}",
    )


def add_peers(parser: argparse.ArgumentParser) -> None:
    """Add the option that names published networks to compare with."""
    parser.add_argument(
        "--peer",
        nargs="+",
        action="extend",
        default=[],
        metavar="STYLE=FILE",
        help="a TransformerNet of pytorch/examples, safetensors",
    )


def add_sheet(parser: argparse.ArgumentParser, side: int) -> None:
    """Add the options of a contact sheet of stylized photographs."""
    parser.add_argument(
        "--sheet", type=Path, help="picture file to write: photographs beside their stylized versions"
    )
    parser.add_argument(
        "--sheet-photos", type=positive, default=3, help="number of photographs on the sheet"
    )
    parser.add_argument(
        "--sheet-side", type=positive, default=side, help="longer side of each picture in pixels"
    )


def positive(text: str) -> int:
    """Parse an integer of 1 or more.

    Raises:
        argparse.ArgumentTypeError: The text is not such a number.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} given; expected an integer of 1 or more")
    return int(text)


def by_name(given: Sequence[str], option: str) -> dict[str, str]:
    """Parse texts `NAME=VALUE` into a dictionary; the name of a `VALUE` alone is "".

    Raises:
        UsageError: A value is empty, or a name was given twice.
    """
    found: dict[str, str] = {}
    for each in given:
        left, equals, right = each.partition("=")
        name, value = (left, right) if equals else ("", left)
        if not value:
            raise UsageError(f"{option} {each} has no value; expected NAME=VALUE")
        if name in found:
            raise UsageError(
                f"{option} was given twice {'for ' + name if name else 'without a name'}; "
                "give each a different name, NAME=VALUE"
            )
        found[name] = value
    return found


def peer_files(given: Sequence[str], styles: Sequence[str]) -> dict[str, Path]:
    """Files of published networks by style.

    Raises:
        UsageError: A file has no style, or a style that is not measured.
    """
    found = by_name(given, "--peer")
    for name in found:
        if name not in styles:
            raise UsageError(
                f"--peer {name + '=' if name else ''}{found[name]} is for none of {', '.join(styles)}; "
                "expected STYLE=FILE"
            )
    return {name: Path(file) for name, file in found.items()}


def style_sizes(given: Sequence[str], styles: Sequence[str]) -> dict[str, int]:
    """The longer side of each style picture in pixels.

    Raises:
        UsageError: A value is not a number of pixels, or a style is not measured.
    """
    found = by_name(given, "--style-size")
    for name, value in found.items():
        if name not in ("", *styles):
            raise UsageError(f"--style-size names {name!r}; expected one of {', '.join(styles)}")
        if not value.isdecimal() or int(value) == 0:
            raise UsageError(f"--style-size is {value!r}; expected a number of pixels")
    return {style: int(found.get(style, found.get("", STYLE_SIZE))) for style in styles}


def run(body: Callable[[argparse.Namespace], dict[str, Any]], options: argparse.Namespace) -> int:
    """Run a benchmark, write its result to `--output`, and return the exit code.

    An error is printed as one line.
    """
    torch.set_num_threads(options.threads)
    try:
        for path in (options.output, getattr(options, "sheet", None)):
            # Checked before the measurement, which may take an hour.
            if path is not None and not path.parent.is_dir():
                raise UsageError(f"{path} cannot be written: the folder {path.parent} does not exist")
        result = body(options)
        if options.output is not None:
            options.output.write_text(json.dumps(result, indent=1, allow_nan=False))
    except VstError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
