"""Clips to stylize and measure: files and synthetic scenes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch.nn.functional as F

from vst.evaluate import EstimatedReference, ReferenceFlow, SceneReference, in_8_bits
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

    def save(self, path: Path) -> None:
        """Write the frames, lossless, for `vst render`; those that a cut near the end needs too."""
        write_frames(path, list(self._frames()))

    def _frames(self) -> Iterator[Frame]:
        """At the size that is measured; of a file two more, so that cuts near the end are found."""
        if self.scene is not None:
            yield from islice(self.scene.frames(), self.frames)
            return
        assert self.path is not None
        with Reader(self.path) as reader:
            for frame in islice(reader, self.frames + 2):
                yield _shrunk(frame, self.size)

    def _cut(self) -> Iterator[tuple[Frame, bool]]:
        if self.scene is not None:
            for frame in self._frames():
                yield frame, frame.index == self.scene.shot_start(frame.index)
            return
        yield from islice(shots(self._frames()), self.frames)


def scene_clip(name: str, scene: Scene, frames: int) -> Clip:
    """A scene with its exact motion as reference flow."""
    return Clip(name, [SceneReference(scene)], scene=scene, frames=frames)


def file_clip(path: Path, frames: int, size: int) -> Clip:
    """A file with two estimators as reference flows."""
    references = [EstimatedReference(create_estimator("dis")), EstimatedReference(FarnebackEstimator())]
    return Clip(path.stem, references, path=path, frames=frames, size=size)


def write_frames(path: Path, frames: Sequence[Frame]) -> None:
    """Write frames as a clip in Matroska, lossless at 8 bits."""
    step = frames[0].duration
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1 / step)
        stream.height, stream.width = frames[0].image.shape[-2:]
        stream.pix_fmt = "bgr0"
        for t, frame in enumerate(frames):
            pixels = (frame.image.permute(1, 2, 0).numpy().clip(0, 1) * 255).round().astype(np.uint8)
            given = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture = given.reformat(format="bgr0")
            picture.pts, picture.time_base = t, step
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _shrunk(frame: Frame, size: int) -> Frame:
    """As a file has it: the reference flow of an even wall is another one before rounding to 8 bits."""
    height, width = frame.image.shape[-2:]
    scale = size / min(height, width)
    image = frame.image
    if scale < 1:
        target = (round(height * scale), round(width * scale))
        image = F.interpolate(image[None], size=target, mode="area")[0]
    return Frame(frame.index, frame.time, frame.duration, in_8_bits(image))
