"""Motion to look at: the colour wheel, arrows, and the mask in red. Pictures in, pictures out; no files.

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

SHOWS = ("all", "color", "arrows", "mask")
"""What ``FlowView`` can show."""

_SEGMENTS = (("ry", 15), ("yg", 6), ("gc", 4), ("cb", 11), ("bm", 13), ("mr", 6))
"""Colours from one of red, yellow, green, cyan, blue, magenta to the next: as many as can be told apart."""

_BEYOND = 0.75
"""Brightness of flow longer than the radius."""

_QUANTILE = 0.99
_LEAST_RADIUS = 0.5
_ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_SAMPLED = 100_000
_RED = (0.9, 0.05, 0.05)
_RED_AMOUNT = 0.6
_DIMMED = 0.45


@cache
def colour_wheel() -> Tensor:
    """The 55 colours of the wheel, 55×3, RGB, 0..1, from red by yellow, green, cyan, blue and magenta."""
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
    """Flow as colours: none is white, the radius has the full colour, longer flow is darker, unknown black.

    Args:
        flow: 2×H×W, pixels, x then y. To the right is red, down is yellow, to the left cyan,
            up violet.
        radius: Length in pixels of a full colour; None takes the longest known flow.

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
    # Adding nothing makes −0 of v into 0: else the two zeros would be the two ends of the wheel.
    place = (torch.atan2(-(flow[1] + 0.0), -flow[0]) / math.pi + 1) / 2 * (len(wheel) - 1)
    first = place.floor().long()
    part = (place - first).unsqueeze(-1)
    colour = (1 - part) * wheel[first] + part * wheel[(first + 1) % len(wheel)]
    colour = colour.permute(2, 0, 1)
    within = 1 - length * (1 - colour)
    return torch.where(length <= 1, within, _BEYOND * colour) * known


def fitting_radius(flow: Tensor) -> float:
    """A round radius that 99 % of known flow is within, at least half a pixel.

    The longest flow of an estimator is mostly an error, and would make all else pale.
    """
    length = flow[:, flow.isfinite().all(dim=0)].norm(dim=0)
    # As good as all of them, and torch refuses to sort more than 16 million.
    length = length[:: max(1, length.numel() // _SAMPLED)]
    longest = float(length.quantile(_QUANTILE)) if length.numel() else 0.0
    longest = max(longest, _LEAST_RADIUS)
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step * power for step in _ROUND if longest <= step * power * (1 + 1e-6))


def draw_arrows(image: Tensor, flow: Tensor, spacing: int, radius: float) -> Tensor:
    """Arrows in the wheel's colours on the darkened picture, from a grid's points along the flow.

    Args:
        image: 3×H×W, RGB, 0..1.
        flow: 2×H×W, pixels; where it is unknown, or too short for an arrow, there is none.
        spacing: Of the grid, in pixels.
        radius: Flow so long has an arrow as long as the spacing, and longer flow none longer.

    Returns:
        3×H×W, RGB, 0..1.
    """
    import cv2  # here, so that naming the estimators does not load OpenCV

    height, width = flow.shape[-2:]
    canvas = np.ascontiguousarray(
        (image.clamp(0, 1) * (255 * _DIMMED)).byte().permute(1, 2, 0).cpu().numpy()
    )
    colours = flow_colours(flow, radius)
    fraction = 4  # bits behind the point of OpenCV's coordinates
    one = 2**fraction
    for y in range(spacing // 2, height, spacing):
        for x in range(spacing // 2, width, spacing):
            u, v = flow[:, y, x].tolist()
            length = math.hypot(u, v)
            drawn = spacing * min(length / radius, 1.0)
            # Not-a-number is not longer than a pixel either.
            if not drawn >= 1:
                continue
            tip = (round((x + u / length * drawn) * one), round((y + v / length * drawn) * one))
            colour = [round(255 * c) for c in colours[:, y, x].tolist()]
            cv2.arrowedLine(canvas, (x * one, y * one), tip, colour, 1, cv2.LINE_AA, fraction, 0.3)
    return torch.from_numpy(canvas).permute(2, 0, 1).float() / 255


def redden(image: Tensor, mask: Tensor) -> Tensor:
    """The picture, red where the mask is 0.

    Args:
        image: 3×H×W, RGB, 0..1.
        mask: 1×H×W, 1 where an earlier frame is trusted.

    Returns:
        3×H×W, RGB, 0..1.
    """
    red = torch.tensor(_RED, device=image.device).view(3, 1, 1)
    amount = _RED_AMOUNT * (mask < 0.5)
    return image.clamp(0, 1) * (1 - amount) + red * amount


def draw_legend(image: Tensor, radius: float) -> Tensor:
    """The wheel in the lower right corner, with its radius in pixels; left out of too small a picture.

    Args:
        image: 3×H×W, RGB, 0..1.
        radius: Of a full colour.
    """
    height, width = image.shape[-2:]
    side = max(40, min(height, width) // 5)
    if min(height, width) < 2 * side:
        return image
    half = side / 2
    across = torch.arange(side) + 0.5 - half
    y, x = torch.meshgrid(across, across, indexing="ij")
    away = (x.square() + y.square()).sqrt()
    disc = flow_colours(torch.stack((x, y)), half - 1)
    disc = torch.where(away < half - 1, disc, 0.0)
    margin = side // 8
    bottom, right = height - margin, width - margin
    corner = (slice(None), slice(bottom - side, bottom), slice(right - side, right))
    out = image.clone()
    out[corner] = torch.where(away < half, disc.to(image.device), out[corner])
    return _written(out, f"{radius:g} px", right - half, bottom - side - margin // 2)


def _written(image: Tensor, text: str, x: float, y: float) -> Tensor:
    """The picture with a word in it, the middle of its lower edge at (x, y)."""
    from PIL import Image, ImageDraw, ImageFont

    pixels = Image.fromarray((image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy())
    draw = ImageDraw.Draw(pixels)
    font = ImageFont.load_default(max(10, min(image.shape[-2:]) // 24))
    left, _, right, lower = draw.textbbox((0, 0), text, font=font, stroke_width=1)
    # Kept inside on the right.
    x = min(x - (right - left) / 2, image.shape[-1] - right)
    draw.text((x, y - lower), text, (255, 255, 255), font, stroke_width=1, stroke_fill=(0, 0, 0))
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


class FlowView:
    """Draws the motion of a clip, frame by frame.

    Shown is how things moved since the frame before: the backward flow, turned round, on the current frame.
    The first frame of a shot has no motion: there the colours are black and all is red.

    Args:
        show: One of ``SHOWS``; ``all`` is the frame and the colours above the arrows and the mask.
        radius: Length of a full colour in pixels. None takes ``fitting_radius``, which within a shot only
            grows, so that colours can be compared.
    """

    def __init__(self, show: str = "all", radius: float | None = None) -> None:
        if show not in SHOWS:
            raise ValueError(f"cannot show {show!r}; expected one of {', '.join(SHOWS)}")
        self._show = show
        self._given = radius
        self._radius = 0.0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is drawn for frames of this size."""
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
        radius = self._given or max(self._radius, fitting_radius(moved))
        self._radius = radius if tracked.motions else 0.0
        spacing = max(8, min(image.shape[-2:]) // 24)
        draws = {
            "color": lambda: draw_legend(flow_colours(moved, radius), radius),
            "arrows": lambda: draw_legend(draw_arrows(image, moved, spacing, radius), radius),
            "mask": lambda: redden(image, motion.mask),
        }
        if self._show != "all":
            return draws[self._show]()
        above = torch.cat((image, draws["color"]()), dim=2)
        return torch.cat((above, torch.cat((draws["arrows"](), draws["mask"]()), dim=2)), dim=1)
