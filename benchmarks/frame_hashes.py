"""Hashes of the decoded frames of a fixed set of renders, to check that a change does not change frames.

    python -m benchmarks.frame_hashes ../shared/data/clips/cutbunny.mp4 -o before.json
    python -m benchmarks.frame_hashes ../shared/data/clips/cutbunny.mp4 --against before.json

Every case runs the command in its own process: all modes, a blend, a still, EXR, a frame range, a resumed
render, tiles, recorded flow, a batch, the OpenFX plugin in its test host and the frei0r plugin in ffmpeg.
The output is lossless, and the hash covers the decoded planes and the timestamps, not the file. Hashes can
be compared on the same machine with the same libraries only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR

from benchmarks.markdown import markdown
from vst.host.plugin_build import find_or_build

ROOT = Path(__file__).parents[1]
STYLE = "candy"
RANGE = ("--start", "222f", "--end", "240f")
"""The frame range of cutbunny.mp4 that is rendered; it has the cut at frame 235."""


class Cases:
    """Runs the cases in one folder, on 18 frames of the clip at 320×180.

    Args:
        clip: 240 frames or more.
        folder: For the outputs.
    """

    def __init__(self, clip: Path, folder: Path) -> None:
        self.folder = folder
        self.clip = folder / "clip.mkv"
        run(
            "render",
            clip,
            "-o",
            self.clip,
            "--style",
            STYLE,
            "--strength",
            "0",
            "--size",
            "180",
            "--codec",
            "ffv1",
            *RANGE,
        )

    def all(self) -> dict[str, Callable[[], str]]:
        """Name of a case -> function that renders it and returns its hash."""
        cases: dict[str, Callable[[], str]] = {
            f"mode {mode}": lambda mode=mode: self.render("--mode", mode)
            for mode in ("itn", "vtn", "lstm", "reconet")
        }
        cases |= {
            f"tiles, {mode}": lambda mode=mode: self.render("--mode", mode, "--tile", "64")
            for mode in ("itn", "vtn", "lstm", "reconet")
        }
        cases |= {
            "fp32": lambda: self.render("--precision", "fp32"),
            "fast quality": lambda: self.render("--mode", "itn", "--quality", "fast"),
            "blend": lambda: self.render("--style", "candy:0.6+wave:0.4"),
            "keep colour": lambda: self.render("--keep-color", "--strength", "0.7"),
            "strength 0": lambda: self.render("--strength", "0"),
            "coarse strokes": lambda: self.render("--style-scale", "6", "--mode", "itn"),
            "fine strokes": lambda: self.render("--style-scale", "1.4"),
            "flow estimator": lambda: self.render("--flow", "dis-medium"),
            "recorded flow": self.recorded,
            "still": self.still,
            "EXR": self.exr,
            "frame range": lambda: self.render("--start", "6f", "--end", "15f"),
            "enlarged": lambda: self.render("--mode", "itn", "--scale", "3", "--frames", "2"),
            "resumed": self.resumed,
            "batch": self.batch,
            "OpenFX, vtn": lambda: self.openfx("vtn"),
            "OpenFX, lstm": lambda: self.openfx("lstm"),
            "frei0r": self.frei0r,
        }
        return cases

    def render(self, *options: str) -> str:
        """Render the clip with options; returns the hash."""
        output = self.folder / "out.mkv"
        style = () if "--style" in options else ("--style", STYLE)
        run("render", self.clip, "-o", output, "-y", *style, "--codec", "ffv1", *options)
        return hash_video(output)

    def recorded(self) -> str:
        """Render with flow that `vst flow` recorded."""
        flows = self.folder / "flows"
        run("flow", self.clip, "-o", flows)
        return self.render("--flow", f"file:{flows}")

    def still(self) -> str:
        """Render a PNG picture."""
        picture, output = self.folder / "still.png", self.folder / "still.candy.png"
        with av.open(str(self.clip)) as container:
            frame = next(container.decode(video=0)).to_ndarray(format="bgr24")
        cv2.imwrite(str(picture), frame)
        run("render", picture, "-o", output, "--style", STYLE)
        return digest(cv2.imread(str(output), cv2.IMREAD_UNCHANGED).tobytes())

    def exr(self) -> str:
        """Render an OpenEXR sequence in half float."""
        source, output = self.folder / "in", self.folder / "exr"
        source.mkdir()
        output.mkdir()
        random = np.random.default_rng(0)
        picture = cv2.GaussianBlur(random.random((72, 96, 4), np.float32) * 1.5, (0, 0), 3)
        picture[..., 3] = np.clip(picture[..., 3], 0, 1)
        for number in range(1, 4):
            channels = {"RGBA": np.roll(picture, number, 1).astype(np.float16)}
            OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, channels).write(
                str(source / f"{number:04d}.exr")
            )
        run("render", source / "%04d.exr", "-o", output / "%04d.exr", "--style", STYLE, "--fps", "24")
        parts = []
        for path in sorted(output.glob("*.exr")):
            with OpenEXR.File(str(path)) as file:
                parts += [channel.pixels.tobytes() for _, channel in sorted(file.channels().items())]
        return digest(*parts)

    def resumed(self) -> str:
        """Interrupt a render after the cut, and resume it."""
        output = self.folder / "resumed.mkv"
        command = (
            "render",
            self.clip,
            "-o",
            output,
            "--style",
            STYLE,
            "--codec",
            "ffv1",
            "--style-scale",
            "1.4",
        )
        started = start(*command, "--json", stdout=subprocess.PIPE)
        assert started.stdout is not None
        for line in started.stdout:
            if json.loads(line).get("frame", 0) >= 14:
                started.send_signal(signal.SIGINT)
                break
        started.communicate()
        if started.returncode != 130:
            raise SystemExit(
                f"the interrupted render ended with exit code {started.returncode}; expected 130"
            )
        run(*command)
        return hash_video(output)

    def batch(self) -> str:
        """Render a folder of two clips with two workers."""
        source, output = self.folder / "footage", self.folder / "stylized"
        source.mkdir()
        for name in ("one.mkv", "two.mkv"):
            shutil.copy(self.clip, source / name)
        run(
            "batch",
            source,
            "-o",
            output,
            "--style",
            STYLE,
            "--codec",
            "ffv1",
            "--size",
            "96",
            "--jobs",
            "2",
        )
        parts = [hash_video(path) for path in sorted(output.rglob("*.mkv"))]
        if len(parts) != 2:
            raise SystemExit(f"the batch wrote {len(parts)} files; expected 2")
        return digest(*(part.encode() for part in parts))

    def openfx(self, mode: str) -> str:
        """Render float RGBA frames with the OpenFX plugin, out of order."""
        built = find_or_build()
        frames = self.rgba_frames()
        height, width = frames.shape[1:3]
        source, output = self.folder / "clip.rgba", self.folder / f"ofx-{mode}"
        source.write_bytes(frames.tobytes())
        host = subprocess.run(
            [built.host, built.ofx, source, str(width), str(height), output],
            input="render 0 1 2 7 3 4 5 6\n",
            env=self.plugin_environment(mode),
            capture_output=True,
            text=True,
            check=True,
        )
        if "rendered 0 0 0 0 0 0 0 0 " not in host.stdout:
            raise SystemExit(host.stdout + host.stderr)
        return digest(
            *(path.read_bytes() for path in sorted(self.folder.glob(f"ofx-{mode}*")) if path.is_file())
        )

    def frei0r(self) -> str:
        """Render 8-bit RGBA frames with the frei0r plugin in ffmpeg; returns `-` without ffmpeg."""
        if shutil.which("ffmpeg") is None:
            return "-"
        built = find_or_build()
        source, output = self.folder / "clip.raw", self.folder / "stylized.raw"
        frames = self.rgba_frames()
        source.write_bytes((frames * 255).round().astype(np.uint8).tobytes())
        height, width = frames.shape[1:3]
        raw = ("-f", "rawvideo", "-pix_fmt", "rgba")
        filtered = ("-vf", f"frei0r=filter_name={built.frei0r.stem}:filter_params={STYLE}|vtn")
        subprocess.run(
            [
                "ffmpeg",
                "-v",
                "error",
                *raw,
                "-s",
                f"{width}x{height}",
                "-i",
                source,
                *filtered,
                *raw,
                output,
            ],
            env={**self.plugin_environment("vtn"), "FREI0R_PATH": str(built.frei0r.parent)},
            check=True,
        )
        return digest(output.read_bytes())

    def rgba_frames(self) -> np.ndarray:
        """Eight frames of the clip, N×H×W×4, 0..1."""
        with av.open(str(self.clip)) as container:
            frames = [frame.to_ndarray(format="rgba") for frame in container.decode(video=0)][:8]
        return (np.stack(frames) / 255).astype(np.float32)

    def plugin_environment(self, mode: str) -> dict[str, str]:
        """The environment of a host, with a plugin configuration that has one mode as the default."""
        configuration = self.folder / f"{mode}.conf"
        lines = [
            f"python={sys.executable}",
            f"package={ROOT}",
            f"mode={mode}",
            "alone=itn",
            f"style={STYLE}",
        ]
        configuration.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return {**os.environ, "VST_PLUGIN_CONFIG": str(configuration), "XDG_RUNTIME_DIR": str(self.folder)}


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start a vst command."""
    command = [sys.executable, "-m", "vst", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, text=True, **options)  # type: ignore[call-overload, no-any-return]


def run(*arguments: object) -> None:
    """Run a vst command and wait for its end."""
    done = start(*arguments, "-q", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    _, errors = done.communicate()
    if done.returncode:
        raise SystemExit(f"vst {' '.join(map(str, arguments))}: {errors}")


def hash_video(path: Path) -> str:
    """The hash of the planes and timestamps of all frames of a clip."""
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            parts += [str((frame.time, frame.width, frame.height, frame.format.name)).encode()]
            parts += [bytes(plane) for plane in frame.planes]
    return digest(*parts)


def digest(*parts: bytes) -> str:
    """A SHA-256 hash, cut to sixteen hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]


def main() -> None:
    """Run the cases, write the hashes and compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write: case -> hash")
    parser.add_argument("--against", type=Path, help="JSON file of an earlier run to compare with")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    before = json.loads(options.against.read_text()) if options.against else {}
    found, rows = {}, []
    with tempfile.TemporaryDirectory(prefix="vst") as folder:
        for name, case in Cases(options.clip.resolve(), Path(folder)).all().items():
            if options.only in name:
                found[name] = case()
                rows.append(
                    (
                        name,
                        found[name],
                        before.get(name, "-"),
                        "same" if before.get(name) == found[name] else "differs",
                    )
                )
                print(*rows[-1], file=sys.stderr, flush=True)
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")
    print(markdown(("case", "now", "before", ""), rows))
    if before and any(row[-1] != "same" for row in rows):
        raise SystemExit("some frames have changed")


if __name__ == "__main__":
    main()
