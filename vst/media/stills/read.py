"""Picture files as tensors."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from vst.media.colour.curves import CURVES, decoded
from vst.media.colour.light import compress, srgb_from_light
from vst.media.notes import Note
from vst.media.stills.coded_picture import read_coded
from vst.media.stills.exr_windows import Box
from vst.media.stills.picture_kind import PictureKind
from vst.media.stills.samples import picture_kind, read_samples


class DecodedImage(NamedTuple):
    """A decoded image; `image`, `alpha` and `gain` as in `Frame`.

    Attributes:
        image: 3×H×W.
        alpha: 1×H×W or None.
        gain: 1×H×W or None.
        notes: What a user should know.
    """

    image: torch.Tensor
    alpha: torch.Tensor | None = None
    gain: torch.Tensor | None = None
    notes: tuple[Note, ...] = ()


def read_still(path: Path, *, canvas: Box | None = None, curve: str | None = None) -> DecodedImage:
    """Read a picture file, upright.

    Args:
        path: The file.
        canvas: The frame of an OpenEXR clip that keeps its overscan; None for the display window.
        curve: How the samples store light, a key of `CURVES`; None for linear light in OpenEXR and sRGB in
            other files.

    Raises:
        MediaError: If it cannot be decoded, or is too large.
    """
    notes: tuple[Note, ...] = ()
    kind = picture_kind(path)
    if kind is PictureKind.CODED:
        coded = read_coded(path)
        image, alpha = coded.image, coded.alpha
    else:
        samples = read_samples(path, kind, canvas)
        planes = torch.from_numpy(samples.planes.astype(np.float32)).permute(2, 0, 1).div(samples.top)
        planes = planes.contiguous()
        image, alpha = planes[:3], planes[3:4] if planes.shape[0] == 4 else None
        if planes.shape[0] == 1:
            image = planes.repeat(3, 1, 1)
        notes = samples.notes
    if curve is None and kind is not PictureKind.EXR:
        return DecodedImage(image, alpha)
    shown, gain = compress(image if curve is None else decoded(CURVES[curve], image))
    return DecodedImage(srgb_from_light(shown), alpha, gain, notes)
