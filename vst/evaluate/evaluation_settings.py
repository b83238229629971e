"""The settings of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError

MIN_SIZE = 16
"""Pixels: optical flow needs at least this."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """One field for each option of `vst evaluate`.

    Many attributes: each is an option of the command.

    Raises:
        UsageError: for values out of range.
    """

    flow: str = "dis"
    """The reference flow: an estimator, or `file:FOLDER` for flow that `vst flow` wrote."""
    second: str = "auto"
    """A second estimator; `none` for none. `auto` is farneback for a clip, and none on a Sintel scene,
    where exact flow comes first and `flow` second."""
    baseline: Path | None = None
    """An output of a per-frame mode, from which the baselines are computed."""
    styles: tuple[str, ...] = ()
    """The style image of the outputs: a picture, or its NAME in `style_images`. One for all, or one for
    each."""
    style_images: Path | None = None
    """Folder with a picture NAME.jpg of each style."""
    style_size: int = 512
    """Longer side of the style images in pixels."""
    loss_network: str | None = None
    """vgg16, vgg19 or a folder; None is the one of the two that torch's cache has."""
    loss_every: int = 7
    """Measure content and style at every n-th frame of a shot. 7, since keyframes are often 8 apart: these
    alone say nothing of the frames between."""
    size: int | None = None
    """Short side at which frames are compared; None is that of the smallest output."""
    frames: int | None = None
    """Maximal number of frames."""
    scene: str | None = None
    """Name of a scene, where the clip is a folder in Sintel's layout."""
    device: str = "auto"
    """Where networks run: auto, cpu, cuda, cuda:n or mps."""
    precision: str = "auto"
    """Of networks that estimate flow: auto, fp32, bf16 or fp16."""

    def __post_init__(self) -> None:
        if self.size is not None and self.size < MIN_SIZE:
            raise UsageError(f"size is {self.size}; expected a short side of at least {MIN_SIZE} pixels")
        if self.frames is not None and self.frames < 2:
            raise UsageError(
                f"frames is {self.frames}; expected at least 2, since adjacent ones are compared"
            )
        if self.loss_every < 1:
            raise UsageError(f"loss every is {self.loss_every} frames; expected 1 or more")
        if self.style_size < MIN_SIZE:
            raise UsageError(f"style size is {self.style_size}; expected at least {MIN_SIZE} pixels")
        if self.flow == self.second:
            raise UsageError(f"flow and second are both '{self.flow}'; expected two estimators")
