"""What a recipe learns from, read and checked before the training starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vst.modes.recipe import StyleGoal
from vst.styles.blend import split_mask
from vst.styles.painting import Painting, open_painting
from vst.train.picture_files import Loadable, find_photos
from vst.train.skipped import SkippedFiles
from vst.train.synthetic_pictures import synthetic_pictures


@dataclass(frozen=True)
class TrainingData:
    """Paintings and photographs.

    Attributes:
        paintings: Of each style its pictures.
        photos: Photographs, or synthetic pictures.
        skipped: Files that are not learned from.
    """

    paintings: tuple[tuple[Painting, ...], ...]
    photos: Sequence[Loadable]
    skipped: SkippedFiles


def read_training_data(
    styles: Sequence[StyleGoal],
    style_size: int,
    photos: Sequence[str],
    record: Path,
    say: Callable[[str], None],
) -> TrainingData:
    """Read the paintings, and find the photographs.

    Args:
        styles: Whose paintings are read.
        style_size: Longer side of the paintings of a style that has no size of its own.
        photos: Folders and tar files; none: synthetic pictures.
        record: The file for the names of what is skipped.
        say: Takes a line about a painting of which only a part is learned, and about skipped files.

    Raises:
        MediaError: for a painting that cannot be used, and photographs of which none can be.
    """
    paintings = []
    for style in styles:
        opened = [_open(image, style.size or style_size) for image in style.images]
        paintings.append(tuple(opened))
        for note in (note for each in opened for note in each.notes):
            say(note)
    skipped = SkippedFiles(record)
    return TrainingData(tuple(paintings), find_photos_or_synthetic(photos, skipped, say), skipped)


def _open(image: str, size: int) -> Painting:
    picture, mask = split_mask(image)
    return open_painting(Path(picture), size, mask=None if mask is None else Path(mask))


def find_photos_or_synthetic(
    photos: Sequence[str], skipped: SkippedFiles, say: Callable[[str], None]
) -> Sequence[Loadable]:
    """Photographs, or synthetic pictures if there are no folders and tar files to take them from.

    Raises:
        MediaError: where no photograph can be used.
    """
    if not photos:
        return synthetic_pictures()
    found = find_photos(photos, skipped)
    if bad := len(skipped.reasons()):
        say(f"{len(found):,} photographs, {bad:,} skipped: see the end")
    return found
