"""Writing each frame as a picture file; the pictures get their names when all are written."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vst.errors import MediaError
from vst.frame import Frame
from vst.media.encode.picture_writer import plan_pictures
from vst.media.encode.plan import Encoding
from vst.media.encode.writer import Writer
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Save
from vst.media.stills.exr import probe_exr
from vst.media.stills.samples import PictureMetadata
from vst.media.stills.sequence import numbered
from vst.media.stills.write import write_picture


class SequenceWriter(Writer):
    """Writes an image sequence.

    The pictures of a sequence keep the numbers of its files; the frames of other clips are numbered from 1.
    They are written to the work folder, which has to be on the disk of the output.

    Args:
        output: The transaction of the output.
        source: The clip that the frames come from.
        encoding: Pixel format; codec and quality have to be None.
        width: Columns of the output.
        height: Rows of the output.
        segment_frames: The most frames in a segment.
    """

    def __init__(
        self,
        output: OutputTransaction,
        source: ClipInfo,
        encoding: Encoding,
        width: int,
        height: int,
        *,
        segment_frames: int,
    ) -> None:
        super().__init__(output, source, width, height)
        self._plan = plan_pictures(output.path, source, encoding, self._notes)
        self.loses_light = self._plan.loses_light
        self._segment_frames = segment_frames
        self._files: list[Path] = []
        self._indices: list[int] = []
        output.acquire()

    @property
    def segment_contents(self) -> dict[str, str]:
        return {"--provenance": str(self._plan.provenance is not None)}

    def set_time_range(self, begin: Fraction | None, *, until_last_frame: bool) -> None:
        return

    def _write(self, frame: Frame) -> None:
        number, metadata = self._number_and_metadata(frame)
        path = self.work.folder / numbered(self.path, number).name
        write_picture(path, self._plan, frame, metadata)
        self._files.append(path)
        self._indices.append(frame.index)
        self.frames += 1
        if len(self._indices) >= self._segment_frames:
            self.cut()

    def cut(self, save: Save | None = None, *, last: bool = False) -> None:
        self._close_segment(save, last=last)

    def _close_segment(
        self, save: Save | None = None, *, last: bool = False, truncated: bool = False
    ) -> None:
        if not self._indices:
            return
        self._output.finish_segment(
            self._indices,
            self._indices[-1] + 1,
            0,
            files=self._files,
            shot=self.shot,
            last=last,
            save=save,
            notes=self.notes,
            truncated=truncated,
        )
        self._indices, self._files = [], []

    def _finish(self, cut_short: bool) -> Path:
        self._close_segment(last=True, truncated=cut_short)
        if not self.frames:
            raise self._no_frames()
        return self._output.commit_pictures()

    def _number_and_metadata(self, frame: Frame) -> tuple[int, PictureMetadata]:
        """The number of a frame's file, and the metadata of the file that it comes from."""
        sequence, metadata = self._source.sequence, self._source.picture
        if sequence is None:
            return frame.index + 1, metadata
        number = sequence.numbers[frame.index]
        if self._plan.kind != "EXR" or metadata.windows is None:
            return number, metadata
        try:
            own = probe_exr(sequence.files[frame.index])
            return number, replace(metadata, attributes=own.attributes, windows=own.windows)
        except MediaError:
            # A damaged file, which is replaced by its neighbour.
            return number, metadata
