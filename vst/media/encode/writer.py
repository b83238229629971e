"""Frames into a file that keeps everything: encoded in segments, joined, and only then given its name."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import torch

from vst.errors import MediaError, UsageError
from vst.frame import Frame
from vst.media.colour.light import light_from_display, signal_from_light
from vst.media.colour.planes import from_rgb
from vst.media.encode.codecs import Encoding, Plan, container_of, plan
from vst.media.encode.join import join
from vst.media.encode.window import Window
from vst.media.probe.clip import ClipInfo
from vst.media.probe.containers import silence_libav, writing_error
from vst.media.segments.disk_space import MIN_FREE, DiskRoom
from vst.media.segments.encoder import ENCODER_THREADS, MAX_FRAMES, SegmentEncoder
from vst.media.segments.output_lock import OutputLock
from vst.media.segments.work_folder import Save, Segment, WorkFolder
from vst.media.stills.sequence import has_counter
from vst.media.stills.write import (
    STILL_SUFFIXES,
    PictureFolder,
    PicturePlan,
    check_pattern,
    plan_picture,
    write_picture,
)

MAX_TIME_BASE = 1_000_000
"""The finest time base that is taken over from a source; MP4 players get into trouble with finer ones."""

COMMON_TIME_BASE = Fraction(1, 90_000)
"""Instead of a finer one."""

MAX_CLOCKLESS_START = 60
"""Seconds. A broadcast transport stream starts anywhere within 26 hours, and no player waits as long for
its first frame: one that starts later than this is set to start at 0."""

CLOCKLESS = ("mpegts", "mpeg")

INCOMPLETE = ".incomplete"
"""Before the extension of what is not the whole clip."""

BRIGHT = 1.01
"""A gain above this is light that standard range has to compress."""


def check_output(path: Path, source: ClipInfo | None, overwrite: bool) -> None:
    """Raise what would make writing `path` fail, before any work is done.

    Raises:
        MediaError: If it exists already, is the input, or its folder is missing or cannot be written to.
        UsageError: If its extension is unknown.
    """
    if has_counter(path):
        check_pattern(path, source, overwrite)
        return
    if path.suffix.lower() not in STILL_SUFFIXES:
        try:
            container_of(path)
        except UsageError as error:
            stills = ", ".join(STILL_SUFFIXES)
            raise UsageError(f"{error} (or, for a single picture, {stills})") from None
    if not path.parent.is_dir():
        raise MediaError(
            f"the folder {path.parent} does not exist: make it first, or choose another with -o"
        )
    if path.is_dir():
        raise MediaError(f"{path} is a folder: expected the name of a file to write")
    own = [] if source is None else source.sequence.files if source.sequence else [source.path]
    if path.exists() and any(each.exists() and path.samefile(each) for each in own):
        raise MediaError(f"{path} is the input itself: choose another output with -o")
    if path.exists() and not overwrite:
        raise MediaError(f"{path} exists already: pass -y to overwrite it, or choose another name with -o")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise MediaError(f"the folder {path.parent} cannot be written to: choose another with -o")


def output_time_base(source: ClipInfo, chosen: Plan) -> Fraction:
    """The unit of the output's timestamps: the source's own where the container can have it."""
    if not chosen.container.exact_time:
        return Fraction(1, 1000)
    if chosen.container.muxer == "avi":
        return 1 / (source.average_rate or Fraction(25))
    unit = Fraction(1, source.time_base.denominator)
    return unit if unit.denominator <= MAX_TIME_BASE else COMMON_TIME_BASE


def incomplete_name(path: Path) -> Path:
    """``clip.incomplete.mov`` for ``clip.mov``, with a number where that is taken."""
    names = chain([path.stem], (f"{path.stem}-{number}" for number in count(2)))
    candidates = (path.with_name(f"{name}{INCOMPLETE}{path.suffix}") for name in names)
    return next(each for each in candidates if not each.exists())


class Writer:
    """Writes one clip; the file appears under its name only when it is whole.

    As a context manager it finishes at the end of the block, and aborts if the block raises.

    Args:
        path: The file to write; its extension chooses the container (or a picture format). With a counter
            in its name, ``%04d`` or ``####``, every frame becomes a picture.
        source: The clip that the frames come from: its sound, subtitles, chapters, tags, colour and
            timestamps are kept.
        encoding: Codec, quality and pixel format.
        width: Columns of the output; the source's unless given.
        height: Rows of the output; the source's unless given.
        overwrite: Replace an existing file.
        threads: Encoder threads. The same number gives the same file.
        work_dir: The folder in which a hidden one keeps the segments meanwhile; the output's unless given.
        segment_frames: The longest segment; None leaves it to `cut`.
        resumable: What is finished is kept when the writing stops. `start` or `take_up` has to be called.
        min_free: Bytes that have to stay free on the disk: with fewer the writing waits, see `DiskRoom`.
        stop: Set by a user who does not want to wait.

    Raises:
        MediaError: If the file cannot be written, now or at any later step; another writer has it; or the
            disk is nearly full already.
        Interrupted: From `write` and `finish`, when `stop` is set while they wait for room.
        UsageError: If codec, pixel format and container do not go together.
    """

    def __init__(
        self,
        path: str | Path,
        source: ClipInfo,
        encoding: Encoding | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        overwrite: bool = False,
        threads: int = ENCODER_THREADS,
        work_dir: str | Path | None = None,
        segment_frames: int | None = MAX_FRAMES,
        resumable: bool = False,
        min_free: int = MIN_FREE,
        stop: threading.Event | None = None,
    ) -> None:
        self.path = Path(path)
        self.width = source.width if width is None else width
        self.height = source.height if height is None else height
        self.frames = 0
        """Frames written so far, those of an earlier run included."""
        self.shot = 0
        """Index of the frame with which the shot of the next frame begins."""
        self._source = source
        self._threads = threads
        self._limit = sys.maxsize if segment_frames is None else max(1, segment_frames)
        self._encoder: SegmentEncoder | None = None
        self._segments: list[Segment] = []
        self._begin: Fraction | None = None
        self._ends = False
        self._resumable = resumable
        self._begun = False
        self._overwrite = overwrite
        self._files: list[Path] = []
        self._pts: list[int] = []
        self._last_pts: int | None = None
        self._end = 0
        self._still: Frame | None = None
        self._done = self._cut_short = False
        self._notes: list[str] = []
        silence_libav()
        self._part = self.path.with_name(f".{self.path.name}.vst-part")
        beside = Path(work_dir) if work_dir is not None else self.path.parent
        published = self.path.parent if has_counter(self.path) else None
        self.store = WorkFolder(beside / f".{self.path.name}.vst-work", published)
        """The segments so far."""
        check_output(self.path, source, overwrite or (resumable and self.store.is_publishing))
        self._plan: Plan | None = None
        self._picture: PicturePlan | None = None
        self._folder: PictureFolder | None = None
        encoding = encoding or Encoding()
        if self.path.suffix.lower() in STILL_SUFFIXES:
            self._plan_pictures(encoding)
        else:
            self._plan = plan(self.path, source, encoding, self.width, self.height)
            self._notes.extend(self._plan.notes)
            self._unit = output_time_base(source, self._plan)
            self._shift = self._late_start()
        self._room = DiskRoom(beside, self.path.parent, min_free, stop=stop)
        self._room.check()
        self._lock = OutputLock(self.path)
        self._take_lock()
        if not resumable:
            try:
                self.start()
            except MediaError:
                self.abort()
                raise

    def _take_lock(self) -> None:
        """Be the only one at this output, and look again: the one before may just have written it."""
        try:
            if self._folder is not None:
                self._folder.create()
            self._lock.acquire()
            check_output(
                self.path,
                self._source,
                self._overwrite or (self._resumable and self.store.is_publishing),
            )
        except OSError as error:
            raise writing_error(self.path, error) from error
        except MediaError:
            self._lock.release()
            if self._folder is not None:
                self._folder.abort()
            raise

    def keep_times(self, begin: Fraction | None, ends: bool) -> None:
        """Say which part of the source is written; before the first frame.

        Args:
            begin: Time in the source that becomes 0, with sound, subtitles and chapters from there on; None
                leaves all times as they are.
            ends: Sound, subtitles and chapters end with the last frame.
        """
        self._begin, self._ends = begin, ends
        self._shift = self._late_start() if begin is None else begin

    def _late_start(self) -> Fraction:
        """What a broadcast stream's timestamps are late by; 0 for other files."""
        source = self._source
        if source.container not in CLOCKLESS or source.start <= MAX_CLOCKLESS_START:
            return Fraction(0)
        return min([source.start, *(audio.start for audio in source.audio if audio.start is not None)])

    def start(self, description: Mapping[str, Any] | None = None) -> list[str]:
        """Begin with an empty work folder; called for every writer that is not resumable.

        Args:
            description: What the output depends on, for a later run to compare; as JSON has it.

        Returns:
            Names of what lay in the work folder, and is gone now.

        Raises:
            MediaError: If it cannot be made or something else has its name, or the output exists after all.
        """
        if self.store.is_publishing:
            check_output(self.path, self._source, self._overwrite)
        if self._plan is None and self._folder is None:
            return []
        try:
            if self._folder is not None:
                self._folder.create()
            gone = self.store.create(None if description is None else dict(description))
        except OSError as error:
            raise writing_error(self.path, error) from error
        self._begun = True
        return gone

    def take_up(self, segments: Sequence[Segment]) -> list[str]:
        """Go on after what an earlier run finished, in place of `start`.

        Args:
            segments: The first ones of what is finished in `store`.

        Returns:
            Names of what else lay in the work folder, and is gone now.
        """
        self._begun = True
        self._segments = list(segments)
        self.frames = sum(segment.frames for segment in segments)
        self._last_pts, self._end = segments[-1].pts[-1], segments[-1].end
        self.shot = segments[-1].shot
        for note in segments[-1].notes:
            self._note(note)
        if self._folder is not None:
            self._folder.take_up(name for segment in segments for name, _, _ in segment.files)
        return self.store.clear(segments)

    @property
    def kept(self) -> int:
        """How many frames a later run can go on after."""
        return sum(segment.frames for segment in self._segments) if self._resumable else 0

    def _plan_pictures(self, encoding: Encoding) -> None:
        if encoding.codec is not None or encoding.crf is not None:
            raise UsageError(f"{self.path.name} is a picture: codec and crf are for video; leave them out")
        self._picture = plan_picture(self.path, self._source, encoding.pix_fmt)
        self._notes.extend(self._picture.notes)
        source = self._source
        lost = {
            "sound": source.audio,
            "subtitles": source.subtitles,
            "chapters": source.chapters,
            "the timecode": source.timecode,
        }
        if any(lost.values()):
            names = [name for name, value in lost.items() if value]
            self._note(f"pictures have no place for {', '.join(names)}")
        if not has_counter(self.path):
            return
        self._folder = PictureFolder(self.path, self.store.folder, self._source, self._picture)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was converted or lost so far."""
        return tuple(self._notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            if not self._done:
                self.finish()
        else:
            self.abort()

    def write(self, frame: Frame) -> None:
        """Add the next frame.

        Raises:
            MediaError: If the disk is full or the encoder fails.
            UsageError: For a second frame into a picture.
        """
        size = (int(frame.image.shape[2]), int(frame.image.shape[1]))
        if size != (self.width, self.height):
            raise ValueError(
                f"frame {frame.index} is {size[0]}×{size[1]}, expected {self.width}×{self.height}"
            )
        if self._loses_light and frame.gain is not None and float(frame.gain.max()) > BRIGHT:
            self._note("light above white is compressed: only .exr keeps it")
        self._room.wait(self._joined_size)
        if self._plan is None:
            self._write_picture(frame)
            return
        picture = from_rgb(self._signal(frame), frame.alpha, self._plan.pix_fmt, self._plan.colour)
        try:
            if self._encoder is None:
                self._encoder = self._new_encoder(self._plan)
            self._encoder.encode(picture)
        except (av.FFmpegError, OSError) as error:
            raise writing_error(self.path, error) from error
        self._stamp(frame)
        self.frames += 1
        if len(self._pts) >= self._limit:
            self.cut()

    @property
    def _loses_light(self) -> bool:
        into_exr = self._picture is not None and self._picture.kind == "EXR"
        into_video = self._picture is None and self._source.light == "hdr"
        return not (into_exr or into_video)

    def _write_picture(self, frame: Frame) -> None:
        if self._folder is not None:
            try:
                self._files.append(self._folder.add(frame))
            except OSError as error:
                raise writing_error(self.path, error) from error
            self._pts.append(frame.index)
            self._end = frame.index + 1
            self.frames += 1
            if len(self._pts) >= self._limit:
                self.cut()
            return
        if self._still is not None:
            raise UsageError(
                f"{self.path.name} is a picture, but the clip has several frames: choose a video extension "
                f"or a sequence such as {self.path.stem}.%04d{self.path.suffix}"
            )
        self._still = frame
        self.frames = 1

    def _signal(self, frame: Frame) -> torch.Tensor:
        """The R'G'B' to encode: for HDR that is kept PQ or HLG again, with the highlights' own light."""
        if self._source.light != "hdr" or frame.gain is None:
            return frame.image
        colour = self._source.colour
        light = light_from_display(frame.image.detach().to("cpu", torch.float32)) * frame.gain.cpu()
        return signal_from_light(light, colour.transfer, colour.primaries)

    def _stamp(self, frame: Frame) -> None:
        pts = round((frame.time - self._shift) / self._unit)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
            self._note(
                "some frames are closer together than the container can tell; they are set one tick apart"
            )
        self._pts.append(pts)
        self._last_pts = pts
        self._end = max(pts + 1, round((frame.time - self._shift + frame.duration) / self._unit))

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    @property
    def _rate(self) -> Fraction:
        """Nominal frame rate, within what every encoder takes."""
        rate = self._source.average_rate or Fraction(25)
        return min(max(rate, Fraction(1)), Fraction(240)).limit_denominator(1001)

    def _new_encoder(self, chosen: Plan) -> SegmentEncoder:
        return SegmentEncoder(
            self.store.video(len(self._segments)),
            chosen,
            self.width,
            self.height,
            self._rate,
            self._source.sample_aspect,
            self._threads,
        )

    def _joined_size(self) -> int:
        """Bytes that the whole will take beside the segments, which are copied into it."""
        if self._plan is None:
            return 0
        finished = sum(size for segment in self._segments for _, size, _ in segment.files)
        current = self.store.video(len(self._segments))
        return finished + (current.stat().st_size if current.exists() else 0)

    def cut(self, save: Save | None = None, *, last: bool = False) -> None:
        """End the segment, if one is begun: the next frame begins another.

        Args:
            save: Writes the state from which painting goes on after the segment.
            last: No other comes.

        Raises:
            MediaError: If the disk is full or the encoder fails.
        """
        encoder, self._encoder = self._encoder, None
        if not self._pts:
            return
        index = len(self._segments)
        try:
            if encoder is not None:
                encoder.close()
                self._files = [self.store.video(index)]
            finished = self.store.finish(
                index,
                self._pts,
                self._end,
                0 if encoder is None else encoder.delay,
                files=self._files,
                shot=self.shot,
                last=last,
                save=save,
                notes=self._notes,
                broken_off=self._cut_short,
            )
        except (av.FFmpegError, OSError) as error:
            raise writing_error(self.path, error) from error
        self._segments.append(finished)
        self._pts, self._files = [], []

    def finish(self, *, cut_short: bool = False) -> Path:
        """Join what was written and give it its name.

        Args:
            cut_short: It is not the whole clip: sound and all else end with the last frame, and a file is
                called `incomplete` instead of having the name that it would have had. Pictures have theirs.

        Returns:
            The finished file.

        Raises:
            MediaError: If nothing was written, or the file cannot be written.
        """
        if self._done:
            return self.path
        if cut_short:
            self._ends = self._cut_short = True
            if self._folder is None:
                self.path = incomplete_name(self.path)
        try:
            if self._folder is not None:
                self._finish_folder(self._folder)
                return self.path
            if self._plan is None:
                self._finish_still()
            else:
                self._finish_clip(self._plan)
            with self._part.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self._part, self.path)
        except (av.FFmpegError, OSError) as error:
            self.abort()
            raise writing_error(self.path, error) from error
        except BaseException:
            self.abort()
            raise
        self._done = True
        self.store.remove()
        self._lock.release()
        return self.path

    def _finish_folder(self, folder: PictureFolder) -> None:
        self.cut(last=True)
        if not self.frames:
            raise MediaError(f"{self.path} was not written: there was no frame")
        if self._resumable:
            self.store.begin_publishing()
        folder.publish()
        self._done = True
        self.store.remove()
        self._lock.release()

    def _finish_still(self) -> None:
        if self._still is None or self._picture is None:
            raise MediaError(f"{self.path} was not written: there was no frame")
        write_picture(self._part, self._picture, self._still, self._source.attributes)

    def _finish_clip(self, chosen: Plan) -> None:
        self.cut(last=True)
        if not self._segments:
            raise MediaError(f"{self.path} was not written: there was no frame")
        self._room.wait(self._joined_size, at_once=True)
        joined = join(
            self._part,
            self.store,
            self._segments,
            chosen,
            self._source,
            time_base=self._unit,
            rate=self._rate,
            sample_aspect=self._source.sample_aspect,
            window=self._window(),
        )
        if self._begin is None and self._shift:
            self._note(f"timestamps start at 0 instead of {float(self._shift):.3f} s")
        for note in joined:
            self._note(note)

    def _window(self) -> Window:
        end = self._segments[-1].end * self._unit + self._shift if self._ends else None
        return Window(self._shift, self._begin, end)

    def abort(self) -> None:
        """Leave nothing behind but, of a resumable writer, the finished segments."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.discard()
        if not self._done and self._begun and not self.kept:
            self.store.remove()
        elif not self._done and self._begun:
            self.store.clear(self._segments)
        self._part.unlink(missing_ok=True)
        self._lock.release()
        if not self._done and self._folder is not None:
            self._folder.abort()
        self._done = True
