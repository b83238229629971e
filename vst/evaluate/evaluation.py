"""A clip and its paintings, measured together: what `vst evaluate` does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from torch import Tensor

from vst.errors import Interrupted, MediaError
from vst.evaluate.footage import Footage, common_size
from vst.evaluate.judge import EstimatorJudge, create_judging_estimator
from vst.evaluate.paired import Paired
from vst.evaluate.panel import INPUT, STILL, Panel
from vst.evaluate.plan import Plan, make_plan
from vst.evaluate.result import Evaluation, results_of
from vst.evaluate.returning import Returning
from vst.evaluate.settings import EvaluateSettings
from vst.evaluate.sintel import SintelJudge
from vst.evaluate.worst import WorstFrames
from vst.frame import Frame, Motion
from vst.motion import DISTANCES, Estimator, shots
from vst.motion.analysis import analyse
from vst.motion.consistency import consistency_mask
from vst.motion.files.recorded import RecordedMotion, is_recorded
from vst.motion.tracking import Tracked
from vst.progress import Progress, progress_now


def evaluate(
    source: Path | str,
    paintings: Sequence[Path | str],
    settings: EvaluateSettings | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Evaluation:
    """Measure how still paintings of a clip hold, and what that costs them.

    Frames are compared by their number; the shortest of the files ends the evaluation.

    Args:
        source: A video, a folder of pictures, or one in Sintel's layout.
        paintings: One or more, each a video or a folder of pictures.
        settings: Judges, losses and all else.
        progress: Told after every frame.
        stop: Set it to stop after the frame under way.

    Returns:
        What was found.

    Raises:
        UsageError: for settings that cannot be meant.
        MediaError: for files that cannot be read, or are no paintings of the clip.
        WeightsError: for a loss network that is not there.
        Interrupted: when `stop` was set.
        VstError: for an estimator that is not ready.
    """
    began = time.monotonic()
    source, settings = Path(source), settings or EvaluateSettings()
    plan = make_plan(source, [Path(each) for each in paintings], settings)
    notes = list(plan.notes)
    with ExitStack() as stack:
        clip = stack.enter_context(Footage(source if plan.scene is None else plan.scene.folder))
        opened = {name: stack.enter_context(Footage(path)) for name, path in plan.paintings.items()}
        width, height = common_size(clip, list(opened.values()), settings.size)
        if any((each.width, each.height) != (width, height) for each in (clip, *opened.values())):
            notes.append(f"all is measured at {width}×{height}; frames of another size are brought to it")
        measured = _Measured(source, clip, opened, plan, settings, width, height)
        lengths = [each.frames for each in (clip, *opened.values())]
        total = min((n for n in (*lengths, settings.frames) if n is not None), default=None)
        count = 0
        for _ in measured.frames():
            count += 1
            if progress is not None:
                # Everything is one stage here.
                progress(progress_now(count, total, began, "measure"))
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; nothing was written")
        if count < 2:
            raise MediaError(
                f"{source} and its paintings have {count} frame{'' if count == 1 else 's'} in common; "
                "expected at least 2, since neighbours are compared"
            )
        notes += measured.notes
        for each in (clip, *opened.values()):
            notes += [f"{each.path.name}: {note}" for note in each.notes]
    panel, judges = measured.panel, measured.judges
    points = panel.rows[INPUT][judges[0]].points
    return Evaluation(
        source,
        plan.paintings,
        settings,
        width,
        height,
        count,
        tuple(b.index for a, b in pairwise(points) if b.shot != a.shot),
        tuple(judges),
        tuple(results_of(panel, judges, measured.returning, measured.follower.name)),
        {name: each.kept for name, each in measured.worst.items()},
        tuple(dict.fromkeys(notes)),
        time.monotonic() - began,
    )


@dataclass(frozen=True)
class _Seen:
    """A frame of the clip with its motions, and what the judge that follows it says."""

    tracked: Tracked
    verdict: Motion | None


class _Measured:
    """All that collects values, and the one pass in which it does."""

    def __init__(
        self,
        source: Path,
        clip: Footage,
        opened: Mapping[str, Footage],
        plan: Plan,
        settings: EvaluateSettings,
        width: int,
        height: int,
    ) -> None:
        self._clip, self._plan, self._limit = clip, plan, settings.frames
        self._size = (width, height)
        self._paired = Paired(clip, opened, width, height)
        self.follower: Estimator | RecordedMotion
        if is_recorded(settings.flow):
            self.follower = RecordedMotion(settings.flow, source, width, height, clip.frames)
        else:
            self.follower = create_judging_estimator(settings.flow, plan.device, plan.precision)
        self._exact = SintelJudge(plan.scene) if plan.scene is not None else None
        self._second: EstimatorJudge | None = None
        if plan.second is not None:
            self._second = EstimatorJudge(
                create_judging_estimator(plan.second, plan.device, plan.precision)
            )
        self.judges = [each.name for each in (self._exact, self.follower, self._second) if each is not None]
        self.panel = Panel(
            list(opened),
            self.judges,
            plan.carried,
            plan.perceptual,
            settings.loss_every,
            forward=() if self._exact is None else (self._exact.name,),
        )
        self.returning = Returning([name for name in self.panel.rows if name != STILL])
        self.worst = {name: WorstFrames() for name in opened}
        self._lengths: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What a user should know of what was measured."""
        notes = [*self._lengths, *self._paired.notes, *(self._exact.notes if self._exact else ())]
        if isinstance(self.follower, RecordedMotion):
            notes += [*self.follower.notes, f"the masks of {self.follower.name} are those kept with it"]
        return notes

    def frames(self) -> Iterator[Frame]:
        """Measure frame after frame; each is given when it is done."""
        seen = _follow(self._clip.at(*self._size), self.follower, self._plan.scene is not None)
        before: dict[str, Tensor] = {}
        for item in islice(seen, self._limit):
            frame, new_shot = item.tracked.frame, item.tracked.new_shot
            outputs = self._paired.next(frame)
            if outputs is None:
                break
            verdicts = {self.follower.name: item.verdict}
            if self._exact is not None:
                verdicts[self._exact.name] = self._exact.step(frame.index)
            if self._second is not None:
                verdicts[self._second.name] = self._second.step(frame, new_shot)
            shown = self.panel.step(frame.image, outputs, verdicts, item.verdict, new_shot)
            self.returning.step(shown, item.tracked.motions, new_shot)
            motion = verdicts[self.judges[0]]
            if motion is not None and before and not new_shot:
                self._offer(frame.index, motion, before, shown)
            before = shown
            yield frame
        else:
            if self._limit is None:
                self._lengths += self._paired.longer()
            return
        self._lengths += self._paired.shorter()

    def _offer(
        self, index: int, motion: Motion, before: Mapping[str, Tensor], shown: Mapping[str, Tensor]
    ) -> None:
        """Let each painting keep this frame if it is one of its worst."""
        judge = self.judges[0]
        there, here = (shown, before) if judge in self.panel.forward else (before, shown)
        for name, frames in self.worst.items():
            error = self.panel.rows[name][judge].points[-1].values.get("E")
            if error is not None:
                frames.offer(index, error, here[INPUT], there[name], here[name], motion)


def _follow(
    frames: Iterator[Frame], follower: Estimator | RecordedMotion, one_shot: bool
) -> Iterator[_Seen]:
    """The clip's frames with what the follower knows of them; shots as a render finds them."""
    if isinstance(follower, RecordedMotion):
        for tracked in follower.track(frames, DISTANCES):
            yield _Seen(tracked, tracked.motions.get(1))
        return
    cut = ((frame, frame.index == 0) for frame in frames) if one_shot else shots(frames)
    for analysed in analyse(cut, follower, DISTANCES):
        pair = analysed.pairs.get(1)
        # The mask of every `EstimatorJudge`: `track` asks for more, that neighbours look alike.
        verdict = None if pair is None else Motion(pair[0], consistency_mask(pair[1], pair[0]))
        yield _Seen(analysed.tracked, verdict)
