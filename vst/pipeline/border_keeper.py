"""Leaves the borders of each shot out of what is stylized."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from vst.borders import Borders, Crop, ShotBorders, follow, holds, pack, unpack
from vst.frame import Frame
from vst.pipeline.frame_size import resize_frame
from vst.pipeline.inside import inside_frame
from vst.pipeline.working_frame import WorkingFrame, decoded, frame_values


class BorderKeeper:
    """The borders of the shots of a clip.

    Args:
        size: Width and height of the output; None: the frames' own.
        inside_working: Gives the working size of the picture inside borders, for its width and height at
            output size; None: its own.

    Attributes:
        kept: Borders with the index of the first frame that had them.
    """

    def __init__(
        self, size: tuple[int, int] | None, inside_working: Callable[[int, int], tuple[int, int]] | None
    ) -> None:
        self._size, self._inside_working = size, inside_working
        self._borders: ShotBorders | None = None
        self._last = -1  # index of the last frame that was stylized
        self._resumed_at = -1
        self.kept: dict[Borders, int] = {}

    def clear(self) -> None:
        """A new shot begins."""
        self._borders = None

    def without_borders(self, found: Iterable[tuple[Frame, bool]]) -> Iterator[tuple[Frame, bool]]:
        """Replace frames by the pictures inside the borders of their shots.

        Args:
            found: Frames from `StylizerSession.reduce`, each with whether a shot begins at it.

        Yields:
            The pictures, each with whether motion and temporal state begin anew at it: where a shot begins,
            and where its borders change.
        """
        state = resumed = self._borders
        resumed_at = self._resumed_at
        for frame, new_shot in found:
            assert isinstance(frame, WorkingFrame)
            assert frame.look is not None
            if frame.index <= resumed_at and resumed is not None:
                # These frames are read again for the motion of later ones.
                state, starts_anew = resumed, frame.index == resumed.since and not new_shot
            else:
                before = None if new_shot else state
                state = follow(before, frame.look, partial(_holds_in, frame), frame.index)
                starts_anew = before is not None and state.borders != before.borders
            frame = replace(frame, borders=state, starts_anew=starts_anew)
            yield self._inside(frame, state.borders), new_shot or starts_anew

    def _inside(self, frame: WorkingFrame, borders: Borders) -> WorkingFrame:
        if not borders:
            return frame
        given = frame if frame.source is None else frame.source
        picture = inside_frame(decoded(given), borders, self._size)
        if self._inside_working is not None:
            height, width = picture.image.shape[-2:]
            picture = resize_frame(picture, *self._inside_working(width, height))
        crop = Crop(borders, *frame.decoded_size)
        self.kept.setdefault(borders, frame.index)
        return replace(frame, **frame_values(replace(picture, crop=crop)), source=given)

    def stylized(self, frame: WorkingFrame) -> None:
        """Note the last frame that was stylized, for `snapshot`."""
        self._borders, self._last = frame.borders, frame.index

    def enter(self, borders: ShotBorders) -> bool:
        """Take up the borders of the next frame; whether they changed within the shot."""
        before, self._borders = self._borders, borders
        return before is not None and before.borders != borders.borders

    def snapshot(self) -> tuple[Tensor, ...]:
        """The borders after the last frame, exactly."""
        return pack(self._borders), torch.tensor([self._last])

    @staticmethod
    def borders_in(state: tuple[Tensor, ...]) -> ShotBorders | None:
        """The borders in what `snapshot` returned."""
        return unpack(state[0])

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        borders, last = state
        self._borders, self._last = unpack(borders), int(last)
        self._resumed_at = self._last


def _holds_in(frame: WorkingFrame, borders: Borders) -> bool:
    if frame.look is None or not frame.look.possible:
        return False
    return holds(decoded(frame if frame.source is None else frame.source).image, borders)
