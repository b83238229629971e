"""What all estimators that are networks share: any size, both directions at once, tiles, precision."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimator import Estimator
from vst.motion.estimators.tiles import Network, tiled


class NetworkEstimator(Estimator):
    """Flow by a network.

    A network takes sizes on its own grid only. Most were published with code that resizes the frame to the
    next multiple and the flow back, so that nothing is invented beyond the border: so it is done here, the
    vectors scaled along. ``padded`` repeats the border instead, for those published that way.

    On CUDA PyTorch is told, for the whole process, to use only convolutions that give the same numbers each
    time: transposed ones otherwise add in whatever order their threads arrive.

    Subclasses set these and may override ``_normalise``.

    Attributes:
        multiple: Sides of what the network sees are multiples of this.
        least: And no shorter than this; a multiple of it.
        padded: Repeat the border instead of resizing.
        tile: Frames with a longer side, in pixels, are estimated in tiles of this size.
        overlap: What two tiles share, in pixels.

    Args:
        name: By which the registry knows it.
        network: Called with two batches B×3×H×W, normalised; gives B×2×H×W in pixels.
        device: Where the network is, and where pictures are brought.
        precision: Of the features; the flow itself is always kept in fp32.
    """

    multiple = 64
    least = 64
    padded = False
    tile = 1536
    overlap = 256

    def __init__(self, name: str, network: Network, device: torch.device, precision: torch.dtype) -> None:
        self.name = name
        self._network = network
        self._device = device
        self._precision = precision
        if device.type == "cuda":
            torch.backends.cudnn.deterministic = True

    def estimate(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Estimator.estimate``."""
        first, second = self._pictures(a, b)
        return self._flows(first[None], second[None])[0].to(a.device)

    def estimate_pair(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Estimator.estimate_pair``; both directions are one batch."""
        first, second = self._pictures(a, b)
        forth, back = self._flows(torch.stack((first, second)), torch.stack((second, first)))
        return forth.to(a.device), back.to(b.device)

    def _normalise(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """What the network was trained on, from whole frames, B×3×H×W in 0..1."""
        return first, second

    def _pictures(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        if a.shape != b.shape:
            raise ValueError(
                f"cannot estimate flow between frames of shape {tuple(a.shape)} and {tuple(b.shape)}; "
                "expected one size"
            )
        if a.dim() != 3 or a.shape[0] != 3:
            raise ValueError(f"a frame has shape {tuple(a.shape)}; expected 3×H×W")
        return self._picture(a), self._picture(b)

    def _picture(self, image: Tensor) -> Tensor:
        image = image.to(self._device)
        return image.float() / 255 if image.dtype == torch.uint8 else image.float().clamp(0, 1)

    @torch.no_grad()
    def _flows(self, first: Tensor, second: Tensor) -> Tensor:
        """Flow of a batch, B×2×H×W in float32, from B×3×H×W in 0..1."""
        height, width = first.shape[-2:]
        down, right = (
            max(self.least, -(-side // self.multiple) * self.multiple) for side in (height, width)
        )
        pair = self._normalise(*(self._fit(each, down, right) for each in (first, second)))
        with torch.autocast(
            self._device.type, dtype=self._precision, enabled=self._precision != torch.float32
        ):
            flow = tiled(self._network, *pair, tile=self.tile, overlap=self.overlap, multiple=self.multiple)
        return self._restore(flow, height, width)

    def _fit(self, images: Tensor, height: int, width: int) -> Tensor:
        if images.shape[-2:] == (height, width):
            return images
        if not self.padded:
            return F.interpolate(images, size=(height, width), mode="bilinear", align_corners=False)
        top, left = (height - images.shape[-2]) // 2, (width - images.shape[-1]) // 2
        bottom, right = height - images.shape[-2] - top, width - images.shape[-1] - left
        return F.pad(images, (left, right, top, bottom), mode="replicate")

    def _restore(self, flow: Tensor, height: int, width: int) -> Tensor:
        down, right = flow.shape[-2:]
        if (down, right) == (height, width):
            return flow
        if self.padded:
            top, left = (down - height) // 2, (right - width) // 2
            return flow[..., top : top + height, left : left + width].contiguous()
        scale = flow.new_tensor((width / right, height / down)).view(2, 1, 1)
        return F.interpolate(flow, size=(height, width), mode="bilinear", align_corners=False) * scale
