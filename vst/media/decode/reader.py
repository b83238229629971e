"""A clip as a stream of frames: one pass, bounded memory, exact times, upright whole pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import torch

from vst.errors import CutShort, MediaError, UsageError, suggestion
from vst.frame import Frame
from vst.media.colour.layout import layout_of
from vst.media.colour.light import compress, display_from_light, light_from_signal, tone_mapped
from vst.media.colour.planes import to_rgb
from vst.media.colour.spec import TRANSFER_PQ, ColourSpec, spec_from_tags
from vst.media.decode.combing import CombFinder
from vst.media.decode.decoder import DECODER_THREADS, MAX_WAITING, Decoder, too_damaged
from vst.media.decode.deinterlace import DEINTERLACE, Deinterlacer
from vst.media.decode.hardware import NONE, choose_device
from vst.media.probe.clip import ClipInfo, probe
from vst.media.probe.limits import FRAMES, SECONDS
from vst.media.stills.read import Picture, read_still

HDR = ("tonemap", "keep")
"""What becomes of PQ and HLG: standard range, or shown so to the network and carried through."""

SDR = ColourSpec("bt709", False, 1, 1, 1, True, True)
"""What a clip is after tone mapping."""

MAX_DAMAGED = 10
"""So many damaged frames in a row are made up for, unless another number is asked for."""

NEVER = sys.maxsize
"""The index of no frame."""


class Reader:
    """The frames of a clip, in order of presentation.

    Iterate once; a new pass needs a new reader. Times are those of the container, exact; where it gives
    none, or gives them out of order, they are made up from the neighbours and `notes` says so. A frame that
    cannot be decoded is replaced by its nearest good neighbour where its place in time is known.

    Args:
        path: A video, a picture, or the pattern of an image sequence.
        max_damaged: So many damaged frames in a row are repaired; one more ends the clip with an error.
        threads: Decoder threads.
        fps: Frames a second of an image sequence.
        hdr: One of `HDR`.
        deinterlace: One of `DEINTERLACE`.
        hwaccel: The kind of device that decodes, a name of libav's (``cuda``, ``vaapi``, ``videotoolbox``);
            ``auto`` for any that works, or else software; ``none``.

    Raises:
        MediaError: If the file cannot be read (see `probe`), or not by the device; while iterating, if no
            frame can be decoded.
        CutShort: While iterating, if too many frames in a row are damaged, or a limit is passed
            (`vst.media.probe.limits`); the frames before are good.
        UsageError: For an `hdr` or `deinterlace` that there is not, or a frame rate where none is wanted.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_damaged: int = MAX_DAMAGED,
        threads: int = DECODER_THREADS,
        fps: Fraction | None = None,
        hdr: str = "tonemap",
        deinterlace: str = "no",
        hwaccel: str = NONE,
    ) -> None:
        check_hdr(hdr)
        check_deinterlace(deinterlace)
        found = probe(path, fps=fps)
        self._stored = found
        self.info: ClipInfo = _as_read(found, hdr, deinterlace)
        """What the frames are; for HDR and interlaced clips that may differ from what `probe` says."""
        self.repaired = 0
        """Frames that were replaced by a neighbour, so far."""
        self._errors = 0
        self._decoder: Decoder | None = None
        self._max_damaged = max_damaged
        self._threads = threads
        self._notes: list[str] = list(self.info.notes)
        said = found.interlaced or deinterlace != "no"
        self._combs = None if said or not found.in_container else CombFinder()
        self._device, decoded_by = choose_device(hwaccel, found)
        if decoded_by is not None:
            self._notes.append(decoded_by)
        self._stack = ExitStack()
        self._started = False
        self._first = 0
        self._limits = {limit: limit.value for limit in (FRAMES, SECONDS)}
        self._specs: dict[tuple[str, int, int], ColourSpec] = {}
        self._weaver = None
        if deinterlace != "no" and found.in_container:
            self._weaver = Deinterlacer(
                fields=deinterlace == "fields",
                time_base=found.time_base,
                field_order=found.field_order,
                marked=found.marked_fields,
            )

    @property
    def errors(self) -> int:
        """Packets, or files of a sequence, that could not be decoded, so far."""
        return self._errors if self._decoder is None else self._decoder.errors

    @property
    def patched(self) -> int:
        """Frames that could be decoded only in part, so far; the decoder made up the rest."""
        return 0 if self._decoder is None else self._decoder.patched

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know, as far as the clip has been read."""
        return tuple(self._notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._started:
            raise MediaError(f"{self.info.path} is read in one pass: open a new reader for another")
        self._started = True
        if self.info.is_still:
            picture = read_still(self.info.path)
            self._notes.extend(picture.notes)
            yield Frame(0, Fraction(0), Fraction(1, 25), picture.image, picture.alpha, picture.gain)
            return
        with self._stack:
            try:
                yield from self._frames()
            finally:
                self._report()  # also of a clip that is not read to its end

    def begin_at(self, first: int) -> None:
        """Give frames from this index on, before the iteration begins.

        Those before are decoded, since later ones lean on them, but not made into pictures: a frame is the
        same wherever the reading begins.
        """
        self._first = first

    def times(self) -> Iterator[Fraction]:
        """The time of every frame in place of the frames, which is faster.

        Raises:
            MediaError: As the iteration over frames.
        """
        if self.info.is_still:
            yield Fraction(0)
            return
        with self._stack:
            gap = 1 / self.info.average_rate if self.info.average_rate else Fraction(1, 25)
            self._first = NEVER
            for time, _, _ in self._timed(gap) if self.info.sequence is None else self._pictures(gap):
                yield time

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _wanted(self, index: int) -> bool:
        """Whether a frame has to be made into a picture: it is given, or may have to stand in for one."""
        return index >= self._first - self._max_damaged

    def _frames(self) -> Iterator[Frame]:
        """Frames with durations: each waits for the next one's time."""
        held: Frame | None = None
        before: Fraction | None = None
        gap = 1 / self.info.average_rate if self.info.average_rate else Fraction(1, 25)
        count = 0
        failure: MediaError | None = None
        decoded = self._timed(gap) if self.info.sequence is None else self._pictures(gap)
        own = gap
        while True:
            try:
                time, length, picture = next(decoded)
                self._check_limits(count + 1, time)
            except StopIteration:
                break
            except MediaError as error:
                failure = error
                break
            if before is not None:
                gap = time - before
            if held is not None:
                yield replace(held, duration=gap)
            if count >= self._first:
                assert picture is not None
                held = Frame(count, time, gap, picture.image, picture.alpha, picture.gain)
            before, own = time, length
            count += 1
        if held is not None:
            yield replace(held, duration=own if own > 0 else gap)
        if failure is not None:
            raise failure
        end = before + (own if own > 0 else gap) if before is not None else Fraction(0)
        if self.info.duration is not None and end - self.info.start < self.info.duration * 4 / 5:
            self._note(
                f"the picture ends at {float(end):.3f} s, but the file announces "
                f"{float(self.info.duration):.3f} s: it may be cut short"
            )
        if not count:
            raise MediaError(
                f"{self.info.path} has no frame that can be decoded: the file is damaged or cut short"
            )

    def _check_limits(self, count: int, time: Fraction) -> None:
        """End a clip that goes on for longer than its header says and a limit allows."""
        for limit, found in ((FRAMES, count), (SECONDS, time - self.info.start)):
            if found > self._limits[limit]:
                raise CutShort(limit.refusal(self.info.path, float(found)))

    def _report(self) -> None:
        if self._combs is not None and self._combs.found:
            self._note(
                "the frames look woven of two fields, though the clip does not say so; they are kept as "
                "they are (--deinterlace frames or fields makes whole pictures)"
            )
        if self.errors:
            packets = "packet" if self.errors == 1 else "packets"
            self._note(f"{self.errors} damaged {packets} could not be decoded")
        if self.patched:
            frames = "1 frame was" if self.patched == 1 else f"{self.patched} frames were"
            self._note(f"{frames} decoded only in part; what was missing is as the decoder patched it")
        if self.repaired:
            frames = "frame was" if self.repaired == 1 else "frames were"
            self._note(f"{self.repaired} damaged {frames} replaced by the nearest good neighbour")

    def _pictures(self, gap: Fraction) -> Iterator[tuple[Fraction, Fraction, Picture | None]]:
        """Time, duration and picture of every file of a sequence; a damaged one gets its neighbour's."""
        sequence = self.info.sequence
        assert sequence is not None
        previous: Picture | None = None
        waiting: list[Fraction] = []
        run = 0
        for index, (number, file) in enumerate(zip(sequence.numbers, sequence.files, strict=True)):
            time = (number - sequence.numbers[0]) * gap
            if not self._wanted(index):
                yield time, gap, None
                continue
            try:
                picture = self._in_size(read_still(file))
            except (MediaError, OSError) as error:
                self._errors += 1
                run += 1
                if run > self._max_damaged:
                    raise too_damaged(self.info.path, run, self._max_damaged) from error
                waiting.append(time)
                continue
            run = 0
            for each in picture.notes:
                self._note(each)
            for missing in waiting:
                self.repaired += 1
                yield missing, gap, previous or picture
            waiting = []
            yield time, gap, picture
            previous = picture
        for missing in waiting:
            if previous is not None:
                self.repaired += 1
                yield missing, gap, previous

    def _timed(self, gap: Fraction) -> Iterator[tuple[Fraction, Fraction, Picture | None]]:
        """Time, own duration and picture of every frame, times strictly increasing.

        Frames that are not wanted have no picture.
        """
        unit = self.info.time_base
        last: Fraction | None = None
        previous: Picture | None = None
        filled: set[int] = set()
        count = 0
        for frame, lost in self._whole():
            if frame is not None and frame.pts is not None and frame.pts in filled:
                # It came after all, but late: its place is taken.
                continue
            picture = previous
            if frame is not None:
                picture = self._picture(frame) if self._wanted(count + len(lost)) else None
            elif last is None:
                return
            if len(lost) > self._max_damaged:
                raise too_damaged(self.info.path, len(lost), self._max_damaged)
            for missing in lost:
                if last is None or missing * unit > last:
                    self.repaired += 1
                    filled.add(missing)
                    last = missing * unit
                    count += 1
                    yield last, Fraction(0), previous or picture
            if frame is None:
                return
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None:
                time = last + gap if last is not None else self.info.start
                self._note("some frames carry no time; it is reckoned from the frame rate")
            else:
                time = stamp * unit
            if last is not None and time <= last:
                time = last + min(gap, unit)
                self._note("some frames are timed out of order; they are set right after the one before")
            elif last is not None:
                gap = time - last
            count += 1
            yield time, Fraction(frame.duration or 0) * unit, picture
            last, previous = time, picture
            filled = {place for place in filled if place * unit > last - MAX_WAITING * gap}

    def _whole(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        """As `_decoded`, with whole pictures made of fields where that was asked for."""
        if self._weaver is None:
            yield from self._decoded()
            return
        step = 1 / (self._stored.average_rate or Fraction(25))
        unit = self._stored.time_base
        last: int | None = None
        for frame, lost in self._decoded():
            if frame is None:
                yield from self._weaver.drain()
                yield None, [2 * pts for pts in lost]
                return
            if frame.pts is None:
                after = 0 if last is None else last + max(1, round(step / unit))
                frame.pts = frame.dts if frame.dts is not None else after
            if last is not None and frame.pts <= last:
                frame.pts = last + 1
            last = frame.pts
            yield from self._weaver.feed(frame, lost)
        yield from self._weaver.drain()

    def _decoded(self) -> Iterator[tuple[av.VideoFrame | None, list[int]]]:
        self._decoder = Decoder(
            self._stored,
            max_damaged=self._max_damaged,
            threads=self._threads,
            note=self._note,
            device=self._device,
        )
        for frame, lost in self._stack.enter_context(self._decoder):
            if frame is not None and self._combs is not None:
                self._combs.look(frame)
            yield frame, lost

    def _picture(self, frame: av.VideoFrame) -> Picture:
        """Upright R'G'B' and what goes with it, in the clip's size."""
        image, alpha = to_rgb(frame, self._spec(frame))
        gain = None
        colour = self._stored.colour
        if colour.is_hdr and self.info.light is None:
            image = tone_mapped(image, colour.transfer, colour.primaries)
        elif colour.is_hdr:
            shown, gain = compress(light_from_signal(image, colour.transfer, colour.primaries))
            image = display_from_light(shown)
        turn = self.info.orientation
        upright = [None if plane is None else turn.apply(plane) for plane in (image, alpha, gain)]
        assert upright[0] is not None
        return self._in_size(Picture(upright[0], upright[1], upright[2]))

    def _in_size(self, picture: Picture) -> Picture:
        """A picture scaled to the clip's size, should it have another."""
        size = (self.info.height, self.info.width)
        if tuple(picture.image.shape[1:]) == size:
            return picture
        self._note(f"the picture changes its size within the clip; it is scaled to {size[1]}×{size[0]}")
        planes = [
            None
            if plane is None
            else torch.nn.functional.interpolate(plane[None], size, mode="bilinear", antialias=True)[0]
            for plane in (picture.image, picture.alpha, picture.gain)
        ]
        assert planes[0] is not None
        return Picture(planes[0], planes[1], planes[2], picture.notes)

    def _spec(self, frame: av.VideoFrame) -> ColourSpec:
        """What this frame's samples mean: the clip's colour, unless the frame says otherwise."""
        key = (frame.format.name, int(frame.colorspace), int(frame.color_range))
        spec = self._specs.get(key)
        if spec is None:
            layout = layout_of(frame.format.name)
            clip = self._stored.colour
            if layout.is_rgb == (clip.matrix == "rgb") and not layout.implied_full:
                spec = clip
            else:
                spec = spec_from_tags(
                    layout,
                    self.info.coded_height,
                    matrix=int(frame.colorspace),
                    range_=int(frame.color_range),
                    primaries=clip.primaries,
                    transfer=clip.transfer,
                )
            self._specs[key] = spec
        return spec


def check_hdr(name: str) -> None:
    """Refuse what cannot become of HDR.

    Raises:
        UsageError: for a name that `HDR` does not have.
    """
    if name not in HDR:
        raise UsageError(f"hdr is {name!r}: {suggestion(name, HDR)}")


def check_deinterlace(name: str) -> None:
    """Refuse a way of deinterlacing that there is not.

    Raises:
        UsageError: for a name that `DEINTERLACE` does not have.
    """
    if name not in DEINTERLACE:
        raise UsageError(f"deinterlace is {name!r}: {suggestion(name, DEINTERLACE)}")


def _counted_twice(timecode: str | None) -> str | None:
    """The same moment at twice the frame rate."""
    return timecode and f"{timecode[:-2]}{2 * int(timecode[-2:]):02d}"


def _as_read(found: ClipInfo, hdr: str, deinterlace: str) -> ClipInfo:
    """What a clip is once it has been read in this way."""
    info = found
    if found.colour.is_hdr:
        curve = "PQ" if found.colour.transfer == TRANSFER_PQ else "HLG"
        if hdr == "keep":
            note = f"HDR ({curve}) is kept: painted as tone-mapped, then as bright again as it was"
            info = replace(info, light="hdr", notes=(*info.notes, note))
        else:
            note = f"HDR ({curve}) is tone-mapped to standard range (BT.709); --hdr keep carries it through"
            info = replace(info, colour=SDR, mastering=None, notes=(*info.notes, note))
    if deinterlace != "no" and not found.in_container:
        return replace(
            info, notes=(*info.notes, "pictures have no fields: there is nothing to deinterlace")
        )
    if deinterlace == "no":
        return info
    notes = [note for note in info.notes if not note.startswith("the clip is interlaced")]
    doubled = 2 if deinterlace == "fields" else 1
    each = "field" if deinterlace == "fields" else "frame"
    notes.append(f"deinterlaced to one picture a {each}")
    if not found.interlaced:
        notes.append("the clip does not say that it is interlaced; the top field is taken to come first")
    return replace(
        info,
        interlaced=False,
        time_base=found.time_base / 2,
        average_rate=found.average_rate and found.average_rate * doubled,
        frames=found.frames and found.frames * doubled,
        timecode=_counted_twice(found.timecode) if doubled == 2 else found.timecode,
        notes=tuple(notes),
    )
