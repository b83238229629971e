"""Stylizers around a stylizer, which change what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vst.frame import Frame, Past
from vst.losses.temporal import luminance
from vst.modes.backend_choice import BackendChoice
from vst.modes.network_runner import NetworkRunner
from vst.modes.stylizer import Stylizer, backend_of
from vst.modes.tiling import MemoryEstimate


class StylizerAdapter:
    """A stylizer that passes everything on to another."""

    def __init__(self, stylizer: Stylizer) -> None:
        self._stylizer = stylizer
        self.every_frame, self.whole_shot = stylizer.every_frame, stylizer.whole_shot
        self.conditioned = stylizer.conditioned

    @property
    def device(self) -> torch.device:
        """Where its network is; see `vst.modes.stylizer.device_for`."""
        device: torch.device = getattr(self._stylizer, "device", torch.device("cpu"))
        return device

    @property
    def backend(self) -> BackendChoice:
        """What runs its network."""
        return backend_of(self._stylizer)

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`."""
        return self._stylizer.stylize(frame, past)

    def reset(self) -> None:
        """See `Stylizer.reset`."""
        self._stylizer.reset()

    def snapshot(self) -> Any:
        """See `Stylizer.snapshot`."""
        return self._stylizer.snapshot()

    def restore(self, state: Any) -> None:
        """See `Stylizer.restore`."""
        self._stylizer.restore(state)

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        return self._stylizer.memory(width, height)


class VaryingStylizer(StylizerAdapter):
    """Each frame in a mixture of its own of the network's styles.

    Args:
        stylizer: Stylizes.
        runner: Its network.
        mixture_of: The mixture of a frame; None leaves that of the frame before.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        runner: NetworkRunner,
        mixture_of: Callable[[Frame], Sequence[float] | None],
    ) -> None:
        super().__init__(stylizer)
        self._runner, self._mixture_of = runner, mixture_of

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`."""
        mixture = self._mixture_of(frame)
        if mixture is not None:
            self._runner.set_mixture(mixture)
        return self._stylizer.stylize(frame, past)


class IndependentStylizer(StylizerAdapter):
    """Every frame for itself, whatever the mode: without a past, and without state."""

    def __init__(self, stylizer: Stylizer) -> None:
        super().__init__(stylizer)
        self.conditioned = self.every_frame = False

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; the past is ignored."""
        self._stylizer.reset()
        return self._stylizer.stylize(frame, None)

    def snapshot(self) -> tuple[Tensor, ...]:
        """There is no state."""
        return ()

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """There is no state."""


class GrayStylizer(StylizerAdapter):
    """The network is given the luminance of each frame as a grey picture."""

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`."""
        return self._stylizer.stylize(replace(frame, image=to_gray(frame.image)), past)


def to_gray(image: Tensor) -> Tensor:
    """A picture, …×3×H×W, RGB, with its luminance (Rec. 709) in all three channels, of its own type."""
    gray = luminance(image.float())
    return (gray if image.is_floating_point() else gray.round()).to(image.dtype).expand(image.shape)
