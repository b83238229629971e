"""The video packets of an output, from its segments, with the timestamps of the output."""

from __future__ import annotations

from collections.abc import Iterator

import av
import av.bitstream

from vst.media.colour.spec import RANGE_FULL, RANGE_LIMITED
from vst.media.encode.plan import EncodingPlan
from vst.media.libav import url_of
from vst.media.notes import Notes, converted
from vst.media.segments.encoder import read_packets
from vst.media.segments.work_folder import Segment, WorkFolder

MAX_LEAD = 10
"""Seconds by which decoding times may be set earlier to give the last frame its duration."""


def add_video_stream(
    output: av.container.OutputContainer, work: WorkFolder, plan: EncodingPlan
) -> av.VideoStream:
    """Add the video stream of the first segment to an output."""
    with av.open(url_of(work.video(0)), "r") as first:
        template = first.streams.video[0]
        video = output.add_stream_from_template(template, opaque=True)
        if (avi_filter := _avi_filter(plan)) is not None:
            # The codec header gets the form that the filter gives to the packets.
            av.bitstream.BitStreamFilterContext(avi_filter, in_stream=template, out_stream=video)
    context = video.codec_context
    video.time_base = plan.time_base
    context.framerate = plan.rate
    context.sample_aspect_ratio = plan.sample_aspect
    context.colorspace = plan.colour.matrix_code
    context.color_primaries = plan.colour.primaries
    context.color_trc = plan.colour.transfer
    colour_range = RANGE_FULL if plan.colour.full_range else RANGE_LIMITED
    context.color_range = colour_range if plan.colour.range_tagged else 0
    muxing = plan.codec.muxing
    if muxing.mp4_tag is not None and plan.container.is_mp4:
        context.codec_tag = muxing.mp4_tag
    return video


def video_packets(
    work: WorkFolder, segments: list[Segment], video: av.VideoStream, plan: EncodingPlan, notes: Notes
) -> Iterator[tuple[float, av.Packet]]:
    """All packets in decoding order, with the output's timestamps, each with its decoding time in seconds.

    The packet with position g in decoding order is at latest frame g − delay in presentation order. So the
    presentation times, `delay` positions later, serve as decoding times: they strictly increase and are
    never after the packet's own presentation time, for a variable frame rate too and across segments.

    MP4 stores durations as differences of decoding times. So if the last frame in presentation order is not
    the last in decoding order, the decoding times up to its own are set earlier by what its duration lacks.
    """
    delay = max(segment.delay for segment in segments)
    step = max(1, round(1 / plan.rate / plan.time_base))
    first = segments[0].pts[0]
    avi_filter = _avi_filter(plan)
    with av.open(url_of(work.video(0)), "r") as opened:
        template = opened.streams.video[0]
        header = template.codec_context.extradata
        bitstream_filter = (
            None
            if avi_filter is None
            else av.bitstream.BitStreamFilterContext(avi_filter, in_stream=template)
        )
    earlier = [first - (delay - place) * step for place in range(delay)]
    lead, last_shown = 0, segments[-1].frames
    if plan.container.is_mp4:
        before = earlier + [pts for segment in segments[:-1] for pts in segment.pts]
        lead, last_shown = _lead(work, segments[-1], before[len(before) - delay :])
    if lead * plan.time_base > MAX_LEAD:
        notes.add(
            converted(f"the last frame is shown for less than its {float(lead * plan.time_base):.0f} s")
        )
        lead = 0
    for position, segment in enumerate(segments):
        is_last = position + 1 == len(segments)
        following = segment.end if is_last else segments[position + 1].pts[0]
        ends = [*segment.pts[1:], following]
        clock = earlier + segment.pts
        for order, (number, packet) in enumerate(read_packets(work, segment, header)):
            packet.stream = video
            packet.time_base = plan.time_base
            packet.pts = segment.pts[number]
            packet.dts = clock[order]
            if is_last and order == last_shown:
                packet.dts -= lead
            elif not is_last or order < last_shown:
                packet.dts -= max(lead, 0)
            packet.duration = max(1, ends[number] - segment.pts[number])
            stamp = float(packet.dts * plan.time_base)
            if bitstream_filter is None:
                yield stamp, packet
                continue
            for filtered in bitstream_filter.filter(packet):
                filtered.stream = video
                filtered.time_base = plan.time_base
                yield stamp, filtered
        earlier = clock[-delay:] if delay else []


def _avi_filter(plan: EncodingPlan) -> str | None:
    return plan.codec.muxing.avi_filter if plan.container.muxer == "avi" else None


def _lead(work: WorkFolder, segment: Segment, earlier: list[int]) -> tuple[int, int]:
    """How much earlier the last frame in presentation order has to be decoded to get its duration.

    Args:
        work: The work folder.
        segment: The last segment.
        earlier: Decoding times of its first packets.

    Returns:
        Ticks, negative for later; and the position of that frame in decoding order.
    """
    position = [number for number, _ in read_packets(work, segment)].index(segment.frames - 1)
    if position + 1 == segment.frames:
        return 0, position
    clock = earlier + segment.pts
    return segment.end - segment.pts[-1] - (clock[position + 1] - clock[position]), position
