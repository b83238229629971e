"""Earlier stylized frames of a shot, warped to the current frame: what a stylizer is conditioned on.

A pixel that cannot be trusted in the previous frame is looked for further back, each time by direct flow
with its own mask: the long-term consistency of Ruder et al. (2016), applied to the network's input and not
    to
the loss. docs/adr/0002-memory-reaches-seventeen-frames.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import torch
from torch import Tensor

from vst.frame import Motion, Past
from vst.motion.refresh import refresh_share
from vst.motion.tracking import DISTANCES
from vst.motion.warping import warp

_WARPING = 80
"""Bytes a pixel to warp one earlier output: about twenty planes in fp32."""


class WarpHistory:
    """The last stylized frames of a shot.

    The last one is kept in fp32; those further back in fp16, which costs at most 0.0005 and halves the
    memory. What has been resampled too often is marked to be stylized afresh (`vst.motion.refresh`).
    """

    def __init__(self) -> None:
        self._outputs: deque[Tensor] = deque(maxlen=max(DISTANCES))
        self._age: Tensor | None = None

    def clear(self) -> None:
        """Forget all frames: a new shot begins."""
        self._outputs.clear()
        self._age = None

    @torch.inference_mode()
    def past(self, motions: Mapping[int, Motion]) -> Past | None:
        """The past of the next frame of the shot; call it once a frame.

        Args:
            motions: From the frame to earlier ones, by distance in frames.

        Returns:
            None if the motions reach no frame of the shot.
        """
        outputs = {d: self._outputs[d - 1].float() for d in motions if d <= len(self._outputs)}
        refresh = self._refresh(motions[1]) if 1 in outputs else None
        if not outputs:
            self._age = None
            return None
        image, trust = compose_past({d: motions[d] for d in outputs}, outputs)
        return Past(image, trust, refresh)

    def _refresh(self, motion: Motion) -> Tensor:
        self._age, share = refresh_share(motion.flow, motion.mask, self._age)
        return share

    def add(self, output: Tensor) -> None:
        """Keep the stylized frame that `past` was asked for: 3×H×W, −1..1, fp32, never changed in place."""
        if self._outputs:
            self._outputs[0] = self._outputs[0].half()
        self._outputs.appendleft(output)

    def snapshot(self) -> tuple[Tensor, ...]:
        """The resampling age (empty if there is none) and the outputs, newest first."""
        return (torch.empty(0) if self._age is None else self._age, *self._outputs)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Replace the history by what `snapshot` returned."""
        self._age = state[0] if state[0].numel() else None
        self._outputs = deque(state[1:], maxlen=max(DISTANCES))

    @staticmethod
    def memory(width: int, height: int) -> int:
        """Bytes that a full history of frames of this size takes, and warping it."""
        return (_WARPING + 3 * (2 * (max(DISTANCES) - 1) + 4)) * width * height


def compose_past(motions: Mapping[int, Motion], outputs: Mapping[int, Tensor]) -> tuple[Tensor, Tensor]:
    """Warp earlier outputs to the current frame; each pixel comes from the nearest frame trusted for it.

    Args:
        motions: By distance, as `Tracked.motions`.
        outputs: Earlier stylized frames by distance, 3×H×W, −1..1, of the motions' size. A distance that
            is only in one of the two mappings is left out.

    Returns:
        (image, trust): image 3×H×W, the warped outputs (Lanczos), 0 where no frame is trusted; trust
        1×H×W, 1 where the image holds a warped output.

    Raises:
        ValueError: There is no distance in common, or sizes differ.
    """
    common = sorted(motions.keys() & outputs.keys())
    if not common:
        raise ValueError(
            f"motions reach back {sorted(motions)} frames and outputs {sorted(outputs)}; "
            "expected one in common"
        )
    nearest = common[0]
    image = torch.zeros_like(outputs[nearest])
    trust = torch.zeros_like(motions[nearest].mask)
    for distance in common:
        motion = motions[distance]
        fill = (motion.mask > 0.5) & (trust < 0.5)
        if not fill.any():
            continue
        image = torch.where(fill, warp(outputs[distance], motion.flow, mode="lanczos"), image)
        trust = trust + fill.to(trust.dtype)
    return image, trust
