"""What every mode provides: a stylizer."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from vst.frame import Frame, Motion, Past
from vst.modes.backend_choice import BackendChoice
from vst.modes.tiling import MemoryEstimate

_CPU = torch.device("cpu")


@runtime_checkable
class Stylizer(Protocol):
    """Turns frames into stylized frames.

    A stylizer sees frames at working resolution and knows nothing of files, motion or postprocessing:
    `vst.pipeline.session.StylizerSession` brings it the frames of one shot, in order.
    """

    every_frame: bool
    """Whether it has state of its own and has to see each frame of a shot (lstm)."""

    whole_shot: bool
    """Whether it works on whole shots: then it is a `WholeShotStylizer` too (ruder)."""

    conditioned: bool
    """Whether it takes the `Past`: earlier stylized frames, warped to the present one (vtn)."""

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """Stylize the next frame of the shot.

        Args:
            frame: The frame at working resolution.
            past: Earlier stylized frames warped to this one; None if there are none, and for stylizers
                that are not `conditioned`.

        Returns:
            3×H×W, RGB, −1..1, fp32, on the device of the frame. The range is the networks' own, so that
            what is fed back to a network is exactly what it returned
            (docs/adr/0015-stylizers-return-network-range.md).
        """
        ...

    def reset(self) -> None:
        """Forget all state: a new shot begins."""
        ...

    def snapshot(self) -> Any:
        """The state, exactly, as a tuple of tensors that later calls do not change."""
        ...

    def restore(self, state: Any) -> None:
        """Take up a state that `snapshot` returned."""
        ...

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """The memory that frames of this size, in pixels, take."""
        ...


class Shot(Protocol):
    """The frames of a shot, and what became of each in one pass after the other; on disk.

    Frames have numbers from 0. Nothing stays in memory from one call to the next.
    """

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def frame(self, number: int) -> Frame:
        """A frame at working resolution, on the CPU."""
        ...

    def motion(self, number: int, other: int) -> Motion:
        """How a frame relates to another one, before or after it."""
        ...

    def has(self, step: int, number: int) -> bool:
        """Whether a frame's picture of a pass is there: an earlier run may have kept it."""
        ...

    def picture(self, step: int, number: int) -> Tensor:
        """A picture that `keep` was given, exactly."""
        ...

    def keep(self, step: int, number: int, picture: Tensor) -> None:
        """Keep the picture of a frame, 3×H×W, −1..1, that a pass is done with."""
        ...

    def drop(self, step: int) -> None:
        """Forget the pictures of a pass."""
        ...


@runtime_checkable
class WholeShotStylizer(Stylizer, Protocol):
    """A stylizer that works on all frames of a shot, in several passes."""

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before the last frame of the last pass."""
        ...

    def stylize_shot(self, shot: Shot) -> int:
        """Stylize a shot; pictures that are there already are taken as they are.

        Returns:
            The pass whose pictures are the result.
        """
        ...


def device_for(stylizer: Stylizer, width: int, height: int) -> torch.device:
    """Where frames of a size stay from one call of a stylizer to the next, if they are propagated.

    That is the `device` of a stylizer that has one, unless it takes frames of this size in tiles: then more
    than one is too much for a GPU's memory. Other stylizers have frames on the CPU, and so has mps, which
    lacks operations of keyframes.
    """
    device: torch.device = getattr(stylizer, "device", _CPU)
    if device.type in ("cpu", "mps") or stylizer.memory(width, height).tile is not None:
        return _CPU
    return device


def takes_backends(stylizer: Stylizer) -> bool:
    """Whether another backend than torch may run the frames of a stylizer: those that have a `backend`."""
    return hasattr(stylizer, "backend")


def backend_of(stylizer: Stylizer | None) -> BackendChoice:
    """What runs the network of a stylizer."""
    choice: BackendChoice = getattr(stylizer, "backend", BackendChoice())
    return choice
