"""Makes a texture, a moving one, or the reconstruction of a picture, from paintings to a file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

import vst
from vst.device import choose_device, precision_name
from vst.errors import Interrupted, UsageError
from vst.frame import Frame
from vst.media import ClipInfo, Encoding, StoredFrame, Writer, open_writer
from vst.media.colour.spec import RGB
from vst.media.probe.clip_info import FieldInfo
from vst.media.provenance import provenance_text
from vst.modes.optimisation.features import FeatureSource
from vst.modes.optimisation.minimise import Step
from vst.modes.optimisation.moving import DEFAULT_SPEED, WARM_UP, Motion, moving_texture
from vst.modes.optimisation.paintings import Paintings
from vst.modes.optimisation.schedule import cost, steps_within
from vst.modes.optimisation.synthesis import ContentReconstruction, Synthesis, TextureSynthesis
from vst.pipeline.frame_size import output_size
from vst.pipeline.memory_estimate import (
    check_memory,
    explained_memory,
    predict_picture_memory,
    tiles_note,
)
from vst.pipeline.optimisation import CPU_SIDE, check_preview, config_of, precision_of, resolve
from vst.pipeline.optimisation_run import StepWatcher, duration
from vst.pipeline.provenance import style_parts
from vst.pipeline.settings import RenderSettings
from vst.pipeline.synthesis_settings import CONTENT, PARTS, TextureSettings
from vst.pipeline.threads import arithmetic_threads
from vst.progress import Progress, progress_now
from vst.styles.loss_network import load_loss_network
from vst.styles.painting_style import PaintingStyle

STEPS_OF_A_FRAME = 30
"""The steps of a still texture for each of a frame that begins with the one before."""

VIDEO_ONLY = "yuv4mpegpipe"
"""A container that holds nothing beside video: nothing is looked for in the painting's file."""

_ADVICE = "make the picture smaller with --size, or the tiles smaller with --tile"


@dataclass(frozen=True)
class SynthesisReport:
    """What was made.

    Attributes:
        output: The file written.
        frames: Number of frames.
        width: In pixels.
        height: In pixels.
        steps: Of the picture, or of the still texture.
        seconds: Wall time.
        notes: What the user should know; one line each.
    """

    output: Path
    frames: int
    width: int
    height: int
    steps: int
    seconds: float
    notes: tuple[str, ...]


def make_texture(
    settings: RenderSettings,
    texture: TextureSettings,
    output: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    begun: Callable[[str], None] | None = None,
) -> SynthesisReport:
    """Make a texture of a painting, or of a blend of paintings.

    Args:
        settings: Of mode gatys: the painting, and how pixels are optimised.
        texture: Its size, and whether it repeats and moves.
        output: The picture, or the clip.
        progress: Called after every step and frame.
        stop: Set it to stop after the step in progress.
        begun: Called with each note before the start.

    Raises:
        UsageError: The painting is unknown, or the output's format is not one for pictures, or for clips.
        MediaError: A painting cannot be read, or the output not written.
        Interrupted: `stop` was set; what there is by then is kept under a name with `.incomplete`.
    """
    job = _Job(settings, output, progress, stop, begun)

    def synthesis(source: FeatureSource, paintings: Paintings) -> Synthesis:
        return TextureSynthesis(
            source, config_of(settings), paintings, texture.style_size, periodic=texture.repeats
        )

    if texture.frames is None:
        return job.picture(synthesis, texture.size, texture.seed)
    return job.clip(synthesis, texture)


def reconstruct(
    settings: RenderSettings,
    part: str,
    output: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    begun: Callable[[str], None] | None = None,
) -> SynthesisReport:
    """Make, from noise, a picture with only the content of another one, or only its style (Gatys 2015).

    Args:
        settings: Of mode gatys: the picture as style, its size, the layers, and how pixels are optimised.
        part: `content` or `style`.
        output: The picture to write.
        progress: As for `make_texture`.
        stop: Likewise.
        begun: Likewise.

    Raises:
        UsageError: The output is no picture.
        MediaError: The picture cannot be read, or the output not written.
        Interrupted: As for `make_texture`.
    """
    if part not in PARTS:
        raise UsageError(f"part is {part!r}; expected one of {', '.join(PARTS)}")
    job = _Job(settings, output, progress, stop, begun)
    if len(job.style.paintings) > 1:
        raise UsageError(f"{settings.style} is a blend; expected one picture")
    if part == CONTENT and job.paintings.are_masked:
        raise UsageError(
            f"{settings.style} has a mask, and content is that of a whole picture: leave it out"
        )
    (image,) = job.paintings.at(job.paintings.longest)
    largest = CPU_SIDE if job.device.type == "cpu" else None
    size = output_size(image.shape[2], image.shape[1], settings, largest)

    def synthesis(source: FeatureSource, paintings: Paintings) -> Synthesis:
        config = config_of(settings)
        if part == CONTENT:
            return ContentReconstruction(source, config, image)
        return TextureSynthesis(source, config, paintings, max(size))

    return job.picture(synthesis, size, 0)


class _Job:
    """One picture or clip that is made from noise.

    Args:
        settings: As for `make_texture`.
        output: Likewise.
        progress: Likewise.
        stop: Likewise.
        begun: Likewise.
    """

    def __init__(
        self,
        settings: RenderSettings,
        output: Path,
        progress: Callable[[Progress], None] | None,
        stop: threading.Event | None,
        begun: Callable[[str], None] | None,
    ) -> None:
        self._began = time.monotonic()
        self._settings, self._output = settings, output
        self._progress, self._stop, self._begun = progress, stop, begun
        style = resolve(settings)
        assert isinstance(style, PaintingStyle)
        self.style, self.device = style, choose_device(settings.device)
        self._precision = precision_of(settings, self.device)
        check_preview(settings, style.paintings[0], output, style.pictures)
        self.paintings = Paintings(style.paintings, style.shares, style.masks)

    def picture(
        self, make: Callable[[FeatureSource, Paintings], Synthesis], size: tuple[int, int], seed: int
    ) -> SynthesisReport:
        """Make one picture."""
        with self._open(size, None, Fraction(1), False) as writer:
            synthesis = self._synthesis(make, size)
            steps = self._steps(synthesis, size, 0)
            notes = self._notes(synthesis, size, steps, 0)
            synthesis.watch = StepWatcher(self._stop, self._progress, self._settings.preview, 1)
            image = synthesis.picture(*size, steps, seed)
            writer.write(_frame(0, image, Fraction(1)))
            written = writer.finish(cut_short=synthesis.interrupted)
        if synthesis.interrupted:
            raise Interrupted(f"stopped after some of the steps; the picture so far is in {written}")
        return self._report(writer, written, steps, notes)

    def clip(
        self, make: Callable[[FeatureSource, Paintings], Synthesis], texture: TextureSettings
    ) -> SynthesisReport:
        """Make a clip of a texture that moves."""
        assert texture.frames is not None
        size, count = texture.size, texture.frames
        with self._open(size, count, 1 / texture.fps, texture.loop) as writer:
            synthesis = self._synthesis(make, size)
            steps = self._steps(synthesis, size, count)
            notes = self._notes(synthesis, size, steps, count)
            synthesis.watch = StepWatcher(self._stop, self._progress, self._settings.preview, count)
            still = synthesis.picture(*size, steps, texture.seed)
            if synthesis.interrupted:
                raise Interrupted("stopped before the first frame; no output was written")
            speed = DEFAULT_SPEED * min(size) if texture.speed is None else texture.speed
            motion = Motion(count, speed, texture.loop, _frame_steps(steps), texture.seed)
            began = time.monotonic()
            for number, image in enumerate(moving_texture(synthesis, still, motion, self._watch)):
                writer.write(_frame(number, image, 1 / texture.fps))
                if self._progress is not None:
                    self._progress(progress_now(number + 1, count, began, "stylize"))
            done = writer.frames
            if not done:
                raise Interrupted("stopped before the first frame; no output was written")
            written = writer.finish(cut_short=done < count)
        if done < count:
            raise Interrupted(f"stopped; the {done} frames before that are in {written}")
        return self._report(writer, written, steps, notes)

    def _watch(self, step: Step) -> bool:
        return self._stop is None or not self._stop.is_set()

    def _synthesis(
        self, make: Callable[[FeatureSource, Paintings], Synthesis], size: tuple[int, int]
    ) -> Synthesis:
        network = load_loss_network(self.style.loss_network, self._settings.pooling)
        synthesis = make(FeatureSource(network, self.device, self._precision), self.paintings)
        prediction = predict_picture_memory(synthesis.memory(*size), self.device)
        check_memory(prediction, self.device, size, size, _ADVICE)
        return synthesis

    @contextmanager
    def _open(
        self, size: tuple[int, int], frames: int | None, length: Fraction, loop: bool
    ) -> Iterator[Writer]:
        """The output, with memory and threads settled."""
        settings = self._settings
        info = _described(self.style.paintings[0], size, frames, length, loop)
        text = provenance_text(vst.__version__, "texture", style_parts(self.style), None, "paintings")
        encoding = Encoding(settings.codec, settings.crf, None, text)
        with (
            arithmetic_threads(settings.threads),
            explained_memory(self.device, _ADVICE),
            open_writer(
                self._output, info, encoding, overwrite=settings.overwrite, stop=self._stop
            ) as writer,
        ):
            yield writer

    def _steps(self, synthesis: Synthesis, size: tuple[int, int], frames: int) -> int:
        """The steps that were asked for, or that the seconds become."""
        self._each = synthesis.seconds_a_step(*size)
        settings = self._settings
        if settings.seconds is None:
            return config_of(settings).steps
        budget, sizes = settings.seconds / self._each, synthesis.sizes(*size)
        steps = steps_within(budget, sizes)
        while frames and steps > len(sizes) and self._work(synthesis, size, steps, frames) > budget:
            steps = max(len(sizes), min(steps - 1, round(steps * 0.95)))
        return steps

    def _work(self, synthesis: Synthesis, size: tuple[int, int], steps: int, frames: int) -> float:
        """What is to be done, in steps at the full size."""
        moving = (WARM_UP + frames) * _frame_steps(steps) if frames else 0
        return cost(synthesis.sizes(*size), steps) + moving

    def _notes(
        self, synthesis: Synthesis, size: tuple[int, int], steps: int, frames: int
    ) -> tuple[str, ...]:
        """What the user should know, told at once."""
        seconds = self._each * self._work(synthesis, size, steps, frames)
        what = f"{frames} frames" if frames else "a picture"
        told = [
            *self.paintings.notes,
            f"{steps} steps: about {duration(seconds)} for {what} of {size[0]}×{size[1]}",
        ]
        tiles = tiles_note(synthesis.memory(*size))
        told += [] if tiles is None else [tiles]
        if self._settings.precision == "auto":
            told.append(f"optimised on {self.device} in {precision_name(self._precision)}")
        for each in told:
            if self._begun is not None:
                self._begun(each)
        return tuple(told)

    def _report(self, writer: Writer, written: Path, steps: int, notes: tuple[str, ...]) -> SynthesisReport:
        seconds = time.monotonic() - self._began
        every = (*notes, *(str(each) for each in writer.notes))
        return SynthesisReport(written, writer.frames, writer.width, writer.height, steps, seconds, every)


def _frame_steps(steps: int) -> int:
    return max(1, round(steps / STEPS_OF_A_FRAME))


def _frame(number: int, image: Tensor, length: Fraction) -> Frame:
    return Frame(number, number * length, length, image.cpu().to(torch.float32))


def _described(
    painting: Path, size: tuple[int, int], frames: int | None, length: Fraction, loop: bool
) -> ClipInfo:
    """A source for the writer: a picture or clip in sRGB, with nothing beside."""
    plays = (0 if loop else 1) if frames else None
    return ClipInfo(
        path=painting,
        container="png" if frames is None else VIDEO_ONLY,
        is_still=frames is None,
        width=size[0],
        height=size[1],
        stored=StoredFrame(*size),
        sample_aspect=Fraction(1),
        time_base=length,
        average_rate=1 / length,
        frames=frames or 1,
        duration=(frames or 1) * length,
        start=Fraction(0),
        codec="png",
        pix_fmt="rgb24",
        bit_depth=8,
        has_alpha=False,
        colour=RGB,
        fields=FieldInfo(interlaced=False),
        plays=plays,
    )
