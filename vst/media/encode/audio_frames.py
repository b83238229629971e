"""Decoded audio frames, on their way to an encoder."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.resampler import AudioResampler

from vst.media.encode.audio_encoder import assumed_layout, is_unspecified


class AudioClock:
    """Sets the times of audio frames so that they follow each other without overlap.

    The unit becomes a sample: in AVI it may be as long as a frame, and in Matroska it is a millisecond, so
    that frames would overlap or get equal times when an encoder divides them.
    """

    def __init__(self) -> None:
        self._end: int | None = None

    def set(self, frame: av.AudioFrame, shift: Fraction) -> None:
        """Set the time of the next frame.

        Args:
            frame: The frame.
            shift: Seconds that are subtracted from its time.
        """
        unit = Fraction(1, frame.sample_rate)
        end = self._end
        if frame.pts is None or not frame.time_base:
            pts = end or 0
        else:
            pts = round((frame.pts * frame.time_base - shift) / unit)
            tick = frame.time_base / unit
            if end is not None and pts - end <= tick:
                pts = end
        frame.pts, frame.time_base = pts, unit
        self._end = pts + frame.samples


class UniformAudio:
    """Gives all frames the sample format, channel layout and rate of the first one.

    An encoder takes no others, but a broadcast may change from stereo to 5.1 and back.
    """

    def __init__(self) -> None:
        self._first: av.AudioFrame | None = None
        self._latest: av.AudioFrame | None = None
        self._resampler: AudioResampler | None = None

    def feed(self, frames: list[av.AudioFrame], *, last: bool = False) -> Iterator[av.AudioFrame]:
        """Take decoded frames, and give those for the encoder.

        Args:
            frames: In order.
            last: Whether no more will come.
        """
        for decoded in frames:
            frame = _with_layout(self._packed(decoded))
            if self._latest is not None and not _is_like(frame, self._latest):
                yield from self._end()
            self._first, self._latest = self._first or frame, frame
            if _is_like(frame, self._first):
                yield frame
            else:
                yield from self._resample(frame)
        if last:
            yield from self._end()

    def _packed(self, frame: av.AudioFrame) -> av.AudioFrame:
        """The frame with interleaved samples if it has eight or more planes.

        PyAV 18 looks for more planes behind the eighth when it reads samples, and may crash.
        """
        if not frame.format.is_planar or frame.layout.nb_channels < 8:
            return frame
        packer = AudioResampler(frame.format.packed, frame.layout, frame.sample_rate)
        (packed,) = packer.resample(frame)
        return packed

    def _resample(self, frame: av.AudioFrame | None) -> Iterator[av.AudioFrame]:
        first = self._first
        if first is None:
            return
        if self._resampler is None:
            self._resampler = AudioResampler(first.format, first.layout, first.sample_rate)
        for each in self._resampler.resample(frame):
            if each.pts is not None and each.time_base and first.time_base:
                each.pts = round(each.pts * each.time_base / first.time_base)
                each.time_base = first.time_base
            yield each

    def _end(self) -> Iterator[av.AudioFrame]:
        """What the resampler still holds."""
        if self._resampler is not None:
            yield from self._resample(None)
            self._resampler = None


def _is_like(frame: av.AudioFrame, other: av.AudioFrame) -> bool:
    return (frame.format.name, frame.layout, frame.sample_rate) == (
        other.format.name,
        other.layout,
        other.sample_rate,
    )


def _with_layout(frame: av.AudioFrame) -> av.AudioFrame:
    """The frame, with the layout that is assumed if it states none."""
    if not is_unspecified(frame.layout):
        return frame
    samples, given = frame.to_ndarray(), frame.layout.nb_channels
    layout = av.AudioLayout(assumed_layout(given))
    if frame.format.is_planar:
        samples = samples[: layout.nb_channels]
    elif given > layout.nb_channels:
        samples = samples.reshape(-1, given)[:, : layout.nb_channels].reshape(1, -1).copy()
    whole = av.AudioFrame.from_ndarray(samples, frame.format.name, layout)
    whole.pts, whole.time_base, whole.sample_rate = frame.pts, frame.time_base, frame.sample_rate
    return whole
