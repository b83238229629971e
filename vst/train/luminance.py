"""Training on luminance alone: whatever a network sees, or is compared with, is grey.

Of such a network a render takes the luminance, under the colours of the clip (Gatys 2016, "Preserving color
in neural artistic style transfer", section 4.2; `--colour luminance`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vst.modes.adapters import to_gray
from vst.train.picture_files import Loadable
from vst.train.trainer import Step
from vst.train.training_data import TrainingData

_PICTURES = ("frames", "seen")
"""Entries of a batch that are pictures."""


@dataclass(frozen=True)
class GrayPicture:
    """A picture that is grey when it is loaded.

    Attributes:
        picture: The picture in colour.
    """

    picture: Loadable

    def load(self) -> np.ndarray:
        """H×W×3 uint8."""
        pixels = torch.from_numpy(np.ascontiguousarray(self.picture.load())).permute(2, 0, 1)
        return to_gray(pixels).permute(1, 2, 0).numpy()


def gray_paintings(data: TrainingData) -> TrainingData:
    """The same data with grey paintings."""
    paintings = tuple(
        tuple(each._replace(image=to_gray(each.image)) for each in style) for style in data.paintings
    )
    return replace(data, paintings=paintings)


def gray_step(step: Step) -> Step:
    """A step that is given grey pictures."""

    def on_gray(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        pictures = {name: to_gray(batch[name]) for name in _PICTURES if name in batch}
        return step({**batch, **pictures})

    return on_gray
