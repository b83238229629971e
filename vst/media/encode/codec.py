"""One video codec that can be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vst.media.colour.layout import Layout


@dataclass(frozen=True, slots=True)
class Codec:
    """One video codec that can be written.

    Attributes:
        name: What a user calls it.
        encoder: libav's name of the encoder.
        containers: Extensions of the containers it may live in.
        crf: Default quality, smaller is better; None if the codec has no such knob.
        max_crf: The largest quality value.
        lossless: Whether it keeps every sample.
        even_420: It cannot hold a 4:2:0 picture with an odd side.
        full_range: Full range can be said: in the stream itself ("stream"), in a container that carries it
            ("container"), or not at all ("never").
        options: Encoder options from quality, threads and layout.
        default: The default pixel format for a source layout.
        smallest: Least width and height that the encoder can be trusted with.
        segments: libav's name of the muxer for its segments.
        needs: What the machine has to have, in words; nothing for an encoder in software.
        surfaces: Pixel formats that can be asked for, each with the one that the encoder takes, which holds
            the same samples; None if it takes what is asked for.
        device: libav's name of the device that frames are brought to before the encoder takes them.
    """

    name: str
    encoder: str
    containers: tuple[str, ...]
    crf: int | None
    max_crf: int
    lossless: bool
    even_420: bool
    full_range: str
    options: Callable[[int | None, int, Layout], dict[str, str]]
    default: Callable[[Layout], str]
    smallest: tuple[int, int] = (1, 1)
    segments: str = "matroska"
    needs: str = ""
    surfaces: Mapping[str, str] | None = None
    device: str | None = None
