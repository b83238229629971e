"""What the segments of a job need, and what it costs to render them."""

from __future__ import annotations

from collections.abc import Sequence

from vst.batch.farm.job_file import Cost, PlannedSegment
from vst.batch.farm.scan import Scan
from vst.keyframe_interval import MAX_INTERVAL
from vst.media.decode.decoder import SeekPoint
from vst.motion.shot_detection import CUT_CONTEXT
from vst.pipeline.frame_range import RenderStart, frame_range_from
from vst.pipeline.session import StylizerSession


def cut_into_segments(scan: Scan, start: RenderStart, longest: int) -> list[tuple[int, int, int]]:
    """First frame, end and shot of each segment: those that a render ends as it goes.

    A segment ends at the end of a shot, and after so many frames of a longer one.

    Args:
        scan: The clip.
        start: The first frame of the render.
        longest: The longest segment in frames.
    """
    found: list[tuple[int, int, int]] = []
    first, shot = start.first, start.shot
    for frame, begins in zip(scan.frames, scan.begins, strict=True):
        if frame.index <= start.first:
            continue
        if begins or frame.index - first == longest:
            found.append((first, frame.index, shot))
            first, shot = frame.index, frame.index if begins else shot
    found.append((first, scan.frames[-1].index + 1, shot))
    return found


class CostEstimate:
    """Estimates what segments need.

    Args:
        session: Of the render.
        scan: The clip.
        points: Where decoding can begin.
        start: The first frame of the render.
    """

    def __init__(
        self, session: StylizerSession, scan: Scan, points: Sequence[SeekPoint], start: RenderStart
    ) -> None:
        self._session, self._scan, self._points, self._start = session, scan, points, start

    def planned(self, index: int, first: int, end: int, shot: int, stamp: int | None) -> PlannedSegment:
        """A segment with its costs.

        Args:
            index: Its position.
            first: Index of its first frame.
            end: Index of the frame after its last.
            shot: Index of the first frame of its shot.
            stamp: Timestamp of the frame before.
        """
        session = self._session
        replay = frame_range_from(session, first, shot, False, lambda frame: False)
        replay_cost = self._cost(replay.decode_from, replay.stylize_from, end)
        needs_snapshot = session.has_state and first not in (shot, self._start.first)
        cost = replay_cost
        if needs_snapshot:
            # The snapshot is of a keyframe at most one interval earlier.
            back = MAX_INTERVAL if session.moves else 0
            cost = self._cost(max(first - back - CUT_CONTEXT, 0), first, end)
        after = index - 1 if needs_snapshot else None
        return PlannedSegment(
            first,
            end - first,
            shot,
            after,
            stamp,
            replay.decode_from,
            replay.stylize_from,
            cost,
            replay_cost,
        )

    def _cost(self, decode_from: int, stylize_from: int, end: int) -> Cost:
        begin = max((each.frame for each in self._points if each.frame <= decode_from), default=0)
        return Cost(end - begin, self._stylized(stylize_from, end))

    def _stylized(self, first: int, end: int) -> int:
        if self._session.stylizer is None:
            return 0
        if self._session.keyframes is None:
            return end - first
        place = min(max(first - self._scan.first, 0), len(self._scan.frames) - 1)
        interval = self._session.keyframes.longest(self._scan.frames[place].duration)
        return -(-(end - first) // interval) + (1 if interval > 1 else 0)
