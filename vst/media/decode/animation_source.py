"""The images of animated pictures.

libav decodes GIF and PNG. It does not decode animated WebP: Pillow does, one frame after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, repeat

import numpy as np
import torch

from vst.errors import MediaError
from vst.media.decode.decoder import too_damaged
from vst.media.decode.image_source import ImageSource, ReadFromStart, TimedImage, note_repaired
from vst.media.notes import Notes, repaired
from vst.media.probe.clip_info import ClipInfo
from vst.media.stills.animation import DEFAULT_DELAY, Animation, animation_of
from vst.media.stills.read import DecodedImage
from vst.media.stills.samples import animated_frames


class AnimationSource(ReadFromStart):
    """Reads an animated WebP. Its frames depend on each other, so what follows a damaged one is lost.

    Args:
        info: The clip.
        max_damaged: Frames at the end that are replaced if they cannot be decoded; with more, the clip ends
            early.
        notes: Gets the notes of decoding.
    """

    concealed = 0

    def __init__(self, info: ClipInfo, max_damaged: int, notes: Notes) -> None:
        self.errors = self.repaired = 0
        self._info, self._max_damaged, self._notes = info, max_damaged, notes

    def read(self, first: int) -> Iterator[TimedImage]:
        animation = animation_of(self._info.path)
        if animation is None:
            raise MediaError(f"{self._info.path} has changed since it was opened: run it again")
        time = Fraction(0)
        frames = animated_frames(self._info.path, self._info.has_alpha)
        previous: Callable[[], DecodedImage] | None = None
        for index, delay in enumerate(animation.delays):
            image = previous
            if not self.errors:
                try:
                    image = previous = partial(_converted, next(frames))
                except (MediaError, StopIteration) as error:
                    self.errors = 1
                    lost = len(animation.delays) - index
                    if lost > self._max_damaged or previous is None:
                        raise too_damaged(self._info.path, lost, self._max_damaged) from error
            self.repaired += self.errors
            yield TimedImage(time, delay, image if index >= first else None)
            time += delay

    def add_final_notes(self) -> None:
        if self.errors:
            self._notes.add(repaired("the animation is damaged: its last frames could not be decoded"))
        note_repaired(self.repaired, self._notes)

    def close(self) -> None:
        pass


class RetimedSource(ReadFromStart):
    """The images of an animated GIF or PNG at the times that browsers show them.

    libav takes delays literally that nobody means: GIF files often state 0 or 1 hundredth of a second.

    Args:
        source: Decodes the images.
        animation: Their timing.
    """

    def __init__(self, source: ImageSource, animation: Animation) -> None:
        self._source, self._animation = source, animation

    @property
    def errors(self) -> int:
        return self._source.errors

    @property
    def concealed(self) -> int:
        return self._source.concealed

    @property
    def repaired(self) -> int:
        return self._source.repaired

    def read(self, first: int) -> Iterator[TimedImage]:
        time = Fraction(0)
        delays = chain(self._animation.delays, repeat(DEFAULT_DELAY))
        for image, delay in zip(self._source.read(first), delays, strict=False):
            yield image._replace(time=time, duration=delay)
            time += delay

    def add_final_notes(self) -> None:
        self._source.add_final_notes()

    def close(self) -> None:
        self._source.close()


def _converted(samples: np.ndarray) -> DecodedImage:
    """The samples H×W×C of a frame as R'G'B'."""
    planes = torch.from_numpy(samples).permute(2, 0, 1).to(torch.float32).div_(255)
    return DecodedImage(planes[:3].contiguous(), planes[3:4].contiguous() if len(planes) == 4 else None)
