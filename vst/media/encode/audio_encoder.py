"""Which sample rate and channel layout converted audio gets."""

from __future__ import annotations

import itertools
import re

import av
import av.codec

BITRATE_PER_CHANNEL = 96_000
"""Bits per second of converted audio."""

DEFAULT_LAYOUTS = {
    1: "mono",
    2: "stereo",
    3: "2.1",
    4: "4.0",
    5: "5.0",
    6: "5.1",
    7: "6.1",
    8: "7.1",
}
"""Number of channels -> libav's default layout."""

_COMMON_LAYOUTS = ("7.1", "5.1", "stereo", "mono")
_COMMON_RATES = (48000, 44100)


def is_unspecified(layout: av.AudioLayout) -> bool:
    """Whether only the number of channels is known, as in every WMA and most AVI files."""
    return re.fullmatch(r"\d+ channels", layout.name) is not None


def specify_layout(context: av.AudioCodecContext) -> None:
    """Give a codec context that is not open the default layout if its stream does not state one."""
    if is_unspecified(context.layout) and context.layout.nb_channels in DEFAULT_LAYOUTS:
        context.layout = DEFAULT_LAYOUTS[context.layout.nb_channels]


def assumed_layout(channels: int) -> str:
    """The layout of converted audio whose stream states none.

    That is libav's default; stereo, of the first two channels, for a number of channels that has none.
    """
    return DEFAULT_LAYOUTS.get(channels, "stereo")


def add_audio_encoder(
    output: av.container.OutputContainer, context: av.AudioCodecContext, encoder: str
) -> av.AudioStream:
    """Add a stream with an encoder that takes the sample rate and layout of a decoder, or the nearest.

    Args:
        output: The output.
        context: The decoder.
        encoder: libav's name of the encoder.

    Raises:
        ValueError: If there is no such encoder, it takes none of the usual rates and layouts, or the
            source's are unknown.
    """
    rate, layout = _nearest_settings(encoder, context)
    stream = output.add_stream(encoder, rate=rate)
    assert isinstance(stream, av.AudioStream)
    stream.codec_context.layout = layout
    stream.codec_context.bit_rate = _bit_rate(layout)
    return stream


def describe_conversion(context: av.AudioCodecContext, encoder: str) -> str:
    """What converted audio loses or assumes beside its codec, such as ``, 6 channels are mixed to stereo``.

    Args:
        context: The decoder.
        encoder: libav's name of the encoder.

    Raises:
        ValueError: As `add_audio_encoder`.
    """
    given, (rate, layout) = context.layout, _nearest_settings(encoder, context)
    found: list[str] = []
    if is_unspecified(given) and given.nb_channels not in DEFAULT_LAYOUTS:
        found.append(f"the first two of {given.nb_channels} channels are kept")
    elif av.AudioLayout(layout).nb_channels < given.nb_channels:
        found.append(f"{given.nb_channels} channels are mixed to {layout}")
    elif is_unspecified(given) and given.nb_channels > 2:
        found.append(f"its channels are assumed to be {layout}")
    if rate < context.sample_rate:
        found.append(f"{context.sample_rate} Hz becomes {rate} Hz")
    return "".join(f", {each}" for each in found)


def _nearest_settings(encoder: str, context: av.AudioCodecContext) -> tuple[int, str]:
    if not context.layout.nb_channels or not context.sample_rate:
        raise ValueError("the number of channels or the sample rate is unknown")
    rates = av.codec.Codec(encoder, "w").audio_rates or []
    rate, given = context.sample_rate, context.layout
    if rates and rate not in rates:
        rate = 48000 if 48000 in rates else max(rates)
    if encoder == "libopus":
        rate = 48000
    layout = assumed_layout(given.nb_channels) if is_unspecified(given) else given.name
    channels = av.AudioLayout(layout).nb_channels
    if channels > 2 and encoder != "aac":
        layout = "stereo"
    smaller = [name for name in _COMMON_LAYOUTS if av.AudioLayout(name).nb_channels <= channels]
    for each_layout, each_rate in itertools.product((layout, *smaller), (rate, *_COMMON_RATES)):
        if _opens(encoder, each_rate, each_layout):
            return each_rate, each_layout
    raise ValueError(f"{encoder} does not encode {rate} Hz in {layout}")


def _bit_rate(layout: str) -> int:
    return BITRATE_PER_CHANNEL * av.AudioLayout(layout).nb_channels


def _opens(encoder: str, rate: int, layout: str) -> bool:
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.AudioCodecContext)
    formats = av.codec.Codec(encoder, "w").audio_formats or []
    try:
        context.sample_rate, context.layout, context.bit_rate = rate, layout, _bit_rate(layout)
        if formats:
            context.format = formats[0].name
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True
