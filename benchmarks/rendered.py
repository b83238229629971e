"""What is measured is what a user gets: photographs through `vst.render`, clips through `vst render`."""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

import vst.styles.catalog
from benchmarks.measure import MeasuredMode
from benchmarks.networks import SHIPPED, described, need_weights
from vst.errors import VstError
from vst.frame import Frame
from vst.media import Reader
from vst.media.stills.read import read_still
from vst.pipeline import RenderSettings, render
from vst.styles import Selection

_LOSSLESS = ("--codec", "ffv1", "--pix-fmt", "bgr0")
"""With chroma of full size: at half the size, colours of strokes tremble by more than the frames do."""

_OUTPUT = "output.png"


class RenderedStills:
    """A mode that renders each frame as a picture file of its own.

    Args:
        selection: The weight files; no others are used.
        style: Name of the style.
        mode: Name of the mode.
    """

    def __init__(self, selection: Selection, style: str, mode: str) -> None:
        self._files = [info.path.resolve() for info in selection.files]
        self._settings = RenderSettings(style=style, mode=mode, device="cpu")

    def step(self, frame: Frame) -> Tensor:
        """See `MeasuredMode.step`."""
        with tempfile.TemporaryDirectory() as folder, _only(self._files, Path(folder) / "weights"):
            return read_still(_render(frame, self._settings, Path(folder))).image


class OptimisedStills:
    """A mode without a network that renders each frame as a picture file of its own.

    Args:
        settings: Of the renders.
        kept: Folder for the pictures; those that are there are not optimised again.

    Attributes:
        cpu: Seconds of user and system time of each picture.
        wall: Seconds of each picture.
    """

    def __init__(self, settings: RenderSettings, kept: Path | None) -> None:
        self._settings = settings
        self._kept = kept
        self.cpu: list[float] = []
        self.wall: list[float] = []

    def step(self, frame: Frame) -> Tensor:
        """See `MeasuredMode.step`."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) if self._kept is None else self._kept / self._key(frame)
            place.mkdir(parents=True, exist_ok=True)
            times = place / "seconds.json"
            if not times.exists():
                cpu, wall = time.process_time(), time.perf_counter()
                _render(frame, self._settings, place)
                times.write_text(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))
            seconds = json.loads(times.read_text())
            self.cpu.append(seconds[0])
            self.wall.append(seconds[1])
            return read_still(place / _OUTPUT).image

    def _key(self, frame: Frame) -> str:
        given = [getattr(self._settings, name) for name in ("style", "mode", "steps", "style_weight")]
        return hashlib.sha256(repr(given).encode() + frame.image.numpy().tobytes()).hexdigest()[:16]


def _render(frame: Frame, settings: RenderSettings, folder: Path) -> Path:
    """Render a frame as a picture file in a folder; returns its path."""
    photo, output = folder / "photo.png", folder / _OUTPUT
    pixels = (frame.image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    cv2.imwrite(str(photo), np.ascontiguousarray(pixels[..., ::-1]))
    output.unlink(missing_ok=True)
    render(photo, settings, output)
    return output


class RenderedClip:
    """A clip that `vst render` stylizes, once, and then gives frame by frame.

    Args:
        clip: The file.
        command: Options of `vst render`.
        frames: How many frames to render.
        output: Where to write, lossless: Matroska.

    Raises:
        VstError: The command failed.
    """

    def __init__(self, clip: Path, command: Sequence[str], frames: int, output: Path) -> None:
        full = [sys.executable, "-m", "vst", "render", str(clip), *command, "--frames", str(frames)]
        done = subprocess.run(
            [*full, *_LOSSLESS, "-o", str(output), "-y", "-q"],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise VstError(f"vst render {' '.join(command)} failed: {done.stderr.strip()}")
        self._output = output
        self._frames = self._read()

    def _read(self) -> Iterator[Frame]:
        with Reader(self._output) as reader:
            yield from reader

    def step(self, frame: Frame) -> Tensor:
        """See `MeasuredMode.step`."""
        return next(self._frames).image


def rendered_modes(
    options: argparse.Namespace, source: Path, frames: int, style: str
) -> dict[str, MeasuredMode]:
    """A clip in each of `--modes`, a mode and other options of `vst render`; outputs lie beside it."""
    shared = ["--style", style, "--quality", options.quality, "--threads", str(options.threads)]
    shared += ["--weights-dir", options.weights_dir or str(SHIPPED)]
    modes: dict[str, MeasuredMode] = {}
    for place, text in enumerate(options.modes):
        mode, *others = shlex.split(text)
        output = source.with_name(f"{place}.mkv")
        modes[text] = RenderedClip(source, ["--mode", mode, *others, *shared], frames, output)
    return modes


def rendered_weights(options: argparse.Namespace, style: str) -> dict[str, dict[str, object]]:
    """By mode the weight files that `rendered_modes` renders with, for JSON."""
    modes = [shlex.split(mode)[0] for mode in options.modes]
    return {
        mode: described(need_weights(options.weights_dir, mode, [style], options.quality)) for mode in modes
    }


@contextmanager
def _only(files: list[Path], folder: Path) -> Iterator[None]:
    """Let the catalogue find these weight files and no others."""
    folder.mkdir()
    for file in files:
        (folder / file.name).symlink_to(file)
    search = vst.styles.catalog.weight_folders
    vst.styles.catalog.weight_folders = lambda weights_dir=None: [folder]
    try:
        yield
    finally:
        vst.styles.catalog.weight_folders = search
