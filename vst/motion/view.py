"""Visualization of motion: flow in the colours of a wheel, flow as arrows, and the mask as a red overlay.

The wheel is that of Baker, Scharstein, Lewis, Roth, Black, Szeliski: A Database and Evaluation Methodology
for Optical Flow (IJCV 2011), with the numbers of the program that comes with their data: hue is direction,
saturation is length.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from vst.frame import Motion
from vst.motion.tracking import Tracked

FLOW_VIEWS = ("all", "color", "arrows", "mask")
"""What ``FlowView`` can draw."""

_SEGMENTS = (("ry", 15), ("yg", 6), ("gc", 4), ("cb", 11), ("bm", 13), ("mr", 6))
"""Number of colours from one of red, yellow, green, cyan, blue, magenta to the next, by how many the eye
distinguishes there."""

_LONGER_BRIGHTNESS = 0.75
"""Brightness of flow longer than the radius."""

_QUANTILE = 0.99
"""Share of the known flow that ``fitting_radius`` covers."""

_MIN_RADIUS = 0.5
_ROUND_RADII = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_MAX_SAMPLES = 100_000
_RED = (0.9, 0.05, 0.05)
_RED_OPACITY = 0.6
_DIMMED = 0.45
"""Brightness of the frame behind arrows."""


@cache
def colour_wheel() -> Tensor:
    """The 55 colours of the wheel, 55×3, RGB, 0..1: red, yellow, green, cyan, blue, magenta."""
    # Each segment fades one channel in (+) or out (−) while another is full.
    full = {"ry": 0, "yg": 1, "gc": 1, "cb": 2, "bm": 2, "mr": 0}
    fading = {"ry": (1, 1), "yg": (0, -1), "gc": (2, 1), "cb": (1, -1), "bm": (0, 1), "mr": (2, -1)}
    colours = []
    for name, count in _SEGMENTS:
        channel, sign = fading[name]
        for i in range(count):
            step = math.floor(255 * i / count)
            colour = [0, 0, 0]
            colour[full[name]] = 255
            colour[channel] = step if sign > 0 else 255 - step
            colours.append(colour)
    return torch.tensor(colours, dtype=torch.float32) / 255


def flow_colours(flow: Tensor, radius: float | None = None) -> Tensor:
    """Flow as colours: zero is white, the radius fully saturated, longer flow darker, unknown flow black.

    Args:
        flow: 2×H×W, pixels, x then y. Rightward flow is red, downward yellow, leftward cyan, upward violet.
        radius: Length in pixels of a fully saturated colour; None uses the longest known flow.

    Returns:
        3×H×W, RGB, 0..1.

    Raises:
        ValueError: The radius is not above 0, or the shape is not that of a flow.
    """
    if flow.dim() != 3 or flow.shape[0] != 2:
        raise ValueError(f"flow has shape {tuple(flow.shape)}; expected 2×H×W")
    if radius is not None and not radius > 0:
        raise ValueError(f"radius is {radius}; expected more than 0 pixels")
    known = flow.isfinite().all(dim=0)
    flow = torch.where(known, flow.float(), 0)
    length = flow.norm(dim=0)
    if radius is None:
        radius = float(length.max()) or 1.0
    length = length / radius
    wheel = colour_wheel().to(flow.device)
    # Adding 0.0 turns −0 into 0: the two zeros would be opposite ends of the wheel.
    position = (torch.atan2(-(flow[1] + 0.0), -flow[0]) / math.pi + 1) / 2 * (len(wheel) - 1)
    first = position.floor().long()
    fraction = (position - first).unsqueeze(-1)
    colour = (1 - fraction) * wheel[first] + fraction * wheel[(first + 1) % len(wheel)]
    colour = colour.permute(2, 0, 1)
    shorter = 1 - length * (1 - colour)
    return torch.where(length <= 1, shorter, _LONGER_BRIGHTNESS * colour) * known


def fitting_radius(flow: Tensor) -> float:
    """A round radius, at least half a pixel, that 99 % of the known flow does not exceed.

    The longest flow of an estimator is mostly an error, and would make everything else pale.
    """
    length = flow[:, flow.isfinite().all(dim=0)].norm(dim=0)
    # A sample is accurate enough, and torch.quantile is limited to 16 million values.
    length = length[:: max(1, length.numel() // _MAX_SAMPLES)]
    longest = float(length.quantile(_QUANTILE)) if length.numel() else 0.0
    longest = max(longest, _MIN_RADIUS)
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step * power for step in _ROUND_RADII if longest <= step * power * (1 + 1e-6))


def draw_arrows(image: Tensor, flow: Tensor, spacing: int, radius: float) -> Tensor:
    """Arrows in the wheel's colours on the darkened picture, from the points of a grid along the flow.

    Args:
        image: 3×H×W, RGB, 0..1.
        flow: 2×H×W, pixels; no arrow is drawn where it is unknown or too short.
        spacing: Distance of grid points, in pixels.
        radius: Length of flow, in pixels, whose arrow is as long as the spacing; arrows get no longer.

    Returns:
        3×H×W, RGB, 0..1.
    """
    import cv2  # here, so that listing the estimators does not load OpenCV

    height, width = flow.shape[-2:]
    canvas = np.ascontiguousarray(
        (image.clamp(0, 1) * (255 * _DIMMED)).byte().permute(1, 2, 0).cpu().numpy()
    )
    colours = flow_colours(flow, radius)
    shift = 4  # fractional bits of OpenCV's coordinates
    one = 2**shift
    for y in range(spacing // 2, height, spacing):
        for x in range(spacing // 2, width, spacing):
            u, v = flow[:, y, x].tolist()
            length = math.hypot(u, v)
            drawn = spacing * min(length / radius, 1.0)
            # Negated, so that NaN is skipped too.
            if not drawn >= 1:
                continue
            tip = (round((x + u / length * drawn) * one), round((y + v / length * drawn) * one))
            colour = [round(255 * c) for c in colours[:, y, x].tolist()]
            cv2.arrowedLine(canvas, (x * one, y * one), tip, colour, 1, cv2.LINE_AA, shift, 0.3)
    return torch.from_numpy(canvas).permute(2, 0, 1).float() / 255


def overlay_mask(image: Tensor, mask: Tensor) -> Tensor:
    """The picture with a red overlay where the mask is 0.

    Args:
        image: 3×H×W, RGB, 0..1.
        mask: 1×H×W, 1 where an earlier frame is trusted.

    Returns:
        3×H×W, RGB, 0..1.
    """
    red = torch.tensor(_RED, device=image.device).view(3, 1, 1)
    opacity = _RED_OPACITY * (mask < 0.5)
    return image.clamp(0, 1) * (1 - opacity) + red * opacity


def draw_legend(image: Tensor, radius: float) -> Tensor:
    """The wheel in the lower right corner, with its radius in pixels; omitted if the picture is too small.

    Args:
        image: 3×H×W, RGB, 0..1.
        radius: Length in pixels of a fully saturated colour.
    """
    height, width = image.shape[-2:]
    side = max(40, min(height, width) // 5)
    if min(height, width) < 2 * side:
        return image
    half = side / 2
    offsets = torch.arange(side) + 0.5 - half
    y, x = torch.meshgrid(offsets, offsets, indexing="ij")
    distance = (x.square() + y.square()).sqrt()
    disc = flow_colours(torch.stack((x, y)), half - 1)
    disc = torch.where(distance < half - 1, disc, 0.0)
    margin = side // 8
    bottom, right = height - margin, width - margin
    corner = (slice(None), slice(bottom - side, bottom), slice(right - side, right))
    out = image.clone()
    out[corner] = torch.where(distance < half, disc.to(image.device), out[corner])
    return _draw_text(out, f"{radius:g} px", right - half, bottom - side - margin // 2)


def _draw_text(image: Tensor, text: str, x: float, y: float) -> Tensor:
    """The picture with a line of text, the middle of its lower edge at (x, y)."""
    from PIL import Image, ImageDraw, ImageFont

    pixels = Image.fromarray((image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy())
    draw = ImageDraw.Draw(pixels)
    font = ImageFont.load_default(max(10, min(image.shape[-2:]) // 24))
    left, _, right, lower = draw.textbbox((0, 0), text, font=font, stroke_width=1)
    # The text must not leave the picture on the right.
    x = min(x - (right - left) / 2, image.shape[-1] - right)
    draw.text((x, y - lower), text, (255, 255, 255), font, stroke_width=1, stroke_fill=(0, 0, 0))
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


class FlowView:
    """Draws the motion of a clip, frame by frame.

    Shows the movement since the previous frame: the backward flow with its sign reversed, on the current
    frame. The first frame of a shot has no motion: its flow is black and its mask all red.

    Args:
        show: One of ``FLOW_VIEWS``; ``all`` is the frame and the colours above the arrows and the mask.
        radius: Length in pixels of a fully saturated colour. None uses ``fitting_radius``, which never
            decreases within a shot, so that colours can be compared.
    """

    def __init__(self, show: str = "all", radius: float | None = None) -> None:
        if show not in FLOW_VIEWS:
            raise ValueError(f"view is {show!r}; expected one of {', '.join(FLOW_VIEWS)}")
        self._show = show
        self._given_radius = radius
        self._radius = 0.0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the picture drawn for frames of this size."""
        return (2 * width, 2 * height) if self._show == "all" else (width, height)

    def draw(self, tracked: Tracked) -> Tensor:
        """The picture for the next frame, 3×H×W (2H×2W for ``all``), RGB, 0..1."""
        image = tracked.frame.image.clamp(0, 1)
        motion = tracked.motions.get(1)
        if motion is None:
            motion = Motion(torch.full_like(image[:2], torch.nan), torch.zeros_like(image[:1]))
        moved = -motion.flow
        if tracked.new_shot:
            self._radius = 0.0
        radius = self._given_radius or max(self._radius, fitting_radius(moved))
        self._radius = radius if tracked.motions else 0.0
        spacing = max(8, min(image.shape[-2:]) // 24)
        panels = {
            "color": lambda: draw_legend(flow_colours(moved, radius), radius),
            "arrows": lambda: draw_legend(draw_arrows(image, moved, spacing, radius), radius),
            "mask": lambda: overlay_mask(image, motion.mask),
        }
        if self._show != "all":
            return panels[self._show]()
        above = torch.cat((image, panels["color"]()), dim=2)
        return torch.cat((above, torch.cat((panels["arrows"](), panels["mask"]()), dim=2)), dim=1)
