"""Pictures from folders and tar files, found once, decoded on request."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from vst.errors import MediaError
from vst.styles.painting import SUFFIXES, decode_picture


class Loadable(Protocol):
    """Anything that loads as a picture."""

    def load(self) -> np.ndarray:
        """H×W×3, uint8, RGB."""
        ...


@dataclass(frozen=True)
class PictureFile:
    """The place of one picture: a file, or a part of a tar file."""

    name: str
    file: Path
    offset: int = 0
    size: int = -1

    def load(self) -> np.ndarray:
        """H×W×3, uint8, RGB.

        Raises:
            MediaError: if it cannot be decoded.
        """
        with open(self.file, "rb") as stream:
            stream.seek(self.offset)
            return decode_picture(stream.read(self.size), f"{self.file}: {self.name}")


def find_pictures(sources: Sequence[str]) -> list[PictureFile]:
    """All pictures in folders (searched whole) and tar files, sorted by name within a source.

    Raises:
        MediaError: where a source is missing or holds no picture.
    """
    found: list[PictureFile] = []
    for source in map(Path, sources):
        if source.is_dir():
            here = [
                PictureFile(str(file.relative_to(source)), file)
                for file in source.rglob("*")
                if file.suffix.lower() in SUFFIXES
            ]
        elif source.is_file() and tarfile.is_tarfile(source):
            # Only offsets are taken from the archive: nothing is ever unpacked to disk.
            with tarfile.open(source, "r:") as archive:
                here = [
                    PictureFile(member.name, source, member.offset_data, member.size)
                    for member in archive
                    if member.isfile() and member.name.lower().endswith(SUFFIXES)
                ]
        else:
            raise MediaError(f"{source} is neither a folder nor a tar file of pictures")
        if not here:
            raise MediaError(f"{source} holds no picture ({', '.join(SUFFIXES)})")
        found += sorted(here, key=lambda picture: picture.name)
    return found


def holds_pictures(source: Path) -> bool:
    """Whether there is a picture in a folder, or a tar file at all."""
    if source.is_dir():
        return any(file.suffix.lower() in SUFFIXES for file in source.rglob("*"))
    return source.is_file() and tarfile.is_tarfile(source)


def random_crop(image: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A square part at a random place, scale and mirroring, as size×size×3."""
    height, width = image.shape[:2]
    side = int(rng.integers(min(size, height, width), min(height, width) + 1))
    top = int(rng.integers(height - side + 1))
    left = int(rng.integers(width - side + 1))
    part = image[top : top + side, left : left + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if side != size:
        shrink = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        part = cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=shrink)
    return np.ascontiguousarray(part)
