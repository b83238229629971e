"""Segments and the source's sound, subtitles, chapters and tags into one file, nothing encoded again."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import av.bitstream

from vst.media.colour.layout import layout_of
from vst.media.colour.spec import RANGE_FULL, RANGE_LIMITED
from vst.media.encode.codecs import Plan
from vst.media.encode.extra_streams import Companion, choose_companions
from vst.media.encode.matroska import PLACEHOLDER_TAG, set_sample_aspect
from vst.media.encode.window import WHOLE, Window
from vst.media.probe.clip import ClipInfo
from vst.media.probe.containers import open_input, packets_of, reason_of
from vst.media.probe.timecode import fits_timecode, later_timecode
from vst.media.segments.encoder import read_packets
from vst.media.segments.work_folder import Segment, WorkFolder

MP4_FAMILY = ("mp4", "mov")

MAX_LEAD = 10
"""Seconds by which frames may be decoded early so that the last one lasts."""

TECHNICAL_TAGS = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "vendor_id",
    "duration",
    "rotate",
    "alpha_mode",
    "bps",
    "number_of_frames",
    "number_of_bytes",
    "source_id",
    "stereo_mode",
    "timecode",
}
"""Tags that describe the old file rather than the clip."""

MP4_TAGS = {
    "title",
    "artist",
    "album_artist",
    "album",
    "composer",
    "comment",
    "genre",
    "copyright",
    "date",
    "description",
    "synopsis",
    "lyrics",
    "grouping",
    "show",
    "episode_id",
    "network",
    "keywords",
    "creation_time",
    "location",
}
"""What the usual tag box of MP4 can say; anything else needs the newer key-value box."""


def content_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags that are about the clip and not about its file."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower() not in TECHNICAL_TAGS
        and not key.lower().startswith(("_statistics", "bps-", "duration-"))
    }


def join(
    target: Path,
    store: WorkFolder,
    segments: list[Segment],
    plan: Plan,
    source: ClipInfo,
    *,
    time_base: Fraction,
    rate: Fraction,
    sample_aspect: Fraction,
    window: Window = WHOLE,
) -> list[str]:
    """Write `target` from finished segments and what goes with the picture in the source.

    Args:
        target: The file to write (a temporary name; `plan` has the format).
        store: Where the segments lie.
        segments: All of them, in order.
        plan: Codec, container and colour.
        source: The clip that sound, subtitles, chapters and tags come from.
        time_base: The unit of the segments' timestamps.
        rate: Nominal frame rate, for containers that want one.
        sample_aspect: Width of a pixel by its height.
        window: Which part of the source's time that is.

    Returns:
        Notes on what was converted or lost.

    Raises:
        MediaError: If a segment is damaged.
        OSError: If writing fails; also as libav's errors.
    """
    notes: list[str] = []
    options = dict(plan.container.options)
    shaped = plan.container.muxer in ("matroska", "webm") and sample_aspect != 1
    with ExitStack() as stack:
        original = None
        companions: list[Companion] = []
        tags: dict[str, str] = {}
        if source.in_container:
            original = stack.enter_context(open_input(source.path))
            tags = content_tags(original.metadata)
        if plan.container.muxer in ("mp4", "mov") and set(tags) - MP4_TAGS:
            options["movflags"] += "+use_metadata_tags"
        if plan.container.muxer in ("mp4", "mov"):
            # Edit lists, which say where each stream starts, are written in this unit.
            options["movie_timescale"] = str(_movie_timescale(source, time_base))
        output = av.open(
            str(target),
            "w",
            format=plan.container.muxer,
            container_options={"fflags": "+bitexact", **options},
        )
        try:
            video = _add_video(output, store, plan, time_base, rate, sample_aspect)
            if original is not None:
                video.metadata.update(content_tags(original.streams[source.stream_index].metadata))
            if source.timecode is not None and plan.container.muxer != "avi":
                if fits_timecode(source.timecode, rate):
                    passed = 0 if window.start is None else round((window.start - source.start) * rate)
                    video.metadata["timecode"] = later_timecode(source.timecode, passed, rate)
                else:
                    notes.append(
                        f"the timecode {source.timecode} is dropped: {float(rate):g} frames/s has none"
                    )
            if plan.codec.name == "vp9" and layout_of(plan.pix_fmt).alpha:
                # VP9 keeps alpha beside the picture; only this tag says that it is there.
                video.metadata["alpha_mode"] = "1"
            if shaped:
                video.metadata.update([PLACEHOLDER_TAG])
            if original is not None:
                output.metadata.update(tags)
                companions = choose_companions(output, original, plan.container, source, window, notes)
                _copy_chapters(output, original, plan, window, notes)
            sources = [_video_packets(store, segments, video, time_base, rate, plan, notes)]
            if original is not None and companions:
                sources.append(_companion_packets(original, companions, window, notes))
            for _, packet in heapq.merge(*sources, key=lambda item: item[0]):
                output.mux_one(packet)
            output.start_encoding()
        except BaseException:
            _close_quietly(output)
            raise
        output.close()
    if shaped:
        set_sample_aspect(target, video.codec_context.width, video.codec_context.height, sample_aspect)
    return notes


def _empty(stream: av.stream.Stream) -> av.Packet:
    """What a stream ends with."""
    packet = av.Packet()
    packet.stream = stream
    return packet


def _movie_timescale(source: ClipInfo, time_base: Fraction) -> int:
    """A unit in which the starts of picture and sound are whole numbers, if 31 bits can hold it."""
    units = [time_base.denominator, *(audio.rate for audio in source.audio if audio.rate)]
    common = math.lcm(*units)
    return common if common < 2**31 else time_base.denominator


def _close_quietly(output: av.container.OutputContainer) -> None:
    """Close after an error, whose own message matters more than one from here."""
    try:
        output.close()
    except (av.FFmpegError, OSError, ValueError):
        return


def _add_video(
    output: av.container.OutputContainer,
    store: WorkFolder,
    plan: Plan,
    time_base: Fraction,
    rate: Fraction,
    sample_aspect: Fraction,
) -> av.VideoStream:
    with av.open(str(store.video(0)), "r") as first:
        video = output.add_stream_from_template(first.streams.video[0], opaque=True)
    context = video.codec_context
    video.time_base = time_base
    context.framerate = rate
    context.sample_aspect_ratio = sample_aspect
    context.colorspace = plan.colour.matrix_code
    context.color_primaries = plan.colour.primaries
    context.color_trc = plan.colour.transfer
    colour_range = RANGE_FULL if plan.colour.full_range else RANGE_LIMITED
    context.color_range = colour_range if plan.colour.range_tagged else 0
    if plan.codec.name == "h265" and plan.container.muxer in ("mp4", "mov"):
        context.codec_tag = "hvc1"
    return video


def _video_packets(
    store: WorkFolder,
    segments: list[Segment],
    video: av.VideoStream,
    time_base: Fraction,
    rate: Fraction,
    plan: Plan,
    notes: list[str],
) -> Iterator[tuple[float, av.Packet]]:
    """All packets in decoding order, with real timestamps.

    The packet that is decoded as number g is at latest the frame g − delay in order of presentation, so
    the presentation times, `delay` places later, are decoding times: strictly increasing and never after
    the packet's own presentation, for a variable frame rate too and across segments.

    MP4 keeps no durations but those between decoding times. So where the last frame to be shown is not the
    last to be decoded, the decoding times up to its own are set earlier, by as much as its duration lacks.
    """
    delay = max(segment.delay for segment in segments)
    step = max(1, round(1 / rate / time_base))
    first = segments[0].pts[0]
    # AVI wants H.264 with start codes, which the segments' container takes off.
    annex_b = plan.container.muxer == "avi" and plan.codec.name == "h264"
    start_codes = (
        av.bitstream.BitStreamFilterContext("h264_mp4toannexb", in_stream=video) if annex_b else None
    )
    header = video.codec_context.extradata
    earlier = [first - (delay - place) * step for place in range(delay)]
    lead, turn = 0, segments[-1].frames
    if plan.container.muxer in MP4_FAMILY:
        before = earlier + [pts for segment in segments[:-1] for pts in segment.pts]
        lead, turn = _lead(store, segments[-1], before[len(before) - delay :])
    if lead * time_base > MAX_LEAD:
        notes.append(f"the last frame is shown for less than its {float(lead * time_base):.0f} s")
        lead = 0
    for position, segment in enumerate(segments):
        following = segments[position + 1].pts[0] if position + 1 < len(segments) else segment.end
        ends = [*segment.pts[1:], following]
        clock = earlier + segment.pts
        for order, (number, packet) in enumerate(read_packets(store, segment, header)):
            packet.stream = video
            packet.time_base = time_base
            packet.pts = segment.pts[number]
            packet.dts = clock[order]
            in_last = position + 1 == len(segments)
            if in_last and order == turn:
                packet.dts -= lead
            elif not in_last or order < turn:
                packet.dts -= max(lead, 0)
            packet.duration = max(1, ends[number] - segment.pts[number])
            stamp = float(packet.dts * time_base)
            if start_codes is not None:
                for ready in start_codes.filter(packet):
                    ready.stream = video
                    ready.time_base = time_base
                    yield stamp, ready
            else:
                yield stamp, packet
        earlier = clock[-delay:] if delay else []


def _lead(store: WorkFolder, segment: Segment, earlier: list[int]) -> tuple[int, int]:
    """By how much the last frame to be shown has to be decoded earlier to last as long as it should.

    Args:
        store: Where the segment lies.
        segment: The last one.
        earlier: Decoding times of its first packets.

    Returns:
        That many ticks, negative for later, and the frame's place in order of decoding.
    """
    turn = [number for number, _ in read_packets(store, segment)].index(segment.frames - 1)
    if turn + 1 == segment.frames:
        return 0, turn
    clock = earlier + segment.pts
    return segment.end - segment.pts[-1] - (clock[turn + 1] - clock[turn]), turn


def _companion_packets(
    original: av.container.InputContainer, companions: list[Companion], window: Window, notes: list[str]
) -> Iterator[tuple[float, av.Packet]]:
    """Packets of sound and subtitles, ready to be written, roughly in order of time."""
    by_index = {companion.stream.index: companion for companion in companions}
    unfinished = set(by_index)
    latest = float("-inf")
    try:
        for packet in packets_of(original, [companion.stream for companion in companions]):
            companion = by_index[packet.stream.index]
            for ready in companion.feed(packet):
                stamp = ready.dts if ready.dts is not None else ready.pts
                if stamp is not None and ready.time_base:
                    latest = max(latest, float(stamp * ready.time_base))
                yield latest, ready
            if packet.dts is not None and window.is_past(packet.dts * packet.time_base):
                unfinished.discard(packet.stream_index)
            if not unfinished:
                # The rest of a long source need not be read; what decoders still hold is wanted.
                for companion in companions:
                    for ready in companion.feed(_empty(companion.stream)):
                        yield latest, ready
                break
    except av.FFmpegError as error:
        notes.append(
            f"sound and subtitles end early: the source cannot be read further ({reason_of(error)})"
        )
    for companion in companions:
        notes.extend(companion.notes)


def _copy_chapters(
    output: av.container.OutputContainer,
    original: av.container.InputContainer,
    plan: Plan,
    window: Window,
    notes: list[str],
) -> None:
    chapters = [chapter for chapter in original.chapters() if chapter["time_base"]]
    if not chapters:
        return
    if plan.container.muxer == "avi":
        notes.append(f"{len(chapters)} chapters are dropped: AVI has none")
        return
    kept = []
    for chapter in chapters:
        unit = chapter["time_base"] or Fraction(1)
        part = window.clipped(chapter["start"] * unit, (chapter["end"] - chapter["start"]) * unit)
        if part is not None:
            chapter["start"] = round((part[0] - window.shift) / unit)
            chapter["end"] = chapter["start"] + round(part[1] / unit)
            kept.append(chapter)
    if kept:
        output.set_chapters(kept)
