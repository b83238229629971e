"""Conversion of planes to R'G'B' and back, by exact arithmetic, so that an unchanged frame is restored bit
for bit.

With luma weights K_r, K_g, K_b (K_r + K_g + K_b = 1), luma y in 0..1 and chroma u, v in −½..½
(ITU-R BT.601, BT.709, BT.2020 non-constant luminance):

    r = y + 2 (1 − K_r) v
    b = y + 2 (1 − K_b) u
    g = y − 2 K_b (1 − K_b) / K_g · u − 2 K_r (1 − K_r) / K_g · v

With n bits a sample, limited range has y = (Y − 16·2ⁿ⁻⁸) / (219·2ⁿ⁻⁸) and u = (U − 2ⁿ⁻¹) / (224·2ⁿ⁻⁸); full
range has y = Y / (2ⁿ − 1) and u = (U − 2ⁿ⁻¹) / (2ⁿ − 1). Chroma is upsampled by replication and downsampled
by the mean of the block, so up-then-down is the identity. R'G'B' is not clamped, because YUV has colours
outside of it.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from vst.errors import MediaError
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


def _up(chroma: Tensor, sub_x: int) -> Tensor:
    """Repeat each column `sub_x` times."""
    if sub_x == 1:
        return chroma
    height, width = chroma.shape
    return chroma[:, :, None].expand(height, width, sub_x).reshape(height, width * sub_x)


def _add_chroma(luma: Tensor, chroma: Tensor, sub_y: int, out: Tensor) -> None:
    """out = luma + chroma, where each row of chroma is added to `sub_y` rows (all widths equal)."""
    height, width = luma.shape
    shape = (height // sub_y, sub_y, width)
    torch.add(luma.view(shape), chroma[:, None, :], out=out.view(shape))


def _down(plane: Tensor, sub_x: int, sub_y: int) -> Tensor:
    """Mean over blocks of sub_y × sub_x; for a block at the edge, over the part inside."""
    height, width = plane.shape
    pad_x, pad_y = -width % sub_x, -height % sub_y
    if pad_x or pad_y:
        return torch.nn.functional.avg_pool2d(
            plane[None, None], (sub_y, sub_x), ceil_mode=True, count_include_pad=False
        )[0, 0]
    if sub_y > 1:
        rows = plane.view(height // sub_y, sub_y, width)
        plane = sum((rows[:, i] for i in range(1, sub_y)), rows[:, 0])
    if sub_x > 1:
        plane = sum((plane[:, i::sub_x] for i in range(1, sub_x)), plane[:, 0::sub_x])
    return plane / (sub_x * sub_y) if sub_x * sub_y > 1 else plane


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
    rows, columns = -(-height // layout.sub_y), -(-width // layout.sub_x)
    u = _plane(frame, 1, layout, rows, columns).sub_(c_offset).div_(c_span)
    v = _plane(frame, 2, layout, rows, columns).sub_(c_offset).div_(c_span)
    k_r, k_b = LUMA_WEIGHTS[spec.matrix if spec.matrix != "rgb" else guess_matrix(height)]
    k_g = 1.0 - k_r - k_b
    r_v, b_u = 2.0 * (1.0 - k_r), 2.0 * (1.0 - k_b)
    full_height, full_width = rows * layout.sub_y, columns * layout.sub_x
    padded = (full_height, full_width) != (height, width)
    if padded:
        luma = torch.nn.functional.pad(luma, (0, full_width - width, 0, full_height - height))
    image = torch.empty(3, full_height, full_width)
    _add_chroma(luma, _up(v * r_v, layout.sub_x), layout.sub_y, image[0])
    green = (u * (-k_b * b_u / k_g)).add_(v, alpha=-k_r * r_v / k_g)
    _add_chroma(luma, _up(green, layout.sub_x), layout.sub_y, image[1])
    _add_chroma(luma, _up(u * b_u, layout.sub_x), layout.sub_y, image[2])
    if padded:
        image = image[:, :height, :width].contiguous()
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


def _quantise(values: Tensor, top: int) -> np.ndarray:
    """Round to the nearest code value, in place."""
    values = values.add_(0.5).clamp_(0.0, top + 0.25)
    if top <= 255:
        return values.to(torch.uint8).numpy()
    return values.to(torch.int32).numpy()


def _store(frame: av.VideoFrame, index: int, layout: Layout, values: Tensor) -> None:
    """Round float code values into a plane of the frame."""
    plane = frame.planes[index]
    dtype = np.dtype(layout.dtype)
    height, width = values.shape
    rows = _buffer(plane, dtype)
    stride = plane.line_size // dtype.itemsize
    rows[: height * stride].reshape(height, stride)[:, :width] = _quantise(values, (1 << layout.bits) - 1)


def from_rgb(image: Tensor, alpha: Tensor | None, pix_fmt: str, spec: ColourSpec) -> av.VideoFrame:
    """R'G'B' (float 3×H×W) and alpha (1×H×W or None = opaque) as a frame of `pix_fmt`.

    Values outside the range of `pix_fmt` are clamped; a format without alpha drops it.

    Raises:
        MediaError: If the pixel format is not supported.
    """
    layout = find_layout(pix_fmt)
    if layout is None:
        raise MediaError(f"pixel format {pix_fmt} is not supported: choose yuv420p, yuv444p10le or gbrp")
    image = image.detach().to("cpu", torch.float32)
    height, width = int(image.shape[1]), int(image.shape[2])
    frame = av.VideoFrame(width, height, pix_fmt)
    top = float((1 << layout.bits) - 1)
    opacity: Tensor | None = None
    if layout.alpha:
        opacity = torch.ones(height, width) if alpha is None else alpha.detach().to("cpu", torch.float32)[0]
        opacity = opacity * top
    if layout.kind == "packed":
        _to_packed(frame, layout, image, opacity)
        return frame
    if layout.kind == "gbr":
        for index, channel in enumerate((1, 2, 0)):
            _store(frame, index, layout, image[channel] * top)
        if opacity is not None:
            _store(frame, 3, layout, opacity)
        return frame
    y_offset, y_span, c_offset, c_span = _scales(layout.bits, spec.full_range)
    k_r, k_b = LUMA_WEIGHTS[spec.matrix]
    luma = (image[0] * k_r).add_(image[1], alpha=1.0 - k_r - k_b).add_(image[2], alpha=k_b)
    if layout.kind == "yuv":
        for index, channel, weight in ((1, 2, k_b), (2, 0, k_r)):
            chroma = _down(image[channel] - luma, layout.sub_x, layout.sub_y)
            scaled = chroma.mul_(c_span / (2.0 * (1.0 - weight))).add_(c_offset)
            _store(frame, index, layout, scaled)
    _store(frame, 0, layout, luma.mul_(y_span).add_(y_offset))
    if opacity is not None:
        _store(frame, 3, layout, opacity)
    return frame


def _to_packed(frame: av.VideoFrame, layout: Layout, image: Tensor, opacity: Tensor | None) -> None:
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
            pixels[:, :, position] = _quantise(opacity, top)
        else:
            pixels[:, :, position] = _quantise(image["rgb".index(letter)] * top, top)
