"""Clips to stylize and measure: files and synthetic scenes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch.nn.functional as F

from vst.evaluate import EstimatedReference, ReferenceFlow, SceneReference
from vst.evaluate.farneback import FarnebackEstimator
from vst.frame import Frame
from vst.media import Reader
from vst.motion import Tracked, create_estimator, shots, track
from vst.synthetic import Scene


@dataclass
class Clip:
    """A clip to stylize.

    Attributes:
        name: For the table.
        references: The reference flows, the deciding one first.
        scene: The scene it is, or None for a file.
        path: The file it is, or None for a scene.
        frames: At most so many frames.
        size: Shorter side of a file's frames, pixels; larger ones are shrunk.
    """

    name: str
    references: Sequence[ReferenceFlow]
    scene: Scene | None = None
    path: Path | None = None
    frames: int = 80
    size: int = 360

    def tracked(self, distances: Sequence[int]) -> Iterator[Tracked]:
        """The frames with the motions that a render would find: ``dis``, on scenes too."""
        return track(self._cut(), create_estimator("dis"), distances)

    def _cut(self) -> Iterator[tuple[Frame, bool]]:
        if self.scene is not None:
            for frame in islice(self.scene.frames(), self.frames):
                yield frame, frame.index == self.scene.shot_start(frame.index)
            return
        assert self.path is not None
        with Reader(self.path) as reader:
            # Two more, so that cuts near the end are found as in the whole clip.
            frames = (_shrunk(frame, self.size) for frame in islice(reader, self.frames + 2))
            yield from islice(shots(frames), self.frames)


def scene_clip(name: str, scene: Scene, frames: int) -> Clip:
    """A scene with its exact motion as reference flow."""
    return Clip(name, [SceneReference(scene)], scene=scene, frames=frames)


def file_clip(path: Path, frames: int, size: int) -> Clip:
    """A file with two estimators as reference flows."""
    references = [EstimatedReference(create_estimator("dis")), EstimatedReference(FarnebackEstimator())]
    return Clip(path.stem, references, path=path, frames=frames, size=size)


def _shrunk(frame: Frame, size: int) -> Frame:
    height, width = frame.image.shape[-2:]
    scale = size / min(height, width)
    if scale >= 1:
        return frame
    target = (round(height * scale), round(width * scale))
    image = F.interpolate(frame.image[None], size=target, mode="area")[0]
    return Frame(frame.index, frame.time, frame.duration, image)
