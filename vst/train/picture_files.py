"""Pictures from folders and tar files, found once, decoded on request."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from vst.errors import MediaError
from vst.styles.picture import PictureError, check_picture, decode_picture
from vst.styles.suffixes import SUFFIXES
from vst.train.skipped import SkippedFiles


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

    @property
    def full_name(self) -> str:
        """For messages: the file, or its name in the tar file."""
        return str(self.file) if self.size < 0 else f"{self.file}: {self.name}"

    def load(self) -> np.ndarray:
        """H×W×3, uint8, RGB.

        Raises:
            PictureError: if it cannot be decoded, or is too small.
        """
        try:
            with open(self.file, "rb") as stream:
                stream.seek(self.offset)
                data = stream.read(self.size)
        except OSError as error:
            raise PictureError(self.full_name, (error.strerror or str(error)).lower()) from error
        return decode_picture(data, self.full_name)


@dataclass(frozen=True)
class PictureOrNext:
    """A picture, or the next of its collection that can be decoded. Which one depends on the files only.

    Attributes:
        pictures: The collection.
        index: Of the picture.
        skipped: Records those that cannot be decoded.
    """

    pictures: Sequence[PictureFile]
    index: int
    skipped: SkippedFiles

    def load(self) -> np.ndarray:
        """H×W×3, uint8, RGB.

        Raises:
            MediaError: if no picture of the collection can be decoded.
        """
        for number in range(len(self.pictures)):
            picture = self.pictures[(self.index + number) % len(self.pictures)]
            if picture.full_name not in self.skipped:
                try:
                    return picture.load()
                except PictureError as error:
                    self.skipped.add(error.name, error.reason)
        raise MediaError(
            f"none of the {len(self.pictures)} pictures can be decoded: {'; '.join(self.skipped.lines())}"
        )


def find_photos(sources: Sequence[str], skipped: SkippedFiles) -> list[PictureOrNext]:
    """The pictures of `find_pictures`, each with the next one in its place if it cannot be decoded.

    Raises:
        MediaError: where a source is missing or no picture of it can be used.
    """
    pictures = find_pictures(sources, skipped)
    photos = [PictureOrNext(pictures, index, skipped) for index in range(len(pictures))]
    photos[0].load()  # fails now, and not in the middle of the training, if none can be decoded
    return photos


def find_pictures(sources: Sequence[str], skipped: SkippedFiles | None = None) -> list[PictureFile]:
    """All pictures in folders (searched whole) and tar files, sorted by name within a source.

    Files are told from pictures by their headers, which takes a sixth of a millisecond each.

    Args:
        sources: Folders and tar files.
        skipped: Records the files that have a picture's extension but cannot be used.

    Raises:
        MediaError: where a source is missing or no picture of it can be used.
    """
    found: list[PictureFile] = []
    for source in map(Path, sources):
        here: list[PictureFile] = []
        bad = SkippedFiles()
        if source.is_dir():
            each = _in_folder(source)
        elif source.is_file() and tarfile.is_tarfile(source):
            each = _in_tar(source)
        else:
            raise MediaError(f"{source} is neither a folder nor a tar file of pictures")
        for picture, reason in each:
            if reason:
                bad.add(picture.full_name, reason)
                if skipped is not None:
                    skipped.add(picture.full_name, reason)
            else:
                here.append(picture)
        if not here:
            names = "; ".join(bad.lines()) or f"expected {', '.join(SUFFIXES)}"
            raise MediaError(f"{source} holds no picture that can be used: {names}")
        found += sorted(here, key=lambda picture: picture.name)
    return found


def _in_folder(source: Path) -> Iterator[tuple[PictureFile, str]]:
    """Everything below a folder that has a picture's extension, with the reason not to use it, or ''."""
    unreadable: list[OSError] = []
    for folder, subfolders, files in os.walk(source, onerror=unreadable.append):
        for name in files:
            path = Path(folder, name)
            if path.suffix.lower() in SUFFIXES:
                yield PictureFile(str(path.relative_to(source)), path), _reason(path)
        for name in subfolders:
            path = Path(folder, name)
            if path.suffix.lower() in SUFFIXES and not _holds_pictures(path):
                yield PictureFile(str(path.relative_to(source)), path), "a folder"
    for error in unreadable:
        path = Path(error.filename)
        yield PictureFile(path.name, path), (error.strerror or str(error)).lower()


def _reason(path: Path) -> str:
    """Why a file cannot be used; '' if its header is good."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "a named pipe, socket or device"
        with path.open("rb") as stream:
            if not stream.read(1):
                return "empty"
            stream.seek(0)
            check_picture(stream, str(path))
    except PictureError as error:
        return error.reason
    except OSError as error:
        return "a broken link" if path.is_symlink() else (error.strerror or str(error)).lower()
    return ""


def _in_tar(source: Path) -> Iterator[tuple[PictureFile, str]]:
    """As `_in_folder`, for a tar file. Only offsets are taken from it: nothing is ever unpacked to disk."""
    try:
        with tarfile.open(source, "r:") as archive:
            for member in archive:
                if member.name.lower().endswith(SUFFIXES):
                    picture = PictureFile(member.name, source, member.offset_data, member.size)
                    yield picture, _reason_in_tar(archive, member, picture)
    except (tarfile.TarError, ValueError, ArithmeticError) as error:
        # Members before the place where a tar file is cut off are good.
        yield PictureFile(source.name, source), f"tar file that is compressed or cut off ({error})"


def _reason_in_tar(archive: tarfile.TarFile, member: tarfile.TarInfo, picture: PictureFile) -> str:
    if not member.isfile() or member.issparse():
        return "a folder" if member.isdir() else "a link or another special file"
    if not member.size:
        return "empty"
    stream = archive.extractfile(member)
    assert stream is not None
    try:
        check_picture(stream, picture.full_name)  # type: ignore[arg-type]
    except PictureError as error:
        return error.reason
    return ""


def _holds_pictures(folder: Path) -> bool:
    return any(file.suffix.lower() in SUFFIXES for file in folder.rglob("*"))


def holds_pictures(source: Path) -> bool:
    """Whether there is a file with a picture's extension in a folder, or a tar file at all."""
    return _holds_pictures(source) if source.is_dir() else source.is_file() and tarfile.is_tarfile(source)


def random_crop(image: np.ndarray, size: int, rng: np.random.Generator, zoom: float = 1.0) -> np.ndarray:
    """A square part at a random place, scale and mirroring, as size×size×3.

    Args:
        image: H×W×3.
        size: Side of the result, in pixels.
        rng: Of all random numbers.
        zoom: Parts are enlarged by at most this, more only where the picture is smaller than `size`.
    """
    height, width = image.shape[:2]
    least = min(round(size / zoom), height, width)
    side = int(rng.integers(least, min(height, width) + 1))
    top = int(rng.integers(height - side + 1))
    left = int(rng.integers(width - side + 1))
    part = image[top : top + side, left : left + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if side != size:
        shrink = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        part = cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=shrink)
    return np.ascontiguousarray(part)
