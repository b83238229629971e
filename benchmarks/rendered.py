"""Photographs through `vst.render`, as a user stylizes them: read, sized, stylized and written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

import vst.styles.catalog
from vst.frame import Frame, Motion
from vst.media.stills.read import read_still
from vst.pipeline import RenderSettings, render
from vst.styles import Selection


class RenderedStills:
    """A mode that renders each frame as a picture file of its own.

    Args:
        selection: The weight files; no others are used.
        style: Name of the style.
        mode: Name of the mode.
    """

    distances: tuple[int, ...] = ()

    def __init__(self, selection: Selection, style: str, mode: str) -> None:
        self._files = [info.path.resolve() for info in selection.files]
        self._settings = RenderSettings(style=style, mode=mode, device="cpu")

    def reset(self) -> None:
        """Nothing to forget."""

    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        """3×H×W, RGB, 0..1; motions are not used."""
        with tempfile.TemporaryDirectory() as folder, _only(self._files, Path(folder) / "weights"):
            photo, output = Path(folder) / "photo.png", Path(folder) / "output.png"
            pixels = (frame.image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
            cv2.imwrite(str(photo), np.ascontiguousarray(pixels[..., ::-1]))
            render(photo, self._settings, output)
            return read_still(output).image


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
