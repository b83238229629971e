"""A clip and its stylized versions measured together: `vst evaluate`."""

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
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.footage import Footage, common_size
from vst.evaluate.inputs import ResolvedInputs, resolve_inputs
from vst.evaluate.outputs import SynchronizedOutputs
from vst.evaluate.recorder import INPUT, CurveRecorder
from vst.evaluate.reference import EstimatedReference, create_reference_estimator
from vst.evaluate.result import Evaluation, rows_of
from vst.evaluate.sintel import SintelReference
from vst.evaluate.worst_frames import WorstFrames
from vst.evaluate.worst_texture import WorstTexture, worse_texture
from vst.frame import Frame, Motion
from vst.motion import DISTANCES, Estimator, shots
from vst.motion.analysis import analyse
from vst.motion.consistency import consistency_mask
from vst.motion.files.recorded import RecordedMotion, is_recorded
from vst.motion.tracking import Tracked
from vst.progress import Progress, progress_now


def evaluate(
    source: Path | str,
    outputs: Sequence[Path | str],
    settings: EvaluateSettings | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Evaluation:
    """Measure the temporal stability of stylized versions of a clip, and their content and style.

    Frames are compared by their number, as far as the shortest of the files goes.

    Args:
        source: A video, a folder of images, or one in Sintel's layout.
        outputs: One or more stylized versions, each a video or a folder of images.
        settings: Reference flow, losses and the rest.
        progress: Called after every frame.
        stop: Set it to stop after the current frame.

    Returns:
        The values of every frame, and their means.

    Raises:
        UsageError: for invalid settings.
        MediaError: for files that cannot be read, or are no stylized versions of the clip.
        WeightsError: for a missing loss network.
        Interrupted: when `stop` was set.
        VstError: for an estimator that is not ready.
    """
    began = time.monotonic()
    source, settings = Path(source), settings or EvaluateSettings()
    inputs = resolve_inputs(source, [Path(each) for each in outputs], settings)
    notes = list(inputs.notes)
    with ExitStack() as stack:
        clip = stack.enter_context(Footage(source if inputs.scene is None else inputs.scene.folder))
        opened = {name: stack.enter_context(Footage(path)) for name, path in inputs.outputs.items()}
        width, height = common_size(clip, list(opened.values()), settings.size)
        if any((each.width, each.height) != (width, height) for each in (clip, *opened.values())):
            notes.append(f"frames are compared at {width}×{height}; those of another size are scaled")
        measurement = _Measurement(source, clip, opened, inputs, settings, width, height)
        lengths = [each.frames for each in (clip, *opened.values())]
        total = min((n for n in (*lengths, settings.frames) if n is not None), default=None)
        count = 0
        for _ in measurement.frames():
            count += 1
            if progress is not None:
                progress(progress_now(count, total, began, "measure"))
            if stop is not None and stop.is_set():
                raise Interrupted(f"stopped after {count} frames; nothing was written")
        if count < 2:
            raise MediaError(
                f"{source} and its outputs have {count} frame{'' if count == 1 else 's'} in common; "
                "expected at least 2, since adjacent frames are compared"
            )
        notes += measurement.notes
        for each in (clip, *opened.values()):
            notes += [f"{each.path.name}: {note}" for note in each.notes]
    recorder, references = measurement.recorder, measurement.references
    points = recorder.rows[INPUT][references[0]].points
    return Evaluation(
        source,
        inputs.outputs,
        settings,
        width,
        height,
        count,
        tuple(b.index for a, b in pairwise(points) if b.shot != a.shot),
        tuple(references),
        tuple(rows_of(recorder, references)),
        {name: each.kept for name, each in measurement.worst.items()},
        measurement.texture,
        tuple(dict.fromkeys(notes)),
        time.monotonic() - began,
    )


@dataclass(frozen=True)
class _Followed:
    """A frame of the clip with its motions, and the reference flow of `_Measurement._follower`."""

    tracked: Tracked
    motion: Motion | None


class _Measurement:
    """One pass over a clip and its outputs, and everything that collects values in it."""

    def __init__(
        self,
        source: Path,
        clip: Footage,
        opened: Mapping[str, Footage],
        inputs: ResolvedInputs,
        settings: EvaluateSettings,
        width: int,
        height: int,
    ) -> None:
        self._clip, self._limit = clip, settings.frames
        self._size = (width, height)
        self._outputs = SynchronizedOutputs(clip, opened, width, height)
        self._follower: Estimator | RecordedMotion
        if is_recorded(settings.flow):
            self._follower = RecordedMotion(settings.flow, source, width, height, clip.frames)
        else:
            self._follower = create_reference_estimator(settings.flow, inputs.device, inputs.precision)
        self._exact = SintelReference(inputs.scene) if inputs.scene is not None else None
        self._second: EstimatedReference | None = None
        if inputs.second is not None:
            self._second = EstimatedReference(
                create_reference_estimator(inputs.second, inputs.device, inputs.precision)
            )
        flows = (self._exact, self._follower, self._second)
        self.references = [each.name for each in flows if each is not None]
        self.recorder = CurveRecorder(
            list(opened),
            self.references,
            inputs.baseline_source,
            inputs.content_style,
            settings.loss_every,
            forward=() if self._exact is None else (self._exact.name,),
            follower=self._follower.name,
        )
        self.worst = {name: WorstFrames() for name in opened}
        self.texture: dict[str, WorstTexture] = {}
        self._lengths: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What a user should know of the values, one line each."""
        notes = [*self._lengths, *self._outputs.notes, *(self._exact.notes if self._exact else ())]
        if isinstance(self._follower, RecordedMotion):
            notes += [*self._follower.notes, f"the masks of {self._follower.name} are the recorded ones"]
        return notes

    def frames(self) -> Iterator[Frame]:
        """Measure frame after frame; yields each when it is done."""
        followed = _follow(self._clip.at(*self._size), self._follower, self._exact is not None)
        before: dict[str, Tensor] = {}
        for item in islice(followed, self._limit):
            frame, new_shot = item.tracked.frame, item.tracked.new_shot
            outputs = self._outputs.next(frame)
            if outputs is None:
                break
            flows = {self._follower.name: item.motion}
            if self._exact is not None:
                flows[self._exact.name] = self._exact.step(frame.index)
            if self._second is not None:
                flows[self._second.name] = self._second.step(frame, new_shot)
            images = self.recorder.step(
                frame.image, outputs, flows, item.motion, new_shot, item.tracked.motions
            )
            self._keep_textures(frame.index, images)
            motion = flows[self.references[0]]
            if motion is not None and before and not new_shot:
                self._offer(frame.index, motion, before, images)
            before = images
            yield frame
        else:
            if self._limit is None:
                self._lengths += self._outputs.longer()
            return
        self._lengths += self._outputs.shorter()

    def _keep_textures(self, index: int, images: Mapping[str, Tensor]) -> None:
        """Let each output keep this frame if its texture is the worst."""
        source = self.recorder.baseline_source
        for name in self.worst:
            values = self.recorder.rows[name][self.references[0]].points[-1].values
            if source is not None and "soft" in values:
                shares = values["soft"], values["rough"]
                found = worse_texture(
                    self.texture.get(name), index, shares, images[name], images[source.name]
                )
                if found is not None:
                    self.texture[name] = found

    def _offer(
        self, index: int, motion: Motion, before: Mapping[str, Tensor], images: Mapping[str, Tensor]
    ) -> None:
        """Let each output keep this frame if it is one of its worst."""
        reference = self.references[0]
        there, here = (images, before) if reference in self.recorder.forward else (before, images)
        for name, frames in self.worst.items():
            error = self.recorder.rows[name][reference].points[-1].values.get("E")
            if error is not None:
                frames.offer(index, error, here[INPUT], there[name], here[name], motion)


def _follow(
    frames: Iterator[Frame], follower: Estimator | RecordedMotion, one_shot: bool
) -> Iterator[_Followed]:
    """The clip's frames with the motion that the follower gives; shots as a render detects them."""
    if isinstance(follower, RecordedMotion):
        for tracked in follower.track(frames, DISTANCES):
            yield _Followed(tracked, tracked.motions.get(1))
        return
    cut = ((frame, frame.index == 0) for frame in frames) if one_shot else shots(frames)
    for analysed in analyse(cut, follower, DISTANCES):
        pair = analysed.pairs.get(1)
        # The mask of every `EstimatedReference`. That of `track` is stricter: it compares the frames too.
        motion = None if pair is None else Motion(pair[0], consistency_mask(pair[1], pair[0]))
        yield _Followed(analysed.tracked, motion)
