"""Motion sources: one interface for motion that is estimated on the fly and motion recorded in files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from vst.borders import Crop
from vst.frame import Frame
from vst.motion.analysis import Analysed, analyse
from vst.motion.estimator import Estimator
from vst.motion.files.recorded import RecordedMotion, is_recorded
from vst.motion.pairs import Paired, PairTracker, estimate_pairs
from vst.motion.registry import create_estimator
from vst.motion.shot_detection import shots
from vst.motion.tracking import Tracked, track


class MotionSource(Protocol):
    """The motion of every frame of a clip to earlier frames of its shot."""

    name: str
    """The value of `--flow`, with `auto` resolved."""

    notes: tuple[str, ...]
    """Messages for the user, one line each."""

    def shots(
        self, frames: Iterable[Frame], crop_of: Callable[[Frame], Crop | None]
    ) -> Iterator[tuple[Frame, bool]]:
        """Each frame with whether a new shot begins at it.

        Args:
            frames: Consecutive frames of the clip.
            crop_of: The part of a frame that is inside its borders; None if it has none.
        """
        ...

    def track_shots(
        self, frames: Iterable[tuple[Frame, bool]], distances: Sequence[int]
    ) -> Iterator[Tracked]:
        """Give each frame its motions.

        Args:
            frames: Consecutive frames, each with whether motion begins anew at it. Frames with a `crop`
                have the motion of that part of the clip's frame.
            distances: Distances to earlier frames, in frames.

        Yields:
            One `Tracked` per frame, in order.
        """
        ...

    def pairs(self, frames: Iterable[tuple[Frame, bool]]) -> Iterator[Paired]:
        """Give each frame the flow between it and the one before, both ways.

        Args:
            frames: As for `track_shots`.

        Yields:
            One `Paired` per frame, in order.
        """
        ...

    def track(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Tracked]:
        """Detect shots and give each frame its motions.

        Args:
            frames: Consecutive frames of the clip, at any size of the clip's aspect ratio.
            distances: Distances to earlier frames, in frames.

        Yields:
            One `Tracked` per frame, in order.
        """
        ...

    def analyse(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Analysed]:
        """As `track`, with the estimated flow from which each motion was computed, if it is known."""
        ...

    def tracker(self) -> PairTracker:
        """Flow of one shot, frame by frame, with snapshots.

        Raises:
            UsageError: The source has only the motion of a whole clip (recorded motion).
        """
        ...

    def first_of_shot(self, index: int) -> int | None:
        """Index of the first frame of the shot that contains a frame; None if shots have to be detected."""
        ...

    def end_early(self) -> None:
        """The clip cannot be read to its end: it has fewer frames than it should."""
        ...

    def digest(self) -> str:
        """A string that changes whenever the motion may change."""
        ...


class EstimatedMotion:
    """Motion from an optical flow estimator, computed while the clip is decoded.

    Args:
        estimator: From `create_estimator`.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self.name = estimator.name

    def shots(
        self, frames: Iterable[Frame], crop_of: Callable[[Frame], Crop | None]
    ) -> Iterator[tuple[Frame, bool]]:
        """See `MotionSource.shots`."""
        return shots(frames, crop_of)

    def track_shots(
        self, frames: Iterable[tuple[Frame, bool]], distances: Sequence[int]
    ) -> Iterator[Tracked]:
        """See `MotionSource.track_shots`."""
        return track(frames, self._estimator, distances)

    def pairs(self, frames: Iterable[tuple[Frame, bool]]) -> Iterator[Paired]:
        """See `MotionSource.pairs`."""
        return estimate_pairs(frames, self._estimator)

    def track(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Tracked]:
        """See `MotionSource.track`."""
        return track(shots(frames), self._estimator, distances)

    def analyse(self, frames: Iterable[Frame], distances: Sequence[int]) -> Iterator[Analysed]:
        """See `MotionSource.analyse`."""
        return analyse(shots(frames), self._estimator, distances)

    def tracker(self) -> PairTracker:
        """See `MotionSource.tracker`."""
        return PairTracker(self._estimator)

    def first_of_shot(self, index: int) -> int | None:
        """None: shots are detected from the frames."""
        return None

    def end_early(self) -> None:
        """Nothing changes: the frames that there are have motion."""

    def digest(self) -> str:
        """SHA-256 of the weights of the estimator's networks; a constant if it has none."""
        networks = [part for part in vars(self._estimator).values() if isinstance(part, nn.Module)]
        digest = hashlib.sha256()
        for network in networks:
            for value in network.state_dict().values():
                digest.update(_bytes(value))
        return digest.hexdigest()


def open_motion(
    name: str,
    *,
    clip: Path,
    size: tuple[int, int],
    frames: int | None,
    device: torch.device,
    precision: torch.dtype,
) -> MotionSource:
    """Open the motion source that a value of `--flow` names.

    Args:
        name: A key of `ESTIMATORS`, `auto`, or `file:FOLDER`.
        clip: Path of the clip; of an image sequence its first file.
        size: Width and height of the clip.
        frames: Number of frames according to the container; None if unknown.
        device: Where a network runs.
        precision: Precision of a network's features.

    Raises:
        UsageError: There is no such estimator.
        MediaError: There is no recorded motion, or it belongs to another clip.
        VstError: Something has to be installed or imported first.
    """
    if is_recorded(name):
        return RecordedMotion(name, clip, *size, frames)
    return EstimatedMotion(create_estimator(name, device=device, precision=precision))


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().tobytes()
