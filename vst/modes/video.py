"""vtn: the paint of earlier frames is carried along by optical flow."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import torch
from torch import Tensor

from vst.frame import Frame, Motion
from vst.modes.painter import Painter, from_network, to_network
from vst.motion import DISTANCES, recall


class VtnMode:
    """The video transformation network with memory across occlusion (thesis 5.4, algorithm 2).

    The network sees the frame, the earlier outputs brought here by `recall`, and where they can be
    trusted. Fed back is its own output in fp32, before any finishing; outputs further back than the
    last one wait in fp16, which costs at most 0.0005 and halves the memory.
    """

    distances: tuple[int, ...] = DISTANCES

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._outputs: deque[Tensor] = deque(maxlen=max(DISTANCES))

    def reset(self) -> None:
        """Forget all that was painted."""
        self._outputs.clear()

    @torch.inference_mode()
    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        """See `Mode.step`."""
        image = to_network(frame.image)
        past = {d: self._outputs[d - 1].float() for d in motions if d <= len(self._outputs)}
        if past:
            previous, mask = recall({d: motions[d] for d in past}, past)
        else:
            previous, mask = torch.zeros_like(image), torch.zeros_like(image[:1])
        output = self._painter(image[None], previous[None], mask[None])[0].cpu()
        if self._outputs:
            self._outputs[0] = self._outputs[0].half()
        self._outputs.appendleft(output)
        return from_network(output)

    def snapshot(self) -> tuple[Tensor, ...]:
        """The outputs that are remembered, newest first; they are never changed in place."""
        return tuple(self._outputs)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Remember these outputs and no others."""
        self._outputs = deque(state, maxlen=max(DISTANCES))
