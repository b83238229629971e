"""Where the motion of a clip comes from: an estimator, or files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from vst.frame import Frame
from vst.motion.analysis import Analysed, analyse
from vst.motion.estimator import Estimator
from vst.motion.files.recorded import RecordedMotion, is_recorded
from vst.motion.registry import create_estimator
from vst.motion.shot_detection import shots
from vst.motion.tracking import Tracked, Tracker, track


class MotionSource(Protocol):
    """Gives every frame of a clip its motion to earlier frames of its shot."""

    name: str
    """What `--flow` calls it."""

    notes: tuple[str, ...]
    """Messages for the user, one line each."""

    def track(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Tracked]:
        """Each frame, whether a shot begins there, and its motions.

        Args:
            frames: Consecutive frames of the clip, at any size of its shape.
            distances: Which earlier frames motion is wanted to, in frames.
        """
        ...

    def analyse(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Analysed]:
        """As `track`, with the estimates behind the motions as far as they are known."""
        ...

    def tracker(self, distances: Sequence[int]) -> Tracker:
        """The motions of one shot, frame by frame, with snapshots.

        Raises:
            UsageError: The source only serves a clip from its beginning to its end.
        """
        ...

    def first_of_shot(self, index: int) -> int | None:
        """Index of the first frame of the shot that a frame is in; None if only the frames can tell."""
        ...

    def digest(self) -> str:
        """Changes whenever the motion would."""
        ...


class EstimatedMotion:
    """Motion that an optical flow estimator computes while the clip is read.

    Args:
        estimator: From `create_estimator`.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self.name = estimator.name

    def track(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Tracked]:
        """See `MotionSource.track`."""
        return track(shots(frames), self._estimator, distances)

    def analyse(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Analysed]:
        """See `MotionSource.analyse`."""
        return analyse(shots(frames), self._estimator, distances)

    def tracker(self, distances: Sequence[int]) -> Tracker:
        """See `MotionSource.tracker`."""
        return Tracker(self._estimator, distances)

    def first_of_shot(self, index: int) -> int | None:
        """None: shots are found by looking at the frames."""
        return None

    def digest(self) -> str:
        """A hash of the weights of the estimator's networks."""
        networks = [part for part in vars(self._estimator).values() if isinstance(part, nn.Module)]
        found = hashlib.sha256()
        for network in networks:
            for value in network.state_dict().values():
                found.update(_bytes(value))
        return found.hexdigest()


def open_motion(
    name: str,
    *,
    clip: Path,
    size: tuple[int, int],
    frames: int | None,
    device: torch.device,
    precision: torch.dtype,
) -> MotionSource:
    """The motion source that `--flow` names.

    Args:
        name: A key of `ESTIMATORS`, `auto`, or `file:FOLDER`.
        clip: The clip; of an image sequence the first file.
        size: Width and height of the clip.
        frames: Number of frames, as far as the container says.
        device: Where a network runs.
        precision: Of a network's features.

    Raises:
        UsageError: There is no such estimator.
        MediaError: There is no recorded motion, or it belongs to another clip.
        VstError: The estimator needs something that is not installed or imported.
    """
    if is_recorded(name):
        return RecordedMotion(name, clip, *size, frames)
    return EstimatedMotion(create_estimator(name, device=device, precision=precision))


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().tobytes()
