"""What is measured: videos, and folders of pictures, as frames of one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from vst.errors import MediaError
from vst.frame import Frame
from vst.media import Reader
from vst.media.stills.read import read_still
from vst.media.stills.samples import probe_still
from vst.media.stills.sequence import DEFAULT_RATE, files_like
from vst.postprocess import resize


@dataclass
class Footage:
    """A clip to measure, or one of its paintings.

    Raises:
        MediaError: The file cannot be read, or the folder holds no picture; later, if a frame cannot.
    """

    path: Path
    """A video, or a folder of pictures."""

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        self._reader: Reader | None = None
        self._files: Sequence[Path] = ()
        if self.path.is_dir():
            self._files = [file for _, file in files_like(self.path / "*")]
            if not self._files:
                raise MediaError(f"{self.path} holds no picture: expected a video, or a folder of frames")
            info = probe_still(self._files[0])
            self.width, self.height = info.width, info.height
            self.frames: int | None = len(self._files)
            return
        self._reader = self._stack.enter_context(Reader(self.path))
        clip = self._reader.info
        if clip.is_still:
            self._stack.close()
            raise MediaError(f"{self.path} is a picture: how still it holds is measured on clips")
        self.width, self.height, self.frames = clip.width, clip.height, clip.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know, as far as it has been read."""
        return self._reader.notes if self._reader is not None else ()

    @property
    def size(self) -> str:
        """Its size, for people."""
        return f"{self.width}×{self.height}"

    def __iter__(self) -> Iterator[Frame]:
        if self._reader is not None:
            yield from self._reader
            return
        # A `Reader` of the sequence would scale odd pictures and replace damaged ones: right for a render,
        # but here they would be measured.
        for number, file in enumerate(self._files):
            image = read_still(file)[0]
            if image.shape[-2:] != (self.height, self.width):
                raise MediaError(
                    f"{file} is {image.shape[-1]}×{image.shape[-2]}, the frames before it {self.size}: "
                    "expected frames of one size"
                )
            yield Frame(number, number / DEFAULT_RATE, 1 / DEFAULT_RATE, image)

    def at(self, width: int, height: int) -> Iterator[Frame]:
        """Its frames at a size, antialiased bicubic, 0..1, without alpha."""
        for frame in self:
            image = frame.image
            if image.shape[-2:] != (height, width):
                image = resize(image, (height, width))
            yield replace(frame, image=image.clamp(0, 1), alpha=None, gain=None)


def common_size(clip: Footage, paintings: Sequence[Footage], short_side: int | None) -> tuple[int, int]:
    """Width and height at which all are measured: those of the smallest painting, unless a size is given.

    Raises:
        MediaError: A painting has another shape than the clip.
    """
    for painting in paintings:
        # Sides are rounded, to even numbers too, when a size is chosen.
        if abs(painting.width * clip.height - painting.height * clip.width) > 2 * (
            clip.width + clip.height
        ):
            raise MediaError(
                f"{painting.path} is {painting.size}, which is another shape than {clip.path} with "
                f"{clip.size}: expected a painting of that clip"
            )
    smallest = min(paintings, key=lambda each: each.width * each.height)
    if short_side is None or short_side >= min(smallest.width, smallest.height):
        return smallest.width, smallest.height
    factor = short_side / min(smallest.width, smallest.height)
    return max(1, round(smallest.width * factor)), max(1, round(smallest.height * factor))
