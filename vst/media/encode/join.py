"""Joining the segments and the source's other streams into one file, without re-encoding."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av

from vst.media.clock.demux import continued_packets
from vst.media.colour.layout import layout_of
from vst.media.encode.extra_streams import ExtraStream, add_extra_streams
from vst.media.encode.extras import CHAPTERS, MAX_READ_PACKETS, TAGS, Extras, Sample, sampled_streams
from vst.media.encode.matroska import PLACEHOLDER_TAG, set_sample_aspect
from vst.media.encode.plan import EncodingPlan
from vst.media.encode.tags import MOV_TAGS, MP4_TAGS, content_tags
from vst.media.encode.time_window import TimeWindow
from vst.media.encode.video_packets import add_video_stream, video_packets
from vst.media.file_errors import reason_of
from vst.media.libav import open_input, url_of
from vst.media.notes import Note, Notes, dropped
from vst.media.probe.clip_info import ClipInfo
from vst.media.probe.timecode import fits_timecode, later_timecode
from vst.media.provenance import add_provenance
from vst.media.segments.work_folder import Segment, WorkFolder


def join(
    target: Path,
    work: WorkFolder,
    segments: list[Segment],
    plan: EncodingPlan,
    source: ClipInfo,
    window: TimeWindow,
    extras: Extras,
    sample: Sample | None = None,
) -> tuple[Note, ...]:
    """Write a file from finished segments and from what the source has beside the video.

    Args:
        target: The file to write, under its temporary name.
        work: The work folder.
        segments: All segments, in order.
        plan: Codec, container, colour and timing.
        source: The clip that audio, subtitles, chapters and tags come from.
        window: The part of the source's time that is in the output.
        extras: What of the source is written beside the video.
        sample: How many packets of it; None for all.

    Returns:
        What was damaged and repaired or left out.

    Raises:
        MediaError: If a segment is damaged.
        OSError: If writing fails; also as libav's errors.
        ValueError: If the container does not take something of `extras`; also as libav's errors.
    """
    notes = Notes()
    # PyAV cannot set the sample aspect of a copied stream in Matroska, so it is written afterwards.
    needs_aspect = plan.container.is_matroska and plan.sample_aspect != 1
    with ExitStack() as stack:
        original = None
        if source.may_hold_extras:
            original = stack.enter_context(open_input(source.path))
        tags, video_tags = {}, {}
        if original is not None and TAGS in extras:
            tags = content_tags(original.metadata)
            video_tags = content_tags(original.streams[source.stream_index].metadata)
        if plan.provenance is not None:
            add_provenance(tags, plan.container.provenance, plan.provenance)
        output = av.open(
            url_of(target),
            "w",
            format=plan.container.muxer,
            container_options={"fflags": "+bitexact", **_muxer_options(plan, source, tags)},
        )
        try:
            video = add_video_stream(output, work, plan)
            video.metadata.update(video_tags)
            set_timecode(video, source, plan, window, notes)
            if plan.codec.muxing.alpha_tag and layout_of(plan.pix_fmt).alpha:
                # Alpha is encoded beside the video; players look for this tag.
                video.metadata["alpha_mode"] = "1"
            if needs_aspect:
                video.metadata.update([PLACEHOLDER_TAG])
            packets = [video_packets(work, segments, video, plan, notes)]
            output.metadata.update(tags)
            if original is not None:
                extra = add_extra_streams(output, original, plan.container, source, window, extras)
                if CHAPTERS in extras:
                    copy_chapters(output, original, window)
                if extra:
                    packets.append(_extra_packets(original, source, extra, window, sample, notes))
            for _, packet in heapq.merge(*packets, key=lambda item: item[0]):
                if not plan.container.start_times and packet.pts is not None and packet.pts < 0:
                    # The start of an encoder's delay: with it, the muxer would set the video later.
                    continue
                output.mux_one(packet)
            output.start_encoding()
        except BaseException:
            _close_quietly(output)
            raise
        output.close()
    if needs_aspect:
        set_sample_aspect(target, plan.width, plan.height, plan.sample_aspect)
    return tuple(notes)


def _muxer_options(plan: EncodingPlan, source: ClipInfo, tags: dict[str, str]) -> dict[str, str]:
    options = dict(plan.container.options)
    if plan.container.is_mp4:
        if set(tags) - (MOV_TAGS if plan.container.muxer == "mov" else MP4_TAGS):
            options["movflags"] += "+use_metadata_tags"
        # The unit of edit lists, which state where each stream starts.
        options["movie_timescale"] = str(_movie_timescale(source, plan.time_base))
    return options


def _movie_timescale(source: ClipInfo, time_base: Fraction) -> int:
    """A unit in which the starts of video and audio are whole numbers, if it fits into 31 bits."""
    units = [time_base.denominator, *(audio.rate for audio in source.audio if audio.rate)]
    common = math.lcm(*units)
    return common if common < 2**31 else time_base.denominator


def set_timecode(
    video: av.VideoStream, source: ClipInfo, plan: EncodingPlan, window: TimeWindow, notes: Notes
) -> None:
    """Write the timecode of the first frame."""
    if source.timecode is None or plan.container.muxer == "avi":
        return
    if fits_timecode(source.timecode, plan.rate):
        skipped = 0 if window.start is None else round((window.start - source.start) * plan.rate)
        video.metadata["timecode"] = later_timecode(source.timecode, skipped, plan.rate)
    else:
        notes.add(
            dropped(
                f"the timecode {source.timecode} is dropped: "
                f"it is not valid at {float(plan.rate):g} frames/s"
            )
        )


def _close_quietly(output: av.container.OutputContainer) -> None:
    """Close after an error, without hiding that error."""
    try:
        output.close()
    except (av.FFmpegError, OSError, ValueError):
        return


def flush_packet(stream: av.stream.Stream) -> av.Packet:
    """The empty packet at the end of a stream."""
    packet = av.Packet()
    packet.stream = stream
    return packet


def _extra_packets(
    original: av.container.InputContainer,
    source: ClipInfo,
    extra: list[ExtraStream],
    window: TimeWindow,
    sample: Sample | None,
    notes: Notes,
) -> Iterator[tuple[float, av.Packet]]:
    """Packets of audio and subtitles for the output, roughly in order of time."""
    by_index = {stream.source.index: stream for stream in extra}
    streams = [stream.source for stream in extra]
    unfinished = set(by_index)
    missing: dict[int, int] | None = None
    if sample is not None:
        missing = dict(sample.counts)
        streams += [stream for stream in sampled_streams(original) if stream.index not in by_index]
    latest = float("-inf")
    try:
        video = original.streams[source.stream_index]
        assert isinstance(video, av.VideoStream)
        for read, packet in enumerate(continued_packets(original, video, streams)):
            stream = by_index.get(packet.stream.index)  # an empty one has no stream_index
            for ready in () if stream is None else stream.feed(packet):
                stamp = ready.dts if ready.dts is not None else ready.pts
                if stamp is not None and ready.time_base:
                    latest = max(latest, float(stamp * ready.time_base))
                yield latest, ready
            if packet.dts is not None and window.is_past(packet.dts * packet.time_base):
                unfinished.discard(packet.stream_index)
            if missing is not None and packet.size and packet.stream_index in missing:
                missing[packet.stream_index] -= 1
                if max(missing.values()) <= 0 or read >= MAX_READ_PACKETS:
                    unfinished.clear()
            if not unfinished:
                # The rest of a long source is not needed, but what the decoders still hold is.
                for each in extra:
                    for ready in each.feed(flush_packet(each.source)):
                        yield latest, ready
                break
    except av.FFmpegError as error:
        notes.add(
            dropped(
                f"audio and subtitles end early: the source cannot be read further ({reason_of(error)})"
            )
        )
    for each in extra:
        notes.extend(each.notes)


def copy_chapters(
    output: av.container.OutputContainer, original: av.container.InputContainer, window: TimeWindow
) -> None:
    """Copy the chapters, moved and cut as the output's time is."""
    kept = []
    for chapter in original.chapters():
        unit = chapter["time_base"]
        if not unit:
            continue
        length = max(0, chapter["end"] - chapter["start"])
        part = window.clipped(chapter["start"] * unit, length * unit)
        if part is not None:
            # A chapter may begin before the first frame, but no container stores that.
            chapter["start"] = max(0, round((part[0] - window.shift) / unit))
            chapter["end"] = chapter["start"] + round(part[1] / unit)
            kept.append(chapter)
    if kept:
        output.set_chapters(kept)
