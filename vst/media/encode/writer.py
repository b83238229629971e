"""`Writer`: what the writers of video files, single pictures and image sequences have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from vst.errors import MediaError
from vst.frame import Frame
from vst.media.file_errors import writing_error
from vst.media.notes import Note, Notes, converted
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Save, Segment, WorkFolder

BRIGHT = 1.01
"""A gain above this is light above white, which SDR compresses."""


class Writer(ABC):
    """Writes one clip; the output appears under its name only when it is complete.

    `open_writer` makes the right one for an output. As a context manager it finishes at the end of the
    block, and aborts if the block raises.

    Args:
        output: The transaction of the output; acquired by the subclass once it knows how to write.
        source: The clip that the frames come from.
        width: Columns of the frames.
        height: Rows of the frames.
    """

    loses_light = True
    """Whether the output cannot hold light above white."""

    def __init__(self, output: OutputTransaction, source: ClipInfo, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.frames = 0
        """Frames written so far, those of an earlier run included."""
        self.shot = 0
        """Index of the first frame of the shot of the next frame."""
        self._output = output
        self._source = source
        self._notes = Notes()

    @property
    def segment_contents(self) -> dict[str, str]:
        """What finished segments contain beside the frames, by the name that users know it by."""
        return {}

    @property
    def path(self) -> Path:
        """The output: its final name."""
        return self._output.path

    @property
    def work(self) -> WorkFolder:
        """The work folder with the finished segments."""
        return self._output.work

    @property
    def kept_frames(self) -> int:
        """Number of frames that a later run can resume after."""
        return self._output.kept_frames

    @property
    def notes(self) -> tuple[Note, ...]:
        """What has been converted or dropped so far."""
        return tuple(self._notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()

    @abstractmethod
    def set_time_range(self, begin: Fraction | None, *, until_last_frame: bool) -> None:
        """Set which part of the source is written, before the first frame; pictures have no times.

        Args:
            begin: Time in the source that becomes 0; audio, subtitles and chapters start there. None keeps
                all times.
            until_last_frame: Whether audio, subtitles and chapters end with the last frame.
        """

    def start(self, description: Mapping[str, Any] | None = None) -> list[str]:
        """Start with an empty work folder; required for a resumable writer unless `resume` is called.

        Args:
            description: What the output depends on, as JSON values; a later run compares it.

        Returns:
            The names of files of an earlier run that were removed.

        Raises:
            MediaError: If the work folder cannot be created, or the output exists.
        """
        return self._output.start(description)

    def stamp(self, frame: Frame) -> int | None:
        """The timestamp of the next frame in the output, for those who plan an output without writing it.

        Args:
            frame: The frame; its image is not used.

        Returns:
            In the output's time base; None if frames have no times there.
        """
        return None

    def continue_after(self, stamp: int | None) -> None:
        """Say that a frame with this timestamp from `stamp` comes before the first one that is written."""
        return

    def resume(self, segments: Sequence[Segment]) -> list[str]:
        """Continue after segments that an earlier run finished, instead of `start`.

        Args:
            segments: The first finished segments in `work`.

        Returns:
            The names of other files in the work folder, which are removed.
        """
        self.frames = sum(segment.frames for segment in segments)
        self.shot = segments[-1].shot
        for segment in segments:
            self._notes.extend(map(Note, segment.notes))
        return self._output.resume(segments)

    def write(self, frame: Frame) -> None:
        """Write the next frame.

        Raises:
            MediaError: If the disk is full or the encoder fails.
            UsageError: For a second frame of a single picture.
            Interrupted: If the user stops while the writer waits for free disk space.
        """
        size = (int(frame.image.shape[2]), int(frame.image.shape[1]))
        if size != (self.width, self.height):
            raise ValueError(
                f"frame {frame.index} is {size[0]}×{size[1]}, expected {self.width}×{self.height}"
            )
        if self.loses_light and frame.gain is not None and float(frame.gain.max()) > BRIGHT:
            self._notes.add(converted("light above white is compressed; only .exr keeps it"))
        self._output.disk.wait(self._finished_size)
        try:
            self._write(frame)
        except (av.FFmpegError, OSError) as error:
            raise writing_error(self.path, error) from error

    @abstractmethod
    def cut(self, save: Save | None = None, *, last: bool = False) -> None:
        """End the segment, if it has frames; the next frame starts another.

        Args:
            save: Writes the snapshot of the stylizer after the segment.
            last: Whether it is the last segment of the output.

        Raises:
            MediaError: If the disk is full or the encoder fails.
        """

    def finish(self, *, cut_short: bool = False) -> Path:
        """Complete the output and give it its name.

        Args:
            cut_short: Whether the clip ends early because the source is damaged: audio and all else end
                with the last frame, and a file gets the name of `incomplete_name`. Pictures keep their
                names.

        Returns:
            The finished file, or the pattern of the pictures.

        Raises:
            MediaError: If no frame was written, or the output cannot be written.
        """
        if self._output.done:
            return self.path
        try:
            return self._finish(cut_short)
        except (av.FFmpegError, OSError) as error:
            self.abort()
            raise writing_error(self.path, error) from error
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Remove everything except, if resumable, the finished segments."""
        self._output.abort()

    @abstractmethod
    def _write(self, frame: Frame) -> None:
        """`write`; libav's errors and OSError are converted by the caller."""

    @abstractmethod
    def _finish(self, cut_short: bool) -> Path:
        """`finish`; errors are handled by the caller."""

    def _finished_size(self) -> int:
        """Bytes of the finished file that are needed beside the work folder."""
        return 0

    def _no_frames(self) -> MediaError:
        return MediaError(f"{self.path} was not written: there are no frames")
