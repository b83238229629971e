"""All that a user decides about an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vst.errors import UsageError

SMALLEST = 16
"""Pixels: no flow can be estimated on less."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """See the fields.

    Raises:
        UsageError: for values out of range.
    """

    flow: str = "dis"
    """Whose motion judges: an estimator, or `file:FOLDER` for flow that `vst flow` kept."""
    second: str = "auto"
    """Another estimator beside it; `none` for none. `auto` is farneback for a clip, and none on a Sintel
    scene, where exact motion judges first and `flow` stands beside it."""
    baseline: Path | None = None
    """A painting of each frame for itself, which the baselines are made of."""
    styles: tuple[str, ...] = ()
    """The painting that each is to look like: a picture, or its NAME in `style_images`. One for all, or one
    for each."""
    style_images: Path | None = None
    """Folder with a picture NAME.jpg of each style."""
    style_size: int = 512
    """Longer side at which pictures of styles are looked at."""
    loss_network: str | None = None
    """vgg16, vgg19 or a folder; None is what torch's cache has of the two."""
    loss_every: int = 8
    """Content and style of every so many frames of a shot."""
    size: int | None = None
    """Short side at which all is measured; None is that of the smallest painting."""
    frames: int | None = None
    """At most so many frames."""
    scene: str | None = None
    """Which scene of a folder in Sintel's layout."""
    device: str = "auto"
    """Where networks run: auto, cpu, cuda or cuda:n."""
    precision: str = "auto"
    """Of networks that estimate flow: auto, fp32, bf16 or fp16."""

    def __post_init__(self) -> None:
        if self.size is not None and self.size < SMALLEST:
            raise UsageError(f"size is {self.size}; expected a short side of at least {SMALLEST} pixels")
        if self.frames is not None and self.frames < 2:
            raise UsageError(f"frames is {self.frames}; expected at least 2: neighbours are compared")
        if self.loss_every < 1:
            raise UsageError(f"content and style of every {self.loss_every} frames; expected 1 or more")
        if self.style_size < SMALLEST:
            raise UsageError(f"style size is {self.style_size}; expected at least {SMALLEST} pixels")
        if self.flow == self.second:
            raise UsageError(f"flow and second are both '{self.flow}'; expected two estimators")
