"""vtn: the paint of earlier frames is carried along by optical flow."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from vst.frame import Frame, Motion
from vst.modes.memory import Need
from vst.modes.painter import Painter, from_network, to_network
from vst.motion import DISTANCES, recall
from vst.motion.refresh import wear

_RECALL = 80
"""Bytes a pixel that it takes to bring one earlier output to a frame: about twenty planes in fp32."""


class VtnMode:
    """The video transformation network with memory across occlusion (thesis 5.4, algorithm 2).

    The network sees the frame, the earlier outputs brought here by `recall`, and where they can be
    trusted. Fed back is its own output in fp32, before any finishing; outputs further back than the
    last one wait in fp16, which costs at most 0.0005 and halves the memory. What has been carried for too
    long is painted anew (`vst.motion.refresh`).
    """

    distances: tuple[int, ...] = DISTANCES

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._outputs: deque[Tensor] = deque(maxlen=max(DISTANCES))
        self._wear: Tensor | None = None

    def reset(self) -> None:
        """Forget all that was painted."""
        self._outputs.clear()
        self._wear = None

    @torch.inference_mode()
    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        """See `Mode.step`."""
        image = to_network(frame.image)
        past = {d: self._outputs[d - 1].float() for d in motions if d <= len(self._outputs)}
        if past:
            previous, mask = recall({d: motions[d] for d in past}, past)
        else:
            previous, mask = torch.zeros_like(image), torch.zeros_like(image[:1])
        fresh = self._worn(motions.get(1) if 1 in past else None)
        output = self._painter(image[None], previous[None], mask[None], fresh=fresh)[0].cpu()
        if self._outputs:
            self._outputs[0] = self._outputs[0].half()
        self._outputs.appendleft(output)
        return from_network(output)

    def _worn(self, motion: Motion | None) -> Tensor | None:
        """1×1×H×W, the share that is renewed, having worn out; None where none is kept as it is."""
        if motion is None or not self._painter.gated:
            self._wear = None
            return None
        self._wear, fresh = wear(motion.flow, motion.mask, self._wear)
        return fresh[None]

    def need(self, width: int, height: int) -> Need:
        """See `PredictableMode.need`."""
        pixel = _RECALL + 3 * (2 * (max(DISTANCES) - 1) + 4)
        return replace(self._painter.need(height, width), remembered=pixel * width * height)

    def snapshot(self) -> tuple[Tensor, ...]:
        """Wear (empty where there is none) and the outputs that are remembered, newest first.

        They are never changed in place.
        """
        return (torch.empty(0) if self._wear is None else self._wear, *self._outputs)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Remember these outputs, worn so far, and no others."""
        self._wear = state[0] if state[0].numel() else None
        self._outputs = deque(state[1:], maxlen=max(DISTANCES))
