"""Conversion of HDR signals and linear light to R'G'B' of 0..1 and back.

Light is linear and relative: 1 is diffuse white, which is 203 cd/m² in PQ and HLG (ITU-R BT.2408) and the
value 1 in an OpenEXR file; primaries are BT.709's. It is compressed to 0..1, with m = max(r, g, b)::

    shown = light · T(m) / m
    T(m) = m up to the knee K, above it K + (1 − K) · t / (1 + t) with t = (m − K) / (1 − K)

so hues are kept and no value is above 1. The quotient m / T(m) is the `gain` of a frame: multiplied by it,
a stylized highlight gets the light of the original, and an unchanged frame is restored exactly.

PQ and HLG are those of ITU-R BT.2100; HLG is converted for a display of 1000 cd/m², with system gamma 1.2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vst.media.colour.spec import TRANSFER_HLG, TRANSFER_PQ

KNEE = 0.8
"""K: light up to here is not compressed."""

WHITE = 203.0
"""cd/m² of diffuse white in an HDR signal (BT.2408)."""

DISPLAY_GAMMA = 2.4
"""Of an SDR display (ITU-R BT.1886)."""

DISPLAY_PEAK = 1000.0
"""cd/m² of the display for HLG."""

PQ_PEAK = 10_000.0

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_SYSTEM_GAMMA = 1.2
_DARKEST = 1e-6
"""Of HLG's scene light: below it the system gamma is a constant factor, which is invertible at 0 too."""

_D65 = (0.3127, 0.3290)
_PRIMARIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""x and y of red, green and blue, by the code points of ITU-T H.273: BT.709, BT.2020, P3 with D65."""

_LUMINANCE_2020 = (0.2627, 0.6780, 0.0593)


def srgb_from_light(light: Tensor) -> Tensor:
    """The sRGB curve of IEC 61966-2-1, odd around 0 and extended above 1."""
    size = light.abs()
    curved = 1.055 * size.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(size <= 0.0031308, 12.92 * size, curved).copysign(light)


def light_from_srgb(image: Tensor) -> Tensor:
    """The inverse of `srgb_from_light`."""
    size = image.abs()
    curved = ((size.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4)
    return torch.where(size <= 0.04045, size / 12.92, curved).copysign(image)


def compress(light: Tensor) -> tuple[Tensor, Tensor]:
    """Light 3×H×W compressed to at most 1, and the gain 1×H×W ≥ 1 that restores it."""
    brightest = light.amax(0, keepdim=True)
    beyond = (brightest - KNEE).clamp_min(0) / (1 - KNEE)
    shown = KNEE + (1 - KNEE) * beyond / (1 + beyond)
    gain = torch.where(brightest > KNEE, brightest / shown, torch.ones_like(brightest))
    return light / gain, gain


def _to_xyz(primaries: int) -> Tensor:
    """The matrix from linear RGB to CIE XYZ with the white D65 (float64)."""
    columns = torch.tensor(
        [(x / y, 1.0, (1 - x - y) / y) for x, y in _PRIMARIES[primaries]], dtype=torch.float64
    ).T
    x, y = _D65
    white = torch.tensor((x / y, 1.0, (1 - x - y) / y), dtype=torch.float64)
    return columns * torch.linalg.solve(columns, white)


def primaries_matrix(source: int, target: int) -> Tensor:
    """The 3×3 matrix (fp32) between linear RGB of two primaries; unknown ones are treated as BT.2020."""
    known = [code if code in _PRIMARIES else 9 for code in (source, target)]
    return torch.linalg.solve(_to_xyz(known[1]), _to_xyz(known[0])).float()


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("ij,jhw->ihw", matrix, image)


def light_from_pq(signal: Tensor) -> Tensor:
    """The PQ curve (SMPTE ST 2084): 0..1 to light of 0..10000/203; other values are clamped."""
    root = signal.abs().clamp_max(1).pow(1 / _M2)
    linear = ((root - _C1).clamp_min(0) / (_C2 - _C3 * root)).pow(1 / _M1)
    return linear.mul_(PQ_PEAK / WHITE).copysign(signal)


def pq_from_light(light: Tensor) -> Tensor:
    """The inverse of `light_from_pq`."""
    power = (light.abs() * (WHITE / PQ_PEAK)).clamp_max(1).pow(_M1)
    return ((_C1 + _C2 * power) / (1 + _C3 * power)).pow(_M2).copysign(light)


def _luminance(light: Tensor) -> Tensor:
    weights = light.new_tensor(_LUMINANCE_2020).view(3, 1, 1)
    return (light * weights).sum(0, keepdim=True)


def light_from_hlg(signal: Tensor) -> Tensor:
    """Hybrid log-gamma 3×H×W to display light: scene light times its own Y^0.2."""
    size = signal.abs()
    scene = torch.where(size <= 0.5, size * size / 3, (((size - _C) / _A).exp() + _B) / 12).copysign(signal)
    bright = _luminance(scene).clamp_min(_DARKEST).pow(_SYSTEM_GAMMA - 1)
    return scene * bright * (DISPLAY_PEAK / WHITE)


def hlg_from_light(light: Tensor) -> Tensor:
    """The inverse of `light_from_hlg`."""
    display = light * (WHITE / DISPLAY_PEAK)
    bright = _luminance(display).clamp_min(_DARKEST**_SYSTEM_GAMMA).pow(1 - 1 / _SYSTEM_GAMMA)
    scene = display / bright
    size = scene.abs()
    curved = _A * (12 * size - _B).clamp_min(1e-6).log() + _C
    return torch.where(size <= 1 / 12, (3 * size).sqrt(), curved).copysign(scene)


def light_from_signal(signal: Tensor, transfer: int, primaries: int) -> Tensor:
    """HDR R'G'B' 3×H×W to light with BT.709's primaries; colours outside of BT.709 are negative.

    Args:
        signal: As decoded, nominally 0..1.
        transfer: PQ's or HLG's code point of ITU-T H.273.
        primaries: The clip's code point.
    """
    light = {TRANSFER_PQ: light_from_pq, TRANSFER_HLG: light_from_hlg}[transfer](signal)
    return _mix(primaries_matrix(primaries, 1), light)


def signal_from_light(light: Tensor, transfer: int, primaries: int) -> Tensor:
    """The inverse of `light_from_signal`."""
    own = _mix(primaries_matrix(1, primaries), light)
    return {TRANSFER_PQ: pq_from_light, TRANSFER_HLG: hlg_from_light}[transfer](own)


def display_from_light(light: Tensor) -> Tensor:
    """Light to R'G'B' of an SDR display; odd around 0."""
    return light.abs().pow(1 / DISPLAY_GAMMA).copysign(light)


def light_from_display(image: Tensor) -> Tensor:
    """The inverse of `display_from_light`."""
    return image.abs().pow(DISPLAY_GAMMA).copysign(image)


def into_gamut(light: Tensor) -> Tensor:
    """Colours outside of BT.709 desaturated until no channel is negative."""
    weights = light.new_tensor((0.2126, 0.7152, 0.0722)).view(3, 1, 1)
    grey = (light * weights).sum(0, keepdim=True).clamp_min(0)
    least = light.amin(0, keepdim=True)
    share = torch.where(least < 0, grey / (grey - least).clamp_min(1e-9), torch.ones_like(grey))
    return (grey + (light - grey) * share).clamp_min(0)


def tone_mapped(signal: Tensor, transfer: int, primaries: int) -> Tensor:
    """HDR R'G'B' 3×H×W tone-mapped to SDR R'G'B' with BT.709's primaries, 0..1."""
    shown, _ = compress(into_gamut(light_from_signal(signal, transfer, primaries)))
    return display_from_light(shown)
