"""What the encoder of a video gets."""

from __future__ import annotations

import av
import torch

from vst.frame import Frame
from vst.media.colour.light import light_from_display, signal_from_light
from vst.media.colour.planes import from_rgb
from vst.media.encode.plan import EncodingPlan
from vst.media.probe.clip_info import ClipInfo


def picture_of(frame: Frame, source: ClipInfo, plan: EncodingPlan) -> av.VideoFrame:
    """A frame in the pixel format and size of the output."""
    alpha = None if frame.alpha is None else _padded(frame.alpha, plan)
    return from_rgb(_padded(_signal(frame, source), plan), alpha, plan.pix_fmt, plan.colour)


def _signal(frame: Frame, source: ClipInfo) -> torch.Tensor:
    """The R'G'B' to encode, 3×H×W; for HDR that is kept it is PQ or HLG, with the gain applied."""
    if source.light != "hdr" or frame.gain is None:
        return frame.image
    colour = source.colour
    light = light_from_display(frame.image.detach().to("cpu", torch.float32)) * frame.gain.cpu()
    return signal_from_light(light, colour.transfer, colour.primaries)


def _padded(image: torch.Tensor, plan: EncodingPlan) -> torch.Tensor:
    """C×H×W with the last column and row repeated where the codec needs even sides."""
    right, below = plan.width - image.shape[2], plan.height - image.shape[1]
    if not (right or below):
        return image
    return torch.nn.functional.pad(image, (0, right, 0, below), mode="replicate")
