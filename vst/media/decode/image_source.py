"""`ImageSource`: images with their times, from a video, a sequence or a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from vst.media.decode.decoder import SeekPoint
from vst.media.notes import Notes, repaired
from vst.media.probe.clip_info import ClipInfo
from vst.media.stills.read import DecodedImage, read_still


class TimedImage(NamedTuple):
    """One image of a clip.

    Attributes:
        time: In seconds, as stored in the container.
        duration: In seconds; 0 if the file does not state it.
        image: Converts the decoded image, as often as it is called; None if it was skipped.
    """

    time: Fraction
    duration: Fraction
    image: Callable[[], DecodedImage] | None


class ImageSource(Protocol):
    """Where a `Reader` gets its images from."""

    @property
    def errors(self) -> int:
        """Packets or files that could not be decoded, so far."""
        ...

    @property
    def concealed(self) -> int:
        """Frames that the decoder returned with errors concealed, so far."""
        ...

    @property
    def repaired(self) -> int:
        """Images that were replaced by their neighbour, so far."""
        ...

    @property
    def seek_points(self) -> Sequence[SeekPoint]:
        """Frames at which decoding can begin, among those that were read; none if it does not matter."""
        ...

    def begin_at(self, point: SeekPoint) -> bool:
        """Begin at a seek point, before `read`.

        Returns:
            Whether that is possible: `read` then begins with this frame, otherwise with the first.
        """
        ...

    def read(self, first: int) -> Iterator[TimedImage]:
        """The images in order of presentation, times strictly increasing.

        Args:
            first: Index of the first image to convert; earlier ones may be None.
        """
        ...

    def add_final_notes(self) -> None:
        """Add the notes that are known when reading ends."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def note_repaired(count: int, notes: Notes) -> None:
    """Add a note with the number of damaged frames that were replaced."""
    if count:
        frames = "frame was" if count == 1 else "frames were"
        notes.add(repaired(f"{count} damaged {frames} replaced by the nearest good neighbour"))


def unchanged(image: DecodedImage) -> DecodedImage:
    """The image itself: what a picture file holds needs no conversion."""
    return image


def read_picture(info: ClipInfo, path: Path) -> DecodedImage:
    """One picture of a clip, with the options that the clip is read with."""
    return read_still(path, canvas=info.picture.canvas, curve=info.curve)


class ReadFromStart:
    """What an `ImageSource` has that does not seek."""

    seek_points: tuple[SeekPoint, ...] = ()

    def begin_at(self, point: SeekPoint) -> bool:
        return False


class StillSource(ReadFromStart):
    """A picture, as a clip of one image.

    Args:
        info: The picture.
        notes: Gets the notes of decoding.
    """

    def __init__(self, info: ClipInfo, notes: Notes) -> None:
        self.errors = self.concealed = self.repaired = 0
        self._info, self._notes = info, notes

    def read(self, first: int) -> Iterator[TimedImage]:
        image = None
        if first == 0:
            still = read_picture(self._info, self._info.path)
            self._notes.extend(still.notes)
            image = partial(unchanged, still)
        yield TimedImage(Fraction(0), self._info.frame_duration, image)

    def add_final_notes(self) -> None:
        pass

    def close(self) -> None:
        pass
