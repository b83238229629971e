"""`vst export`: a style as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vst.cli.console import console_of
from vst.cli.nearest import NearestChoice
from vst.cli.options import Parsed, talk_options, weights_dir_option, which_styles
from vst.errors import UsageError
from vst.pipeline.option_groups.stylization import QUALITIES
from vst.pipeline.option_values import DYNAMIC, EXPORT_PRECISIONS, parse_picture_size
from vst.sizes import size_in_words


@click.command("export")
@click.option(
    "--onnx",
    "output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write, for ONNX Runtime and other programs.",
)
@click.option("--style", metavar="STYLE", help="A style, or a blend such as candy:0.6+wave:0.4.")
@click.option(
    "--mode",
    default="itn",
    show_default=True,
    metavar="MODE",
    help="A mode that stylizes each frame by itself.",
)
@click.option(
    "--quality",
    type=NearestChoice(QUALITIES),
    default=QUALITIES[0],
    show_default=True,
    help="Width of the network: the widest that has the style, only a wide one, or the narrowest.",
)
@click.option(
    "--size",
    type=Parsed(parse_picture_size, f"WxH|{DYNAMIC}"),
    default=DYNAMIC,
    show_default=True,
    help="Width and height of the pictures, if they are always the same.",
)
@click.option(
    "--precision",
    type=NearestChoice(EXPORT_PRECISIONS),
    default=EXPORT_PRECISIONS[0],
    show_default=True,
    help="Of convolutions and weights: fp16 is half as large.",
)
@weights_dir_option
@click.option("-y", "--overwrite", is_flag=True, help="Replace a file that exists.")
@talk_options
@click.pass_context
def export_command(context: click.Context, output: Path, style: str | None, **options: Any) -> None:
    """Write the network of a style for other programs: phones, browsers, games.

    The graph takes a picture and gives it stylized, both RGB from 0 to 1. What 'vst render' does around it
    is not in it: docs/export.md.
    """
    console = console_of(context)
    if style is None:
        raise UsageError(f"no style given: {which_styles(options['weights_dir'])}")
    from vst.pipeline import ExportSettings, export_onnx

    settings = ExportSettings(style=style, **options)
    report = export_onnx(settings, output)
    size = "any size" if settings.size is None else "{}×{}".format(*settings.size)
    console.result(
        f"{report.output}: {style}, mode {settings.mode}, {size}, {settings.precision}, "
        f"opset {report.opset}, {size_in_words(report.size)}"
    )
    console.event(
        "done",
        output=str(report.output),
        style=style,
        mode=settings.mode,
        size=settings.size,
        precision=settings.precision,
        opset=report.opset,
        bytes=report.size,
        metadata=dict(report.metadata),
    )
