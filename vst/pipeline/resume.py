"""What an earlier run of the same render finished, and whether this run can continue after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from torch import Tensor

from vst.errors import UsageError
from vst.media import Writer
from vst.media.segments.work_folder import Segment, WorkFolder
from vst.pipeline.fingerprint import BACKEND, Fingerprint, changes
from vst.pipeline.frame_range import RenderStart
from vst.pipeline.snapshot_file import load_snapshot


@dataclass(frozen=True)
class EarlierRun:
    """What an earlier run finished.

    Attributes:
        start: Where the render begins.
        segments: The finished segments, from the first on.
        state: Snapshot of the session after the last of them; None if there is none.
    """

    start: RenderStart
    segments: tuple[Segment, ...]
    state: tuple[Tensor, ...] | None

    @property
    def frames(self) -> int:
        """Number of finished frames."""
        return sum(segment.frames for segment in self.segments)

    def shot(self, temporal: bool) -> int:
        """Index of the first frame of the shot that continues after the last segment.

        Args:
            temporal: Whether the session has state: then a segment without a snapshot ends its shot.
        """
        last = self.segments[-1]
        return self.start.first + self.frames if temporal and last.state is None else last.shot

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.segments[-1].last


def describe(fingerprint: Fingerprint, start: RenderStart) -> dict[str, Any]:
    """The description of a render in its work folder."""
    return {
        "fingerprint": fingerprint,
        "first": start.first,
        "time": str(start.time),
        "shot": start.shot,
        "number": start.number,
    }


def find_earlier(writer: Writer, fingerprint: Fingerprint) -> EarlierRun | None:
    """The finished part of an output in its work folder; None if there is none.

    Damaged and incomplete files are ignored.

    Raises:
        UsageError: The unfinished render has other settings, another clip or other versions; the message
            names all differences.
    """
    store = writer.work
    described = store.description()
    before = None if described is None else _described(described)
    segments = store.finished() if before is not None else []
    if before is None or not segments:
        return None
    different = changes(before[0], fingerprint)
    if different:
        frames = sum(segment.frames for segment in segments)
        raise UsageError(
            f"{writer.path} was stopped after {frames} frames, and now {'; '.join(different)}: "
            "restore that to continue, or start again with --no-resume"
        )
    return EarlierRun(before[1], tuple(segments), _state(store, segments))


def recorded_backend(writer: Writer) -> str | None:
    """The backend that an earlier run of an output chose; None if there was none."""
    described = writer.work.description()
    before = None if described is None else _described(described)
    return None if before is None else before[0].get(BACKEND)


def shots_before(start: RenderStart, earlier: EarlierRun | None, shot: int) -> int:
    """How many shots of the clip there are before the one in which a run begins.

    Args:
        start: Where the render begins.
        earlier: What an earlier run finished.
        shot: Index of the first frame of the shot in which this run begins.
    """
    begun = () if earlier is None else {segment.shot for segment in earlier.segments}
    return start.number + sum(each < shot for each in begun)


def _state(store: WorkFolder, segments: Sequence[Segment]) -> tuple[Tensor, ...] | None:
    if not store.has_state(segments[-1]):
        return None
    return load_snapshot(store.state(segments[-1].index))


def _described(description: dict[str, Any]) -> tuple[Fingerprint, RenderStart] | None:
    """What `describe` wrote; None if it is something else."""
    try:
        fingerprint = {str(name): str(value) for name, value in dict(description["fingerprint"]).items()}
        first, shot = int(description["first"]), int(description["shot"])
        number = int(description.get("number", 0))
        return fingerprint, RenderStart(first, Fraction(str(description["time"])), shot, number)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
