"""Whose colours a render has: the hue that `keep` leaves, whether `match` pumps, all choices side by side.

    python -m benchmarks.colours hue ../shared/data/clips/{skiing,cockatoo,bigbuckbunny}.mp4
    python -m benchmarks.colours pumping ../shared/data/clips/{fox,dancer,car}.mp4 --frames 300
    python -m benchmarks.colours sheet ../shared/data/photos-check/*.jpg --sheet colour-choices.jpg
    python -m benchmarks.colours losses ../shared/data/photos-check/*.jpg \
        --style-images ../shared/data/styles --loss-network ../shared/weights

hue: degrees between the colour differences (Cb, Cr), Rec. 709, of clip and output, in 8 bits, where those
of the clip are longer than `CHROMA`. pumping: a shot of so many frames, made of a clip's first ones played
forwards and backwards: by how much the mean of red, green or blue ranges more in the output than in the
clip, how far their difference goes from its median, and how far from one frame to the next. Renders go
through `vst.render`. losses: content and style loss of keep and luminance, where photographs, outputs and
paintings are grey: what is seen of strokes under the colours of the clip.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import vst
from benchmarks.clips import file_clip, write_frames
from benchmarks.markdown import markdown
from benchmarks.options import add_losses, create_parser, positive, run, style_sizes
from benchmarks.photographs import read_photograph
from benchmarks.sheet import cell, write_sheet
from vst.colour_modes import COLOURS
from vst.errors import UsageError
from vst.evaluate.metrics.perceptual import ContentStyleMeter
from vst.frame import Frame
from vst.media import Reader
from vst.modes.adapters import to_gray
from vst.postprocess.colour import luminance
from vst.styles.loss_network import load_loss_network
from vst.styles.painting import find_painting, read_painting

CHROMA = 0.1
"""Length of (Cb, Cr), each in −0.5..0.5, from which on a pixel has a hue."""

SHOT = 75
"""Frames that are played forwards and backwards."""


@dataclass(frozen=True)
class HueError:
    """Of all pixels with a hue, in degrees.

    Attributes:
        mean: Mean.
        high: 95 of 100 have less.
        share: Of the pixels that have a hue.
    """

    mean: float
    high: float
    share: float


@dataclass(frozen=True)
class Pumping:
    """How the mean colour of an output changes beyond that of its clip, in 1/255, of the worst channel.

    Attributes:
        clip: Range of the clip's mean over the shot.
        output: Range of the output's.
        beyond: The largest difference of the two, output less clip, of a channel.
        apart: How far output less clip goes from its median.
        step: The largest change of output less clip from one frame to the next.
    """

    clip: float
    output: float
    beyond: float
    apart: float
    step: float


def hue_error(frames: Sequence[Tensor], outputs: Sequence[Tensor]) -> HueError:
    """Compare the hue of outputs with that of frames.

    Args:
        frames: 3×H×W, RGB, 0..1, each.
        outputs: The same.

    Raises:
        UsageError: No pixel has a hue.
    """
    found, pixels = [], 0
    for frame, output in zip(frames, outputs, strict=True):
        (hue, chroma), (other, _) = colour_difference(frame), colour_difference(output)
        apart = (other - hue + 180) % 360 - 180
        found.append(apart.abs()[chroma > CHROMA])
        pixels += chroma.numel()
    errors = torch.cat(found)
    if not errors.numel():
        raise UsageError(f"no pixel has a chroma above {CHROMA}; expected a clip with colours")
    high = errors.kthvalue(math.ceil(0.95 * len(errors))).values
    return HueError(float(errors.mean()), float(high), len(errors) / pixels)


def colour_difference(image: Tensor) -> tuple[Tensor, Tensor]:
    """Angle in degrees and length of (Cb, Cr), Rec. 709, of a picture 3×H×W: H×W each."""
    y = luminance(image)[0]
    cb, cr = (image[2] - y) / 1.8556, (image[0] - y) / 1.5748
    return torch.rad2deg(torch.atan2(cr, cb)), torch.hypot(cb, cr)


def pumping(clip: Sequence[Tensor], output: Sequence[Tensor]) -> Pumping:
    """Compare mean colours over a shot.

    Args:
        clip: The mean of red, green and blue of each frame, 0..1.
        output: The same.
    """
    given, made = 255 * torch.stack(list(clip)), 255 * torch.stack(list(output))
    ranges = [(each.amax(0) - each.amin(0)) for each in (given, made)]
    apart = made - given
    return Pumping(
        float(ranges[0].max()),
        float(ranges[1].max()),
        float((ranges[1] - ranges[0]).max()),
        float((apart - apart.median(0).values).abs().max()),
        float(apart.diff(dim=0).abs().max()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    return run(_run, _parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> dict[str, Any]:
    what = {"hue": _hue, "pumping": _pumping, "sheet": _sheet, "losses": _losses}
    return what[options.what](options)


def _hue(options: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for path in options.files:
        for colour in ("style", "keep", "luminance"):
            clip, output = _rendered(path, options, colour, options.frames, options.frames)
            found[f"{path.stem}, {colour}"] = hue_error(clip, output)
    header = ["clip, --colour", "pixels with a hue", "mean error", "95 % below"]
    lines = [
        [name, f"{100 * each.share:.0f} %", f"{each.mean:.2f}°", f"{each.high:.2f}°"]
        for name, each in found.items()
    ]
    print(markdown(header, lines))
    return {name: vars(each) for name, each in found.items()}


def _pumping(options: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for path in options.files:
        for colour in ("style", "match"):
            clip, output = _rendered(path, options, colour, options.frames, SHOT)
            means = ([each.double().mean((1, 2)) for each in frames] for frames in (clip, output))
            found[f"{path.stem}, {colour}"] = pumping(*means)
    header = ["clip, --colour", "range of the clip", "of the output", "beyond", "apart", "step"]
    lines = [[name, *(f"{value:.2f}" for value in vars(each).values())] for name, each in found.items()]
    print(markdown(header, lines))
    return {name: vars(each) for name, each in found.items()}


def _rendered(
    path: Path, options: argparse.Namespace, colour: str, frames: int, turn: int
) -> tuple[list[Tensor], list[Tensor]]:
    """The frames of a clip as it was given to the render, and those of the output.

    Args:
        path: Of the clip.
        options: With size, style and mode.
        colour: One of `vst.colour_modes`.
        frames: How many.
        turn: After so many frames the clip is played backwards, and forwards again.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clip.mkv"
        begun = min(turn, frames)
        file_clip(path, begun, options.size).save(source)
        write_frames(source, there_and_back(_frames(source)[:begun], frames))
        settings = vst.RenderSettings(
            style=options.style,
            mode=options.mode,
            colour=colour,
            codec="ffv1",
            pix_fmt="bgr0",
            device="cpu",
            backend="torch",
            threads=options.threads,
        )
        report = vst.render(source, settings, Path(folder) / "output.mkv")
        if report.shots != 1:
            raise UsageError(f"{path.name} has {report.shots} shots in {frames} frames; expected one")
        return [each.image for each in _frames(source)], [each.image for each in _frames(report.output)]


def there_and_back(frames: Sequence[Frame], count: int) -> list[Frame]:
    """So many frames: those given, forwards, backwards and forwards again, at times of their own."""
    course = [*frames, *frames[-2:0:-1]]
    step = frames[0].duration
    return [replace(course[t % len(course)], index=t, time=t * step) for t in range(count)]


def _frames(path: Path) -> list[Frame]:
    with Reader(path) as reader:
        return list(reader)


def _sheet(options: argparse.Namespace) -> dict[str, Any]:
    if options.sheet is None:
        raise UsageError("no sheet was given; give --sheet FILE.jpg")
    rows = []
    for path in options.files:
        photo = read_photograph(path, options.size)
        row = [cell(photo.name, photo.image, options.side)]
        for colour in COLOURS:
            made = vst.stylize(photo.image, options.style, colour=colour, device="cpu")
            row.append(cell(colour, made, options.side))
        rows.append(row)
    write_sheet(rows, options.sheet)
    return {"photographs": [path.name for path in options.files], "style": options.style}


def _losses(options: argparse.Namespace) -> dict[str, Any]:
    if options.style_images is None or options.loss_network is None:
        raise UsageError("losses need paintings and a network; give --style-images and --loss-network")
    sizes = style_sizes(options.style_size, [options.style])
    painting = read_painting(find_painting(options.style_images, options.style), sizes[options.style])
    meter = ContentStyleMeter(load_loss_network(options.loss_network), [to_gray(painting)])
    found: dict[str, list[tuple[float, float]]] = {"keep": [], "luminance": []}
    for path in options.files:
        photo = read_photograph(path, options.size).image
        target = meter.target(to_gray(photo))
        for colour, losses in found.items():
            made = vst.stylize(photo, options.style, colour=colour, quality="fast", device="cpu")
            content, (style,) = meter(to_gray(made), target, [0])
            losses.append((content, style))
    means = {
        colour: [sum(each) / len(each) for each in zip(*losses, strict=True)]
        for colour, losses in found.items()
    }
    lines = [[options.style, colour, *(f"{each:.3f}" for each in row)] for colour, row in means.items()]
    print(markdown(["style", "--colour", "content", "style loss"], lines))
    return {colour: dict(zip(("content", "style"), row, strict=True)) for colour, row in means.items()}


def _parser() -> argparse.ArgumentParser:
    parser = create_parser(__doc__)
    parser.add_argument("what", choices=("hue", "pumping", "sheet", "losses"))
    parser.add_argument("files", type=Path, nargs="+", help="clips, or photographs for the sheet")
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--mode", default="vtn", help="mode of the renders")
    parser.add_argument("--frames", type=positive, default=24, help="of each clip; give 300 for pumping")
    parser.add_argument("--size", type=positive, default=180, help="shorter side of the frames")
    parser.add_argument("--sheet", type=Path, help="picture file of the sheet")
    parser.add_argument("--side", type=positive, default=220, help="longer side of its pictures, pixels")
    add_losses(parser, required=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
