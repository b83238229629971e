"""Options that several benchmarks share, and how all of them end."""

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
    """A parser with what every benchmark has, described by the first line of its docstring."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0] if doc else None)
    parser.add_argument(
        "--threads", type=positive, default=1, help="figures of one number of them are always the same"
    )
    parser.add_argument("-o", "--output", type=Path, help="all values as JSON")
    return parser


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Where one set of our own weights is, and which of them."""
    parser.add_argument("--weights-dir", metavar="PLACE", help=PLACE_HELP)
    add_quality(parser)


def add_quality(parser: argparse.ArgumentParser) -> None:
    """Which width is measured."""
    parser.add_argument(
        "--quality",
        choices=QUALITIES,
        default=QUALITY,
        help=f"of weights that have the styles the widest, wide ones or the narrowest; default {QUALITY}",
    )


def add_photographs(parser: argparse.ArgumentParser) -> None:
    """What is painted, where photographs are."""
    parser.add_argument("--photos", type=Path, default=PHOTOS, help=f"a folder of them; default {PHOTOS}")
    parser.add_argument("--count", type=positive, help="so many of them, evenly spread; default all")
    parser.add_argument(
        "--size", type=positive, default=512, help="shorter side, pixels; larger ones are shrunk"
    )


def add_losses(parser: argparse.ArgumentParser, required: bool) -> None:
    """By what content and style are measured."""
    parser.add_argument(
        "--style-images", type=Path, required=required, help="folder with a picture NAME.jpg of each style"
    )
    parser.add_argument("--loss-network", required=required, help="vgg16, vgg19 or a folder of weights")
    parser.add_argument(
        "--style-size",
        nargs="+",
        default=[],
        metavar="[NAME=]PIXELS",
        help=f"longer side at which style pictures are looked at, of all or of one; default {STYLE_SIZE}",
    )


def add_peers(parser: argparse.ArgumentParser) -> None:
    """Whom to compare with."""
    parser.add_argument(
        "--peer",
        nargs="+",
        action="extend",
        default=[],
        metavar="STYLE=FILE",
        help="a TransformerNet of pytorch/examples, safetensors",
    )


def add_sheet(parser: argparse.ArgumentParser, side: int) -> None:
    """A picture of what was painted."""
    parser.add_argument(
        "--sheet", type=Path, help="a picture: photographs and their paintings side by side"
    )
    parser.add_argument("--sheet-photos", type=positive, default=3, help="so many of the photographs on it")
    parser.add_argument("--sheet-side", type=positive, default=side, help="longer side of each, pixels")


def positive(text: str) -> int:
    """A whole number from 1.

    Raises:
        argparse.ArgumentTypeError: for anything else.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} given; expected a whole number from 1")
    return int(text)


def by_name(given: Sequence[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` each, as a dictionary; `VALUE` alone has the name "".

    Raises:
        UsageError: for a name without a value, or one given twice.
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
                "give each a name of its own, NAME=VALUE"
            )
        found[name] = value
    return found


def peer_files(given: Sequence[str], styles: Sequence[str]) -> dict[str, Path]:
    """Files of published networks by style.

    Raises:
        UsageError: for a file without a style, or of one that is not measured.
    """
    found = by_name(given, "--peer")
    for name in found:
        if name not in styles:
            raise UsageError(
                f"--peer {name + '=' if name else ''}{found[name]} is for no style of {', '.join(styles)}; "
                "expected STYLE=FILE"
            )
    return {name: Path(file) for name, file in found.items()}


def style_sizes(given: Sequence[str], styles: Sequence[str]) -> dict[str, int]:
    """The longer side at which each style's picture is looked at.

    Raises:
        UsageError: for what is no number of pixels, or names a style that is not measured.
    """
    found = by_name(given, "--style-size")
    for name, value in found.items():
        if name not in ("", *styles):
            raise UsageError(f"--style-size names {name!r}; measured are {', '.join(styles)}")
        if not value.isdecimal() or int(value) == 0:
            raise UsageError(f"--style-size is {value!r}; expected a number of pixels")
    return {style: int(found.get(style, found.get("", STYLE_SIZE))) for style in styles}


def run(body: Callable[[argparse.Namespace], dict[str, Any]], options: argparse.Namespace) -> int:
    """Measure, write what `--output` asks for, and give the exit code; errors are one line."""
    torch.set_num_threads(options.threads)
    try:
        for path in (options.output, getattr(options, "sheet", None)):
            # Said before an hour of measuring, not after.
            if path is not None and not path.parent.is_dir():
                raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
        result = body(options)
        if options.output is not None:
            options.output.write_text(json.dumps(result, indent=1, allow_nan=False))
    except VstError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
