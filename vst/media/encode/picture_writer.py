"""Writing one frame as a picture file."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from vst.errors import UsageError
from vst.frame import Frame
from vst.media.encode.extras import not_stored
from vst.media.encode.plan import Encoding
from vst.media.encode.writer import Writer
from vst.media.notes import Notes
from vst.media.probe.clip_info import ClipInfo
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Save
from vst.media.stills.write import PicturePlan, plan_picture, write_picture


def plan_pictures(path: Path, source: ClipInfo, encoding: Encoding, notes: Notes) -> PicturePlan:
    """The plan for a picture or an image sequence, with notes on what pictures cannot hold.

    Raises:
        UsageError: If the user gave a codec or a quality, or a pixel format that the format does not have.
    """
    if encoding.codec is not None or encoding.crf is not None:
        raise UsageError(f"{path.name} is a picture: --codec and --crf are for video; leave them out")
    plan = plan_picture(path, source, encoding.pix_fmt, encoding.provenance)
    notes.extend(plan.notes)
    notes.extend(not_stored("picture files", source))
    return plan


class PictureWriter(Writer):
    """Writes a clip of one frame as a picture file. It has no segments, so nothing to resume.

    Args:
        output: The transaction of the output.
        source: The clip that the frame comes from.
        encoding: Pixel format; codec and quality have to be None.
        width: Columns of the output.
        height: Rows of the output.
    """

    def __init__(
        self, output: OutputTransaction, source: ClipInfo, encoding: Encoding, width: int, height: int
    ) -> None:
        super().__init__(output, source, width, height)
        self._plan = plan_pictures(output.path, source, encoding, self._notes)
        self.loses_light = self._plan.loses_light
        self._frame: Frame | None = None
        output.acquire()

    def set_time_range(self, begin: Fraction | None, *, until_last_frame: bool) -> None:
        return

    def start(self, description: Mapping[str, Any] | None = None) -> list[str]:
        return []

    def cut(self, save: Save | None = None, *, last: bool = False) -> None:
        return

    def _write(self, frame: Frame) -> None:
        if self._frame is not None:
            raise UsageError(
                f"{self.path.name} is a picture, but the clip has several frames: choose a video "
                "extension, .gif, .webp or .apng for an animated picture, or a sequence such as "
                f"{self.path.stem}.%04d{self.path.suffix}"
            )
        self._frame = frame
        self.frames = 1

    def _finish(self, cut_short: bool) -> Path:
        if self._frame is None:
            raise self._no_frames()
        write_picture(self._output.temporary, self._plan, self._frame, self._source.picture)
        return self._output.commit_file(incomplete=cut_short)
