"""The base class of estimators that run a network: frames of any size, both directions at once, tiles."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.motion.estimator import Estimator
from vst.motion.estimators.flow_tiles import FlowFunction, tiled_flow
from vst.motion.estimators.inference import flow_inference


class NetworkEstimator(Estimator):
    """Flow from a network.

    A network accepts only sides that are multiples of some number. Most were published with code that
    resizes the frame to the next multiple and the flow back, so that no pixels beyond the border are made
    up. This class does the same and scales the vectors accordingly. With ``padded`` it repeats the border
    instead, for networks published that way.

    Subclasses set these attributes and may override ``_normalise``.

    Attributes:
        multiple: Sides of the network's input are multiples of this.
        min_side: Shortest side of the network's input; a multiple of ``multiple``.
        padded: Repeat the border instead of resizing.
        tile: Frames with a longer side, in pixels, are estimated in tiles of this size.
        overlap: Overlap of adjacent tiles, in pixels.

    Args:
        name: The name in the registry.
        network: Called with two normalised batches B×3×H×W; returns B×2×H×W in pixels.
        device: Where the network is; frames are moved there.
        precision: Precision of the features; flow is always fp32.
    """

    multiple = 64
    min_side = 64
    padded = False
    tile = 1536
    overlap = 256

    def __init__(
        self, name: str, network: FlowFunction, device: torch.device, precision: torch.dtype
    ) -> None:
        self.name = name
        self._network = network
        self._device = device
        self._precision = precision

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
        """Two batches of whole frames, B×3×H×W in 0..1, as the network was trained on them."""
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
        input_height, input_width = (
            max(self.min_side, -(-side // self.multiple) * self.multiple) for side in (height, width)
        )
        pair = self._normalise(*(self._fit(each, input_height, input_width) for each in (first, second)))
        with flow_inference(self._device, self._precision):
            flow = tiled_flow(
                self._network, *pair, tile=self.tile, overlap=self.overlap, multiple=self.multiple
            )
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
        given_height, given_width = flow.shape[-2:]
        if (given_height, given_width) == (height, width):
            return flow
        if self.padded:
            top, left = (given_height - height) // 2, (given_width - width) // 2
            return flow[..., top : top + height, left : left + width].contiguous()
        scale = flow.new_tensor((width / given_width, height / given_height)).view(2, 1, 1)
        return F.interpolate(flow, size=(height, width), mode="bilinear", align_corners=False) * scale
