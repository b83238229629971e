"""The curves of ``--input-colour``: from the samples of a picture to scene-linear light and back.

Light is relative to a perfect white reflector of 1, so a grey card is 0.18. Only the curves are applied,
not the primaries of the camera or of ACES: colours are treated as if they had BT.709's, in both directions.
Each curve continues below black and above white, so that samples outside of 0..1 are restored too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vst.media.colour.light import light_from_srgb, srgb_from_light


@dataclass(frozen=True, slots=True)
class Curve:
    """One way to store scene-linear light.

    Attributes:
        name: The value of ``--input-colour``.
        title: Its name in texts.
        decode: Samples, nominally 0..1, to light; element by element.
        encode: The inverse.
    """

    name: str
    title: str
    decode: Callable[[Tensor], Tensor]
    encode: Callable[[Tensor], Tensor]


_CCT_LINEAR, _CCT_OFFSET = 10.5402377416545, 0.0729055341958355
_CCT_BREAK_LIGHT, _CCT_BREAK = 0.0078125, 0.155251141552511


def light_from_acescct(samples: Tensor) -> Tensor:
    """ACEScct (Academy S-2016-001) to light."""
    return torch.where(
        samples > _CCT_BREAK,
        torch.exp2(samples.clamp_min(_CCT_BREAK) * 17.52 - 9.72),
        (samples - _CCT_OFFSET) / _CCT_LINEAR,
    )


def acescct_from_light(light: Tensor) -> Tensor:
    """The inverse of `light_from_acescct`."""
    return torch.where(
        light > _CCT_BREAK_LIGHT,
        (light.clamp_min(_CCT_BREAK_LIGHT).log2() + 9.72) / 17.52,
        light * _CCT_LINEAR + _CCT_OFFSET,
    )


_CINEON_WHITE, _CINEON_BLACK, _CINEON_SLOPE = 685.0, 95.0, 300.0
_CINEON_OFFSET = 10 ** ((_CINEON_BLACK - _CINEON_WHITE) / _CINEON_SLOPE)


def light_from_cineon(samples: Tensor) -> Tensor:
    """Cineon's 10-bit printing density to light: white at code 685, black at 95, 0.002 density a code and a
    gamma of 0.6, as in Kodak's conversion of Cineon files and in OpenColorIO's configurations."""
    power = torch.pow(10.0, (samples * 1023 - _CINEON_WHITE) / _CINEON_SLOPE)
    return (power - _CINEON_OFFSET) / (1 - _CINEON_OFFSET)


def cineon_from_light(light: Tensor) -> Tensor:
    """The inverse of `light_from_cineon`; light below the curve's lowest value is clamped."""
    power = (light * (1 - _CINEON_OFFSET) + _CINEON_OFFSET).clamp_min(1e-6)
    return (power.log10() * _CINEON_SLOPE + _CINEON_WHITE) / 1023


_SLOG3_BREAK_LIGHT, _SLOG3_BREAK_CODE = 0.01125, 171.2102946929
_SLOG3_LINEAR = (_SLOG3_BREAK_CODE - 95) / _SLOG3_BREAK_LIGHT


def light_from_slog3(samples: Tensor) -> Tensor:
    """S-Log3 (Sony, "Technical Summary for S-Gamut3.Cine/S-Log3 and S-Gamut3/S-Log3") to light."""
    code = samples * 1023
    return torch.where(
        code >= _SLOG3_BREAK_CODE,
        torch.pow(10.0, (code - 420) / 261.5) * 0.19 - 0.01,
        (code - 95) / _SLOG3_LINEAR,
    )


def slog3_from_light(light: Tensor) -> Tensor:
    """The inverse of `light_from_slog3`."""
    curved = 420 + ((light.clamp_min(0) + 0.01) / 0.19).log10() * 261.5
    return torch.where(light >= _SLOG3_BREAK_LIGHT, curved, light * _SLOG3_LINEAR + 95) / 1023


_LOGC_CUT, _LOGC_A, _LOGC_B = 0.010591, 5.555556, 0.052272
_LOGC_C, _LOGC_D, _LOGC_E, _LOGC_F = 0.247190, 0.385537, 5.367655, 0.092809


def light_from_logc3(samples: Tensor) -> Tensor:
    """LogC3 at EI 800 (ARRI, "ALEXA Log C Curve - Usage in VFX", relative scene exposure) to light."""
    return torch.where(
        samples > _LOGC_E * _LOGC_CUT + _LOGC_F,
        (torch.pow(10.0, (samples - _LOGC_D) / _LOGC_C) - _LOGC_B) / _LOGC_A,
        (samples - _LOGC_F) / _LOGC_E,
    )


def logc3_from_light(light: Tensor) -> Tensor:
    """The inverse of `light_from_logc3`."""
    curved = _LOGC_C * (_LOGC_A * light.clamp_min(0) + _LOGC_B).log10() + _LOGC_D
    return torch.where(light > _LOGC_CUT, curved, _LOGC_E * light + _LOGC_F)


def _same(samples: Tensor) -> Tensor:
    return samples


CURVES = {
    curve.name: curve
    for curve in (
        Curve("linear", "linear light", _same, _same),
        Curve("srgb", "sRGB", light_from_srgb, srgb_from_light),
        Curve("acescct", "ACEScct", light_from_acescct, acescct_from_light),
        Curve("cineon", "Cineon log", light_from_cineon, cineon_from_light),
        Curve("slog3", "S-Log3", light_from_slog3, slog3_from_light),
        Curve("logc3", "LogC3 (EI 800)", light_from_logc3, logc3_from_light),
    )
}
"""Value of ``--input-colour`` -> curve."""

MAX_LIGHT = float(torch.finfo(torch.float32).max) ** 0.5
"""Light above this is limited, so that arithmetic on it stays finite."""


def decoded(curve: Curve, samples: Tensor) -> Tensor:
    """Samples to light, limited to ±`MAX_LIGHT`: the exponentials of hostile samples overflow."""
    return torch.nan_to_num(curve.decode(samples)).clamp(-MAX_LIGHT, MAX_LIGHT)
