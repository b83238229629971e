"""The demo: stylize three seconds of film in two styles, and show the results beside the input.

Run it with `make demo`, or with `python examples/demo.py`. It uses only the public API of the package, so
it is also an example of the library.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

import vst
from vst.media import Reader
from vst.pipeline import CompareSettings, compare

CLIP = Path(__file__).with_name("bunny.mp4")
"""72 frames of 640×360 with a cut and sound; ATTRIBUTION.md says where they come from."""


def stylize(clip: Path, style: str, options: argparse.Namespace) -> Path:
    """Render the clip in one style into the output folder, and print what was done."""
    settings = vst.RenderSettings(
        style=style, mode=options.mode, size=options.size, frames=options.frames, overwrite=True
    )

    def show(progress: vst.Progress) -> None:
        if progress.frame % 12 == 0:
            print(f"  {style}: frame {progress.frame}, {progress.fps:.1f} frames/s", flush=True)

    output = options.output / f"{clip.stem}.{style}.mp4"
    report = vst.render(clip, settings, output, progress=show)
    print(f"{report.output}: {report.frames} frames, {report.shots} shots, {report.seconds:.0f} s")
    for note in report.notes:
        print(f"  note: {note}")
    return report.output


def save_picture(video: Path, path: Path, frames: int) -> None:
    """Save two frames of a video, at a third and at nine tenths of it, one above the other."""
    wanted = (frames // 3, frames * 9 // 10)
    with Reader(video) as reader:
        rows = [frame.image for frame in reader if frame.index in wanted]
    pixels = (torch.cat(rows, dim=1).clamp(0, 1) * 255).round().byte()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Stylize the clip in every style, then write the comparison."""
    parser = argparse.ArgumentParser(description="Stylize a clip and show the results beside the input.")
    parser.add_argument("--clip", type=Path, default=CLIP, help="the input (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for the results")
    parser.add_argument("--styles", nargs="+", default=["wave", "composition-vii"], help="at most three")
    parser.add_argument("--mode", default="vtn")
    parser.add_argument("--size", type=int, default=240, help="short side in pixels")
    parser.add_argument("--frames", type=int, help="stylize only the first frames")
    options = parser.parse_args(arguments)

    options.output.mkdir(parents=True, exist_ok=True)
    stylized = [stylize(options.clip, style, options) for style in options.styles]

    video, picture = options.output / "side-by-side.mp4", options.output / "side-by-side.png"
    labels = ("input", *options.styles)
    settings = CompareSettings(labels=labels, size=options.size, overwrite=True)
    report = compare([options.clip, *stylized], video, settings)
    save_picture(video, picture, report.frames)
    print(f"{video} and {picture}: {', '.join(labels)}")


if __name__ == "__main__":
    try:
        main()
    except vst.VstError as error:
        sys.exit(f"demo: error: {error}")
