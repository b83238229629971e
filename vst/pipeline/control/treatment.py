"""What is done to the stylized frames of a shot in order: their palette, and frames that are held."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from vst.frame import Frame
from vst.keyframes.cue import Cue
from vst.pipeline.prepared_frame import PreparedFrame, ShownFrame
from vst.postprocess import PaletteMatcher


class ShotTreatment:
    """Follows the stylized frames of a shot.

    Frames that are held are counted from the first frame of their shot, so that a cut falls on a new one.
    A frame that is not stylized, and one at which stylization begins anew, is shown itself.

    Args:
        hold: For how many frames a stylized frame is shown.
        matches_palette: Whether colours are moved to the clip's palette.
    """

    def __init__(self, hold: int = 1, matches_palette: bool = False) -> None:
        self._hold = hold
        self._palette = PaletteMatcher() if matches_palette else None
        self._shot = 0  # index of its first frame
        self._last = -1
        self._mixture: tuple[float, ...] | None = None
        self._shown: ShownFrame | None = None

    def clear(self) -> None:
        """Forget all state: a shot begins."""
        self._shown = None
        if self._palette is not None:
            self._palette.clear()

    def is_held(self, item: PreparedFrame) -> bool:
        """Whether another frame is shown in place of the next one."""
        if self._hold == 1 or _begins(item) or item.cue is Cue.IDLE or self._shown is None:
            return False
        return (item.frame.index - self._shot) % self._hold != 0

    def take(self, item: PreparedFrame, stylized: Tensor | None) -> tuple[PreparedFrame, Tensor | None]:
        """Take up the next frame.

        Args:
            item: The frame.
            stylized: Its stylization, 3×h×w, 0..1; None where there is none.

        Returns:
            The frame, marked with what `StylizerSession.finish` does, and the stylization.
        """
        held = self.is_held(item)
        if item.new_shot:
            self._shot = item.frame.index
        if item.cue is Cue.IDLE or _begins(item):
            self.clear()
        self._last = item.frame.index
        if self._palette is not None and stylized is not None:
            changes = item.frame.mixture != self._mixture
            colours = self._palette.advance(stylized, item.frame.image, changes)
            item = replace(item, colours=colours)
        self._mixture = item.frame.mixture
        if self._hold == 1 or item.cue is Cue.IDLE:
            return item, stylized
        if not held:
            self._shown = ShownFrame(item, stylized)
        return replace(item, shown=self._shown), stylized

    def snapshot(self) -> tuple[Tensor, ...]:
        """The exact state; the picture that is shown only if the next frame shows it too."""
        mixture = torch.tensor(self._mixture or (), dtype=torch.float64)
        found = [torch.tensor((self._shot, self._last)), mixture]
        if self._palette is not None:
            found += self._palette.snapshot()
        goes_on = self._hold > 1 and (self._last + 1 - self._shot) % self._hold
        if goes_on and self._shown is not None and self._shown.finished is not None:
            finished = self._shown.finished
            planes = (finished.alpha, finished.gain)
            empty = finished.image.new_empty(0)
            found += [finished.image, *(empty if each is None else each for each in planes)]
        return tuple(found)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Take up what `snapshot` returned."""
        self.clear()
        numbers, mixture, *rest = state
        self._shot, self._last = numbers.tolist()
        self._mixture = tuple(mixture.tolist()) or None
        if self._palette is not None:
            self._palette.restore((rest.pop(0), rest.pop(0)))
        if rest:
            image, alpha, gain = (each if each.numel() else None for each in rest)
            assert image is not None
            self._shown = ShownFrame(
                None, None, Frame(self._last, Fraction(0), Fraction(0), image, alpha, gain)
            )


def _begins(item: PreparedFrame) -> bool:
    return item.new_shot or item.frame.starts_anew or item.cue is Cue.ANEW
