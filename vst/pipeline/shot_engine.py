"""Stylizes a clip shot by shot, for modes that work on whole shots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from vst.errors import Interrupted
from vst.modes.stylizer import WholeShotStylizer
from vst.pipeline.prepared_frame import PreparedFrame
from vst.pipeline.shot_files import ShotFiles, StoredShot


class ShotEngine:
    """Collects a shot on disk, has it stylized, and gives its frames; see `KeyframeEngine`.

    State is the first frame of the shot and which frame came out last: a run that takes it up reads the
    shot again, and finds the pictures that are done.

    Args:
        stylizer: Works on whole shots.
        files: Where a shot is.
    """

    def __init__(self, stylizer: WholeShotStylizer, files: ShotFiles) -> None:
        self._stylizer, self._files = stylizer, files
        self.clear()

    @property
    def needed_from(self) -> int | None:
        """Index of the first frame of the shot; None if a shot begins."""
        return None if self._first < 0 else self._first

    def clear(self) -> None:
        """A shot begins."""
        self._first = self._given = -1

    def snapshot(self) -> tuple[Tensor, ...]:
        """The state: empty where a shot begins."""
        return () if self._first < 0 else (torch.tensor((self._first, self._given)),)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned. The next frame to come is the first of the shot."""
        self.clear()
        if state:
            self._first, self._given = state[0].tolist()

    def stylize(self, frames: Iterable[PreparedFrame]) -> Iterator[tuple[PreparedFrame, Tensor]]:
        """Stylize frames.

        Args:
            frames: Consecutive frames of a clip; after `restore` from the first of the shot on.

        Yields:
            Each frame with its stylization, 3×h×w, −1..1; after `restore` those that had not come out.

        Raises:
            Interrupted: The stylizer was stopped; what was done of the shot is kept.
            MediaError: The shot cannot be written to disk, or read again.
        """
        shot: StoredShot | None = None
        for item in frames:
            index = item.frame.index
            if shot is None or item.new_shot or item.frame.starts_anew:
                if shot is not None:
                    yield from self._finish(shot)
                if self._first != index:
                    self.clear()
                    self._first = index
                shot = self._files.begin(index)
            shot.add(item)
        if shot is not None:
            yield from self._finish(shot)

    def _finish(self, shot: StoredShot) -> Iterator[tuple[PreparedFrame, Tensor]]:
        step = self._stylizer.stylize_shot(shot)
        if self._stylizer.interrupted:
            goes_on = "; the same command goes on with its next frame" if self._files.resumes else ""
            raise Interrupted(f"stopped within a shot{goes_on}")
        for number in range(len(shot)):
            item = shot.item(number)
            if item.frame.index > self._given:
                self._given = item.frame.index
                yield item, shot.picture(step, number)
        shot.end()
