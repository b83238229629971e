"""The images of an image sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

from vst.errors import MediaError
from vst.media.decode.decoder import too_damaged
from vst.media.decode.image_converter import ImageConverter
from vst.media.decode.image_source import (
    ReadFromStart,
    TimedImage,
    note_repaired,
    read_picture,
    unchanged,
)
from vst.media.notes import Notes, repaired
from vst.media.probe.clip_info import ClipInfo
from vst.media.stills.read import DecodedImage


class SequenceSource(ReadFromStart):
    """Reads the files of an image sequence; a damaged one is replaced by its neighbour.

    Args:
        info: The sequence.
        max_damaged: Damaged files in a row that are replaced; one more ends the clip with an error.
        notes: Gets the notes of decoding.
    """

    concealed = 0

    def __init__(self, info: ClipInfo, max_damaged: int, notes: Notes) -> None:
        self.errors = self.repaired = 0
        self._info, self._max_damaged, self._notes = info, max_damaged, notes
        self._converter = ImageConverter(info, info, notes)

    def read(self, first: int) -> Iterator[TimedImage]:
        sequence = self._info.sequence
        assert sequence is not None
        duration = self._info.frame_duration
        previous: Callable[[], DecodedImage] | None = None
        waiting: list[Fraction] = []
        run = 0
        for index, (number, file) in enumerate(zip(sequence.numbers, sequence.files, strict=True)):
            time = (number - sequence.numbers[0]) * duration
            if index < first - self._max_damaged:
                yield TimedImage(time, duration, None)
                continue
            try:
                picture = self._converter.resize(read_picture(self._info, file))
            except (MediaError, OSError) as error:
                self.errors += 1
                run += 1
                if run > self._max_damaged:
                    raise too_damaged(self._info.path, run, self._max_damaged) from error
                waiting.append(time)
                continue
            run = 0
            self._notes.extend(picture.notes)
            image = partial(unchanged, picture)
            for missing in waiting:
                self.repaired += 1
                yield TimedImage(missing, duration, previous or image)
            waiting = []
            yield TimedImage(time, duration, image)
            previous = image
        for missing in waiting:
            if previous is not None:
                self.repaired += 1
                yield TimedImage(missing, duration, previous)

    def add_final_notes(self) -> None:
        if self.errors:
            files = "file" if self.errors == 1 else "files"
            self._notes.add(repaired(f"{self.errors} damaged {files} could not be decoded"))
        note_repaired(self.repaired, self._notes)

    def close(self) -> None:
        pass
