"""The demo: makes a clip with motion, a hard cut and sound, paints it, and shows both side by side.

Run it with `make demo`, or by hand with `python examples/demo.py`. It uses only what the package offers to
everybody, so it is also an example of the library.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from vst.errors import UsageError, VstError
from vst.media import Reader
from vst.media.probe import probe
from vst.pipeline import Progress, RenderSettings, render
from vst.styles import load_catalogue
from vst.synthetic import Scene, create_scene

BT709 = 1
"""Its number in libav's lists of matrices, primaries and transfer curves alike."""

LIMITED = 1
SAMPLE_RATE = 48000
SAMPLES = 1024
"""In a frame of AAC."""


def write_clip(scene: Scene, path: Path) -> None:
    """A scene with its tone as H.264 and AAC."""
    rate = Fraction(scene.config.rate)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "medium"})
        video.width, video.height, video.pix_fmt = scene.config.width, scene.config.height, "yuv420p"
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        tone = scene.tone(SAMPLE_RATE)
        heard = 0
        for frame in scene.frames():
            pixels = (frame.image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
            picture.pts, picture.time_base = frame.index, 1 / rate
            container.mux(video.encode(picture))
            # As much sound as there is picture, so that the two lie side by side in the file.
            while heard < min(len(tone), (frame.time + frame.duration) * SAMPLE_RATE):
                sound = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(tone[None, heard : heard + SAMPLES]), format="fltp", layout="mono"
                )
                sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, heard, Fraction(1, SAMPLE_RATE)
                container.mux(audio.encode(sound))
                heard += SAMPLES
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def write_comparison(clip: Path, painted: Path, wanted: list[int], path: Path, width: int = 400) -> None:
    """Some frames of two clips as one picture: the first above, the second below, as columns in order."""
    rows = []
    for file in (clip, painted):
        with Reader(file) as frames:
            row = [shrink(frame.image, width) for frame in frames if frame.index in wanted]
        rows.append(np.concatenate(row, 1))
    Image.fromarray(np.concatenate(rows, 0)).save(path)


def shrink(image: torch.Tensor, width: int) -> np.ndarray:
    """A frame as bytes, no wider than this: H×W×3."""
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    picture = Image.fromarray(pixels)
    if picture.width > width:
        picture = picture.resize(
            (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
        )
    return np.asarray(picture)


def first_style(mode: str) -> str:
    """The first style that the installed weights can paint in a mode."""
    for style in load_catalogue().styles.values():
        if mode in style.modes:
            return style.name
    raise UsageError(f"there are no weights for mode {mode}; see 'vst doctor'")


def main() -> None:
    """Make, paint, compare, and say where everything is."""
    parser = argparse.ArgumentParser(description="Make a clip, paint it, and show both side by side.")
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), help="folder for the results")
    parser.add_argument("--style", help="the first there is unless given")
    parser.add_argument("--mode", default="vtn")
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    options = parser.parse_args()

    options.output.mkdir(parents=True, exist_ok=True)
    clip = options.output / "clip.mp4"
    style = options.style or first_style(options.mode)
    painted = options.output / f"clip.{style}.mp4"
    picture = options.output / f"side-by-side.{style}.png"

    scene = create_scene("demo", width=options.width, height=options.height, frames=options.frames)
    print(f"making {clip}: {len(scene)} frames, {options.width}×{options.height}, a cut, sound", flush=True)
    write_clip(scene, clip)

    print(f"painting it: style {style}, mode {options.mode}", flush=True)

    def show(progress: Progress) -> None:
        if progress.frame % 10 == 0:
            print(f"  frame {progress.frame}/{progress.frames}, {progress.fps:.2f} frames/s", flush=True)

    settings = RenderSettings(style=style, mode=options.mode, overwrite=True)
    report = render(clip, settings, painted, progress=show)

    cut = scene.config.cut or 1
    last = len(scene) - 1
    write_comparison(clip, painted, sorted({cut // 2, cut - 1, cut, (cut + last) // 2, last}), picture)

    sound = ", ".join(each.codec for each in probe(painted).audio) or "none"
    print(
        f"\n{report.output}: {report.frames} of {len(scene)} frames, {report.shots} shots, sound: {sound}, "
        f"{report.frames / report.seconds:.2f} frames/s"
    )
    for note in report.notes:
        print(f"note: {note}")
    print(
        f"{picture}: the clip above, the painting below; columns two and three are either side of the cut"
    )


if __name__ == "__main__":
    try:
        main()
    except VstError as error:
        sys.exit(f"demo: error: {error}")
