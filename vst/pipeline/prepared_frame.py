"""Frames between motion and encoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from vst.frame import Frame
from vst.keyframes.cue import Cue
from vst.motion import FlowPair
from vst.pipeline.working_frame import WorkingFrame
from vst.postprocess import ColourMap


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """A frame that is ready to be stylized.

    Attributes:
        frame: At working resolution, with its source.
        new_shot: Whether a shot begins here.
        pair: Flow between the frame and the one before, where it is needed; None where a shot begins.
        cue: What the frame asks of the keyframes.
        colours: What moves the colours of the stylized frame; None: they stay.
        shown: The frame that is shown in its place, where frames are held.
    """

    frame: WorkingFrame
    new_shot: bool
    pair: FlowPair | None = None
    cue: Cue = Cue.NONE
    colours: ColourMap | None = None
    shown: ShownFrame | None = None

    def without_pair(self) -> Self:
        """The frame alone."""
        return replace(self, pair=None)


@dataclass(slots=True)
class ShownFrame:
    """A stylized frame that is shown for some frames.

    Attributes:
        item: The frame; None once it is finished.
        stylized: What `StylizerSession.stylized` gave for it.
        finished: As it is written, once that is known.
    """

    item: PreparedFrame | None
    stylized: Tensor | None
    finished: Frame | None = None
