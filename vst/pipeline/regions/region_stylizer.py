"""Stylizes regions differently: each style over the whole picture, mixed by the masks of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.adapters import StylizerAdapter
from vst.modes.backend_choice import BackendChoice
from vst.modes.stylizer import Stylizer, backend_of
from vst.modes.tiling import MemoryEstimate
from vst.pipeline.frame_size import inside_working_size
from vst.pipeline.shot_state import joined, parts_of
from vst.pipeline.working_frame import WorkingFrame
from vst.postprocess import at_frame_size, resize


class RegionStylizer:
    """Gives each pixel the stylization of its region, as that is without regions.

    Where keyframes are propagated, the engine stylizes and propagates each part by itself, and mixes frames
    at the end: see `vst.keyframes.StylizesRegions`.

    Args:
        parts: A stylizer for each stylization, all of one mode, in the order of `WorkingFrame.shares`.
    """

    whole_shot = False

    def __init__(self, parts: Sequence[Stylizer]) -> None:
        self.parts = tuple(parts)
        self.every_frame, self.conditioned = self.parts[0].every_frame, self.parts[0].conditioned

    @property
    def device(self) -> torch.device:
        """Where the networks are; see `vst.modes.stylizer.device_for`."""
        device: torch.device = getattr(self.parts[0], "device", torch.device("cpu"))
        return device

    @property
    def backend(self) -> BackendChoice:
        """What runs the networks: the same for all."""
        return backend_of(self.parts[0])

    def seen(self, frame: Frame) -> list[bool]:
        """See `StylizesRegions.seen`."""
        return [bool((share > 0).any()) for share in _shares(frame)]

    def mix(self, frame: Frame, stylized: Sequence[Tensor | None]) -> Tensor:
        """See `StylizesRegions.mix`; of a stylization bit for bit where that has the whole share."""
        mixed: Tensor | None = None
        below = torch.zeros(())
        for share, own in zip(_shares(frame), stylized, strict=True):
            if own is None:
                continue
            below = below + share.float()
            if mixed is None:
                mixed = own
                continue
            # Each lies over those before it.
            part = (share / below.clamp_min(1e-6)).clamp(max=1)
            mixed = torch.lerp(mixed, own, part.to(own.device, own.dtype))
        assert mixed is not None  # the shares sum to 1
        return mixed

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; a style that the frame does not show is left out if it has no state."""
        seen = self.seen(frame)
        return self.mix(
            frame,
            [
                part.stylize(frame, past) if shown or self.every_frame else None
                for part, shown in zip(self.parts, seen, strict=True)
            ],
        )

    def reset(self) -> None:
        """See `Stylizer.reset`."""
        for each in self.parts:
            each.reset()

    def snapshot(self) -> tuple[Tensor, ...]:
        """See `Stylizer.snapshot`; empty without state."""
        states = [tuple(each.snapshot()) for each in self.parts]
        return joined(states) if any(states) else ()

    def restore(self, state: Any) -> None:
        """See `Stylizer.restore`."""
        states = parts_of(state) if state else [()] * len(self.parts)
        for each, own in zip(self.parts, states, strict=True):
            each.restore(own)

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`: of the part that takes most, with what the others leave."""
        estimates = [each.memory(width, height) for each in self.parts]
        largest = max(estimates, key=lambda each: each.peak)
        beside = len(self.parts) * 3 * 4 * width * height  # a stylization each, until they are mixed
        return replace(
            largest,
            peak=largest.peak + beside,
            without_tiles=max(each.without_tiles for each in estimates) + beside,
            smallest_tiles=max(each.smallest_tiles for each in estimates) + beside,
        )


class ScaledStylizer(StylizerAdapter):
    """Strokes of another size: frames are stylized larger or smaller.

    Args:
        stylizer: Stylizes.
        style_scale: Size of the strokes, as `RenderSettings.style_scale` has it for whole frames.
    """

    def __init__(self, stylizer: Stylizer, style_scale: float) -> None:
        super().__init__(stylizer)
        self._style_scale = style_scale

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`."""
        height, width = frame.image.shape[-2:]
        wide, high = inside_working_size(width, height, self._style_scale)
        size = (high, wide)
        if size == (height, width):
            return super().stylize(frame, past)
        reduced = replace(frame, image=resize(frame.image, size), alpha=None, gain=None)
        if past is not None:
            trust = (resize(past.trust, size) > 0.5).to(past.trust.dtype)
            past = Past(resize(past.image, size).clamp(-1, 1) * trust, trust)
        stylized = (super().stylize(reduced, past) + 1) / 2
        return at_frame_size(stylized, reduced.image, frame.image) * 2 - 1

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`."""
        return super().memory(*inside_working_size(width, height, self._style_scale))


def _shares(frame: Frame) -> Tensor:
    assert isinstance(frame, WorkingFrame)
    assert frame.shares is not None  # from `RegionMasks.attach`
    return frame.shares
