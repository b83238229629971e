"""Dense Inverse Search (Kroeger, Timofte, Dai, Van Gool, ECCV 2016), OpenCV's implementation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vst.motion.estimator import Estimator, to_bytes

Array = np.ndarray

Preset = Literal["ultrafast", "fast", "medium", "refined"]

_PRESETS: dict[str, int] = {"ultrafast": 0, "fast": 1, "medium": 2, "refined": 2}
"""Values of cv2.DISOPTICAL_FLOW_PRESET_*."""

FINE_BELOW = 240
"""Frames with a shorter side, in pixels, are searched at full resolution by default."""

_MIN_SIDE = 32
"""DIS needs 12 pixels per side, and leaves parts of its result uninitialized a little above that."""

_MAX_ASPECT_RATIO = 4
"""DIS derives its coarsest scale from the width alone: a wide strip would shrink to nothing."""

_STEPS, _STEPS_TURNED_ROUND = 2, 1
"""Of the refinement at full resolution; where the flow began from the opposite one."""

_MOST_AMBIGUOUS = 0.05
"""Share of a frame at which flow cannot be turned round; above it both ways are searched. With spray or
wheels it is a fifth, in calm clips up to a fiftieth."""


class DisEstimator(Estimator):
    """DIS on 8-bit luma. It has no weights and gives the same numbers on every run.

    OpenCV's presets stop at half the resolution and enlarge the flow, so that motion boundaries are a pixel
    or two beside the outlines of objects. ``refined`` searches less than ``medium``, refines the flow at
    full resolution (`vst.motion.local_refinement`), and mends the boundaries
    (`vst.motion.boundary_refinement`). Small frames are also searched at full resolution:
    docs/adr/0008-flow-is-refined-at-full-resolution.md.

    Args:
        preset: ``"refined"``, or OpenCV's ``"ultrafast"``, ``"fast"`` or ``"medium"``. Medium takes four
            times as long as fast; its mask finds 89 to 99 % of what moving discs hid, that of fast 66 to 96
            %. Refined takes nearly twice as long as medium.
        fine_below: Frames with a shorter side, in pixels, are searched at full resolution. Only for
            ``"refined"``.
    """

    def __init__(self, preset: Preset = "refined", fine_below: float = FINE_BELOW) -> None:
        if preset not in _PRESETS:
            raise ValueError(f"DIS preset is {preset!r}; expected one of {', '.join(_PRESETS)}")
        # Here, so that listing the estimators does not load OpenCV.
        import cv2

        from vst.motion.boundary_refinement import refine_boundaries
        from vst.motion.fields import luma_of
        from vst.motion.inverse import inverse
        from vst.motion.local_refinement import refine_locally

        refined = preset == "refined"
        self.name = f"dis-{preset}"
        if refined:
            self.name = "dis-fine" if fine_below == math.inf else "dis"
        self._dis = cv2.DISOpticalFlow.create(_PRESETS[preset])
        self._fine = cv2.DISOpticalFlow.create(_PRESETS[preset]) if refined else self._dis
        self._refine_locally, self._refine_boundaries = refine_locally, refine_boundaries
        self._inverse, self._luma = inverse, luma_of
        self._refines, self._fine_below = refined, fine_below
        if refined:
            self._fine.setFinestScale(0)
            # What is refined afterwards needs no more.
            self._dis.setGradientDescentIterations(8)
            self._dis.setVariationalRefinementIterations(2)
            self._dis.setPatchStride(4)

    def prepare(self, image: Tensor) -> Tensor:
        """1×H×W luma in 8 bits, on the CPU."""
        if image.dim() != 3 or image.shape[0] not in (1, 3):
            raise ValueError(f"a frame has shape {tuple(image.shape)}; expected 3×H×W")
        if image.shape[0] == 1:
            return to_bytes(image).cpu()
        if image.dtype == torch.uint8:
            image = image.float() / 255
        return torch.from_numpy(self._luma(image))[None]

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Estimator.estimate``."""
        x, y = (_padded(each) for each in self._luma_pair(a, b))
        return _cropped(self._search(x, y), a.shape[-2:]).to(a.device)

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Estimator.estimate_pair``; refined, the first begins from the second, turned round."""
        x, y = (_padded(each) for each in self._luma_pair(a, b))
        back = self._search(y, x)
        there = self._turned_round(back, x, y)
        size = a.shape[-2:]
        return _cropped(there, size).to(a.device), _cropped(back, size).to(b.device)

    def _luma_pair(self, a: Tensor, b: Tensor) -> tuple[np.ndarray, np.ndarray]:
        if a.shape[-2:] != b.shape[-2:]:
            raise ValueError(
                f"cannot estimate flow between frames of shape {tuple(a.shape)} and {tuple(b.shape)}; "
                "expected one size"
            )
        return self.prepare(a)[0].numpy(), self.prepare(b)[0].numpy()

    def _search(self, a: Array, b: Array) -> Array:
        """Flow from a to b, H×W×2."""
        dis = self._fine if min(a.shape) < self._fine_below else self._dis
        # None is "no initial flow"; OpenCV's type hints do not allow it.
        flow: Array = dis.calc(a, b, None)  # type: ignore[call-overload]
        return self._refined(flow, a, b, _STEPS) if self._refines else flow

    def _refined(self, flow: Array, a: Array, b: Array, steps: int) -> Array:
        return self._refine_boundaries(self._refine_locally(flow, a, b, steps), a, b)

    def _turned_round(self, back: Array, a: Array, b: Array) -> Array:
        """Flow from a to b, given that from b to a, without a search if the motion can be turned round."""
        if not self._refines:
            return self._search(a, b)
        start, share = self._inverse(back)
        if share > _MOST_AMBIGUOUS:
            return self._search(a, b)
        return self._refined(start, a, b, _STEPS_TURNED_ROUND)


def _padded(luma: Array) -> Array:
    """A frame that is large enough for DIS, contiguous."""
    height, width = luma.shape
    bottom = max(_MIN_SIDE, -(-width // _MAX_ASPECT_RATIO)) - height
    right = _MIN_SIDE - width
    if bottom > 0 or right > 0:
        luma = np.pad(luma, ((0, max(bottom, 0)), (0, max(right, 0))), mode="edge")
    return np.ascontiguousarray(luma)


def _cropped(flow: Array, size: Sequence[int]) -> Tensor:
    """Flow of a frame that was padded, 2×H×W: a view of H×W×2, as flow from a file is, for equal sums."""
    height, width = size
    return torch.from_numpy(flow[:height, :width].transpose(2, 0, 1))
