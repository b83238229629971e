"""Videos and folders of images, read as frames of one size."""

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
from vst.stream_paths import is_stream


@dataclass
class Footage:
    """A clip, or one of its stylized versions.

    Raises:
        MediaError: The file cannot be read, or the folder holds no image; when iterated, if a frame cannot.
    """

    path: Path
    """A video, or a folder of images."""

    def __post_init__(self) -> None:
        self._stack = ExitStack()
        self._reader: Reader | None = None
        self._files: Sequence[Path] = ()
        if self.path.is_dir():
            self._files = [file for _, file in files_like(self.path / "*")]
            if not self._files:
                raise MediaError(f"{self.path} holds no image: expected a video, or a folder of frames")
            info = probe_still(self._files[0])
            self.width, self.height = info.width, info.height
            self.frames: int | None = len(self._files)
            return
        if is_stream(self.path):
            raise MediaError(f"{self.path} is a pipe, and measuring needs a file: save it, and give that")
        self._reader = self._stack.enter_context(Reader(self.path))
        clip = self._reader.info
        if clip.is_still:
            self._stack.close()
            raise MediaError(f"{self.path} is a single image: expected a video, or a folder of frames")
        self.width, self.height, self.frames = clip.width, clip.height, clip.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of what was read so far, one line each."""
        return self._reader.notes if self._reader is not None else ()

    @property
    def size(self) -> str:
        """Width and height as text, for messages."""
        return f"{self.width}×{self.height}"

    def __iter__(self) -> Iterator[Frame]:
        if self._reader is not None:
            yield from self._reader
            return
        # A `Reader` of the sequence would scale images of another size and replace damaged ones. That is
        # right for a render, but here their values would be measured.
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


def common_size(clip: Footage, outputs: Sequence[Footage], short_side: int | None) -> tuple[int, int]:
    """Width and height at which frames are compared: those of the smallest output, or a smaller one.

    Args:
        clip: The input.
        outputs: Its stylized versions.
        short_side: Pixels; None is that of the smallest output.

    Raises:
        MediaError: An output has another aspect ratio than the clip.
    """
    for output in outputs:
        # Encoders round sides, some of them to even numbers.
        if abs(output.width * clip.height - output.height * clip.width) > 2 * (clip.width + clip.height):
            raise MediaError(
                f"{output.path} is {output.size}, another aspect ratio than {clip.path} with "
                f"{clip.size}: expected a stylized version of that clip"
            )
    smallest = min(outputs, key=lambda each: each.width * each.height)
    if short_side is None or short_side >= min(smallest.width, smallest.height):
        return smallest.width, smallest.height
    factor = short_side / min(smallest.width, smallest.height)
    return max(1, round(smallest.width * factor)), max(1, round(smallest.height * factor))
