"""What an earlier run of the same render has finished, and whether this one may go on from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from torch import Tensor

from vst.errors import UsageError
from vst.media import Writer
from vst.media.segments.work_folder import Segment, WorkFolder
from vst.pipeline.fingerprint import Fingerprint, changes
from vst.pipeline.frame_range import RenderStart
from vst.pipeline.snapshot_file import load_snapshot


@dataclass(frozen=True)
class Earlier:
    """What an earlier run has finished.

    Attributes:
        start: Where the render begins.
        segments: What is finished, the first ones of the render, whole and as they were written.
        state: What the mode remembered after the last of them, None where that is not known.
    """

    start: RenderStart
    segments: tuple[Segment, ...]
    state: tuple[Tensor, ...] | None

    @property
    def frames(self) -> int:
        """How many frames that is."""
        return sum(segment.frames for segment in self.segments)

    def shot(self, remembers: bool) -> int:
        """Index of the frame with which the shot of the next frame begins.

        Args:
            remembers: Whether the mode has a memory: then a segment without a state is a shot's last.
        """
        last = self.segments[-1]
        return self.start.first + self.frames if remembers and last.state is None else last.shot

    @property
    def is_all(self) -> bool:
        """Whether nothing is left to paint."""
        return self.segments[-1].last


def describe(fingerprint: Fingerprint, start: RenderStart) -> dict[str, Any]:
    """What a work folder is told of its render."""
    return {"fingerprint": fingerprint, "first": start.first, "time": str(start.time), "shot": start.shot}


def find_earlier(writer: Writer, fingerprint: Fingerprint) -> Earlier | None:
    """What the work folder of an output holds that can be gone on from; None for nothing.

    What is damaged or half-written counts as not there.

    Raises:
        UsageError: If something is there of a render with other settings, of another clip or by other
            versions; the message names all that is different.
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
            "put that back to go on, or begin anew with --no-resume"
        )
    return Earlier(before[1], tuple(segments), _state(store, segments))


def _state(store: WorkFolder, segments: Sequence[Segment]) -> tuple[Tensor, ...] | None:
    if not store.has_state(segments[-1]):
        return None
    return load_snapshot(store.state(segments[-1].index))


def _described(said: dict[str, Any]) -> tuple[Fingerprint, RenderStart] | None:
    """What `describe` said, if it is that."""
    try:
        fingerprint = {str(name): str(value) for name, value in dict(said["fingerprint"]).items()}
        first, shot = int(said["first"]), int(said["shot"])
        return fingerprint, RenderStart(first, Fraction(str(said["time"])), shot)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
