"""Writing a video to a pipe while it is made."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vst.errors import UsageError
from vst.frame import Frame
from vst.media.colour.layout import layout_of
from vst.media.encode.containers import STREAM_CONTAINERS, Container
from vst.media.encode.extras import Extras, not_stored
from vst.media.encode.join import set_timecode
from vst.media.encode.plan import Encoding, plan_encoding
from vst.media.encode.stream_extras import StreamExtras
from vst.media.encode.timestamps import OutputTimestamps
from vst.media.encode.trial_join import open_trial
from vst.media.encode.video_signal import picture_of
from vst.media.encode.writer import Writer
from vst.media.pipes.input_stream import held_stream
from vst.media.pipes.output_stream import OutputStream, stream_suffix
from vst.media.probe.clip_info import ClipInfo
from vst.media.provenance import add_provenance
from vst.media.segments.encoder import add_encoder
from vst.media.segments.transaction import OutputTransaction
from vst.media.segments.work_folder import Save, WorkFolder
from vst.stream_paths import is_stream


def stream_container(path: Path, name: str | None) -> Container:
    """The container of an output stream: the one named, else that of its suffix, else Matroska.

    Raises:
        UsageError: The suffix is that of a format that cannot be streamed.
    """
    chosen = name or stream_suffix(path) or "mkv"
    if chosen not in STREAM_CONTAINERS:
        raise UsageError(
            f"{path} is a pipe, and .{chosen} cannot be written to one: choose --pipe-format "
            f"{', '.join(STREAM_CONTAINERS)}"
        )
    return STREAM_CONTAINERS[chosen]


class StreamWriter(Writer):
    """Writes a video to a pipe, with one encoder and without a work folder: it cannot be resumed.

    Audio and subtitles are read along with the frames, and written up to the time of the last one.

    Args:
        output: Its path; nothing else of the transaction is used.
        source: The clip that the frames come from.
        encoding: Codec, quality and pixel format.
        width: Columns of the output.
        height: Rows of the output.
        container: A value of `STREAM_CONTAINERS`.
        threads: Encoder threads; None for what suits the frames' size.
        stop: Ends the waiting for the program that reads the pipe.
    """

    def __init__(
        self,
        output: OutputTransaction,
        source: ClipInfo,
        encoding: Encoding,
        width: int,
        height: int,
        *,
        container: Container,
        threads: int | None,
        stop: threading.Event | None,
    ) -> None:
        super().__init__(output, source, width, height)
        self.loses_light = source.light != "hdr"
        self._plan = plan_encoding(output.path, source, encoding, width, height, threads, container)
        self._notes.extend(self._plan.notes)
        self._times = OutputTimestamps(source, self._plan.time_base, self._plan.container)
        self._tried: Extras = {}
        if source.may_hold_extras:
            self._try()
        self._end = 0
        self._muxer: av.container.OutputContainer | None = None
        self._extras: StreamExtras | None = None
        self._pipe = OutputStream(output.path, stop)

    def _try(self) -> None:
        """Find out what of the source the container takes beside the video, before the first frame."""
        container, source = self._plan.container, self._source
        if not container.holds_extras:
            self._notes.extend(not_stored(f".{container.name}", source))
            return
        with tempfile.TemporaryDirectory() as folder:
            target, work = Path(folder) / "trial", WorkFolder(Path(folder) / "work")
            with open_trial(self.path, target, work, self._plan, source) as trial:
                result = trial.run()
        self._notes.extend(result.notes)
        self._tried = result.extras

    def set_time_range(self, begin: Fraction | None, *, until_last_frame: bool) -> None:
        self._times.set_range(begin, until_last_frame)

    def start(self, description: Mapping[str, Any] | None = None) -> list[str]:
        return []

    def cut(self, save: Save | None = None, *, last: bool = False) -> None:
        return

    def _write(self, frame: Frame) -> None:
        muxer = self._muxer or self._open_muxer()
        picture = picture_of(frame, self._source, self._plan)
        pts, self._end = self._times.stamp(frame, self._notes)
        picture.pts, picture.time_base = pts, self._plan.time_base
        picture.duration = self._end - pts
        with self._pipe.explained():
            if self._extras is not None:
                self._extras.mux(float(pts * self._plan.time_base))
            muxer.mux(self._encoder.encode(picture))
        self.frames += 1

    def _open_muxer(self) -> av.container.OutputContainer:
        plan = self._plan
        options = {"fflags": "+bitexact+flush_packets", **dict(plan.container.options)}
        muxer = av.open(self._pipe, "w", format=plan.container.muxer, container_options=options)
        self._muxer = muxer
        self._encoder = add_encoder(muxer, plan, plan.time_base)
        if plan.codec.muxing.alpha_tag and layout_of(plan.pix_fmt).alpha:
            self._encoder.metadata["alpha_mode"] = "1"  # as in `join`
        window = replace(self._times.window(0, self._notes), end=None)
        if plan.container.is_matroska:
            set_timecode(self._encoder, self._source, plan, window, self._notes)
        if self._tried:
            self._extras = StreamExtras(
                muxer, self._encoder, self._source, plan.container, window, self._tried
            )
        if plan.provenance is not None:
            tags = dict(muxer.metadata)
            add_provenance(tags, plan.container.provenance, plan.provenance)
            muxer.metadata.update(tags)
        if is_stream(self._source.path):
            # Everything that reads it is open: what all have passed need not be kept.
            with held_stream(self._source.path) as stream:
                stream.keep_no_more()
        return muxer

    def _finish(self, cut_short: bool) -> Path:
        muxer = self._muxer
        if muxer is None:
            raise self._no_frames()
        if cut_short:
            self._times.end_with_last_frame()
        last = self._times.window(self._end, self._notes).end
        with self._pipe.explained():
            muxer.mux(self._encoder.encode(None))
            if self._extras is not None:
                self._extras.finish(None if last is None else float(self._end * self._plan.time_base))
                self._notes.extend(self._extras.notes)
            muxer.close()
        self._muxer = None
        self._close()
        return self.path

    def abort(self) -> None:
        """Close the pipe; what is not written yet is dropped."""
        self._pipe.discard()
        muxer, self._muxer = self._muxer, None
        if muxer is not None:
            with contextlib.suppress(av.FFmpegError, OSError, ValueError):
                muxer.close()
        self._close()

    def _close(self) -> None:
        if self._extras is not None:
            self._extras.close()
        self._pipe.close()
        self._output.done = True
