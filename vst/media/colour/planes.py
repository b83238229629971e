"""Conversion of planes to R'G'B' and back, by exact arithmetic, so that an unchanged frame is restored bit
for bit.

With luma weights K_r, K_g, K_b (K_r + K_g + K_b = 1), luma y in 0..1 and chroma u, v in −½..½
(ITU-R BT.601, BT.709, BT.2020 non-constant luminance):

    r = y + 2 (1 − K_r) v
    b = y + 2 (1 − K_b) u
    g = y − 2 K_b (1 − K_b) / K_g · u − 2 K_r (1 − K_r) / K_g · v

With n bits a sample, limited range has y = (Y − 16·2ⁿ⁻⁸) / (219·2ⁿ⁻⁸) and u = (U − 2ⁿ⁻¹) / (224·2ⁿ⁻⁸); full
range has y = Y / (2ⁿ − 1) and u = (U − 2ⁿ⁻¹) / (2ⁿ − 1). `vst.media.colour.chroma` says what subsampled
chroma is between its samples. R'G'B' is not clamped, because YUV has colours outside of it.
"""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
import torch
from torch import Tensor

from vst.errors import MediaError
from vst.media.colour.chroma import Plane, enlarge, reduce
from vst.media.colour.layout import Layout, find_layout, layout_of
from vst.media.colour.repack import repacked
from vst.media.colour.spec import LUMA_WEIGHTS, ColourSpec, guess_matrix


def _scales(bits: int, full_range: bool) -> tuple[float, float, float, float]:
    """Luma offset and span, chroma offset and span, in code values."""
    if full_range:
        top = float((1 << bits) - 1)
        return 0.0, top, float(1 << (bits - 1)), top
    unit = float(1 << (bits - 8))
    return 16.0 * unit, 219.0 * unit, 128.0 * unit, 224.0 * unit


def _buffer(plane: av.video.plane.VideoPlane, dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """The memory of a plane as a flat array, which keeps the plane and its frame alive."""
    return np.frombuffer(memoryview(plane), dtype=dtype)


def _samples(plane: av.video.plane.VideoPlane, layout: Layout, height: int, width: int) -> Tensor:
    """A plane as a uint8 or uint16 tensor, height × width, in the memory of libav's buffer."""
    if plane.line_size < 0:
        raise MediaError("the frames are stored bottom-up, which is not supported: remux the clip first")
    dtype = np.dtype(layout.dtype)
    rows = _buffer(plane, dtype)
    rows = rows[: height * plane.line_size // dtype.itemsize].reshape(
        height, plane.line_size // dtype.itemsize
    )
    rows = rows[:, :width]
    if layout.swap:
        rows = rows.astype("<u2")
    return torch.from_numpy(rows)


def _plane(frame: av.VideoFrame, index: int, layout: Layout, height: int, width: int) -> Tensor:
    """A copy of a plane as a float tensor, height × width, in code values."""
    return _samples(frame.planes[index], layout, height, width).to(torch.float32)


def to_rgb(frame: av.VideoFrame, spec: ColourSpec) -> tuple[Tensor, Tensor | None]:
    """A decoded frame as R'G'B'.

    Returns:
        Float tensor 3×H×W, nominally 0..1, not clamped; and alpha 1×H×W in 0..1, or None.

    Raises:
        MediaError: If the pixel format is not supported.
    """
    frame = repacked(frame)
    layout = layout_of(frame.format.name)
    height, width = frame.height, frame.width
    top = float((1 << layout.bits) - 1)
    if layout.kind == "packed":
        return _from_packed(frame, layout)
    if layout.kind == "gbr":
        image = torch.empty(3, height, width)
        for index, channel in enumerate((1, 2, 0)):
            image[channel] = _samples(frame.planes[index], layout, height, width)
        alpha = _plane(frame, 3, layout, height, width)[None] / top if layout.alpha else None
        return image.div_(top), alpha
    y_offset, y_span, c_offset, c_span = _scales(layout.bits, spec.full_range)
    luma = _plane(frame, 0, layout, height, width).sub_(y_offset).div_(y_span)
    if layout.kind == "gray":
        return luma[None].repeat(3, 1, 1), None
    image = torch.empty(3, height, width)
    rows, columns = -(-height // layout.sub_y), -(-width // layout.sub_x)
    u, v = (
        enlarge(
            _plane(frame, index, layout, rows, columns).sub_(c_offset).div_(c_span).numpy(),
            (height, width),
            layout.sub_x,
            layout.sub_y,
        )
        for index in (1, 2)
    )
    k_r, k_b = LUMA_WEIGHTS[spec.matrix if spec.matrix != "rgb" else guess_matrix(height)]
    k_g = 1.0 - k_r - k_b
    r_v, b_u = 2.0 * (1.0 - k_r), 2.0 * (1.0 - k_b)
    y, (red, green, blue) = luma.numpy(), image.numpy()
    cv2.scaleAdd(v, r_v, y, dst=red)
    cv2.scaleAdd(u, -k_b * b_u / k_g, y, dst=green)
    cv2.scaleAdd(v, -k_r * r_v / k_g, green, dst=green)
    cv2.scaleAdd(u, b_u, y, dst=blue)
    alpha = _plane(frame, 3, layout, height, width)[None] / top if layout.alpha else None
    return image, alpha


def _from_packed(frame: av.VideoFrame, layout: Layout) -> tuple[Tensor, Tensor | None]:
    height, width, channels = frame.height, frame.width, len(layout.order)
    samples = _samples(frame.planes[0], layout, height, width * channels).view(height, width, channels)
    top = float((1 << layout.bits) - 1)
    image = torch.empty(3, height, width)
    for channel, letter in enumerate("rgb"):
        image[channel] = samples[:, :, layout.order.index(letter)]
    alpha = None
    if layout.alpha:
        alpha = samples[:, :, layout.order.index("a")].to(torch.float32)[None] / top
    return image.div_(top), alpha


def _round(values: Plane, scale: float, top: int, out: np.ndarray[Any, np.dtype[Any]]) -> None:
    """Values times a scale, rounded to the nearest code value of 0..top; NaN gives any of them."""
    codes = np.multiply(values, np.float32(scale))
    # Clipped as floats: what is too large for an integer would become 0.
    np.clip(codes, np.float32(0), np.float32(top), out=codes)
    codes += np.float32(0.5)
    with np.errstate(invalid="ignore"):
        out[:] = codes


def _store(frame: av.VideoFrame, index: int, layout: Layout, values: Plane, scale: float = 1.0) -> None:
    """Round values times a scale into a plane of the frame."""
    plane = frame.planes[index]
    dtype = np.dtype(layout.dtype)
    height, width = values.shape
    rows = _buffer(plane, dtype)
    stride = plane.line_size // dtype.itemsize
    samples = rows[: height * stride].reshape(height, stride)[:, :width]
    _round(values, scale, (1 << layout.bits) - 1, samples)


def from_rgb(image: Tensor, alpha: Tensor | None, pix_fmt: str, spec: ColourSpec) -> av.VideoFrame:
    """R'G'B' (float 3×H×W) and alpha (1×H×W or None = opaque) as a frame of `pix_fmt`.

    Values outside the range of `pix_fmt` are clamped; a format without alpha drops it.

    Raises:
        MediaError: If the pixel format is not supported.
    """
    layout = find_layout(pix_fmt)
    if layout is None:
        raise MediaError(f"pixel format {pix_fmt} is not supported: choose yuv420p, yuv444p10le or gbrp")
    pixels = image.detach().to("cpu", torch.float32).contiguous().numpy()
    height, width = pixels.shape[1:]
    frame = av.VideoFrame(width, height, pix_fmt)
    top = float((1 << layout.bits) - 1)
    opacity: Plane | None = None
    if layout.alpha and alpha is None:
        opacity = np.ones((height, width), np.float32)
    elif layout.alpha and alpha is not None:
        opacity = alpha.detach().to("cpu", torch.float32)[0].contiguous().numpy()
    if layout.kind == "packed":
        _to_packed(frame, layout, pixels, opacity)
        return frame
    if opacity is not None:
        _store(frame, 3, layout, opacity, top)
    if layout.kind == "gbr":
        for index, channel in enumerate((1, 2, 0)):
            _store(frame, index, layout, pixels[channel], top)
        return frame
    y_offset, y_span, c_offset, c_span = _scales(layout.bits, spec.full_range)
    k_r, k_b = LUMA_WEIGHTS[spec.matrix]
    luma = cv2.addWeighted(pixels[0], k_r, pixels[1], 1.0 - k_r - k_b, 0.0)
    cv2.scaleAdd(pixels[2], k_b, luma, dst=luma)
    if layout.kind == "yuv":
        for index, channel, weight in ((1, 2, k_b), (2, 0, k_r)):
            chroma = reduce(cv2.subtract(pixels[channel], luma), layout.sub_x, layout.sub_y)
            chroma *= c_span / (2.0 * (1.0 - weight))
            chroma += c_offset
            _store(frame, index, layout, chroma)
    luma *= y_span
    luma += y_offset
    _store(frame, 0, layout, luma)
    return frame


def _to_packed(frame: av.VideoFrame, layout: Layout, image: Plane, opacity: Plane | None) -> None:
    height, width = image.shape[1:]
    top = (1 << layout.bits) - 1
    plane = frame.planes[0]
    dtype = np.dtype(layout.dtype)
    stride, channels = plane.line_size // dtype.itemsize, len(layout.order)
    rows = _buffer(plane, dtype)[: height * stride].reshape(height, stride)
    pixels = rows[:, : width * channels].reshape(height, width, channels)
    for position, letter in enumerate(layout.order):
        if letter == "0":
            pixels[:, :, position] = top
        elif letter == "a" and opacity is not None:
            _round(opacity, top, top, pixels[:, :, position])
        else:
            _round(image["rgb".index(letter)], top, top, pixels[:, :, position])
