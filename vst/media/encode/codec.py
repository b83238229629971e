"""`Codec`: everything that vst knows about one video codec that it can write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vst.media.colour.layout import Layout
from vst.media.colour.mastering import Mastering

EncoderOptions = Callable[[int | None, int, Layout], dict[str, str]]
"""Options of an encoder from the quality (None if the codec has no quality setting), the number of threads
and the layout of the output."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality setting of a codec (``--crf``); smaller is better, 0 is the best.

    Attributes:
        default: The default value.
        worst: The largest value.
    """

    default: int
    worst: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a hardware encoder needs.

    Attributes:
        requires: The device, for error texts.
        surfaces: Pixel formats that can be chosen -> the one that the encoder takes, with the same samples.
        device: libav's name of the device to which frames are uploaded before encoding; None if the encoder
            takes frames in main memory.
    """

    requires: str
    surfaces: Mapping[str, str]
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Muxing:
    """How the packets of a codec are stored.

    Attributes:
        segments: libav's name of the muxer for the segments.
        mp4_tag: Codec tag in MP4 and QuickTime files; None for the muxer's own.
        avi_filter: libav's bitstream filter for AVI; None if it needs none.
        alpha_tag: Whether a tag on the stream tells players of the alpha channel.
    """

    segments: str = "matroska"
    mp4_tag: str | None = None
    avi_filter: str | None = None
    alpha_tag: bool = False


@dataclass(frozen=True, slots=True)
class Codec:
    """One video codec that can be written: one row of `vst.media.encode.codecs.CODECS`.

    Many attributes: one for each property in which codecs differ.

    Attributes:
        name: The value of ``--codec``.
        encoder: libav's name of the encoder.
        containers: Extensions of the containers that may hold it.
        options: Options of the encoder.
        pix_fmt: The default pixel format for the layout of a source; None for a lossless codec, which takes
            the pixel format of the source.
        quality: The quality setting; None if the codec has none.
        full_range: Where full range can be signalled: in the stream itself ("stream"), only in a container
            that stores it ("container"), or not at all ("never").
        even_420: Whether 4:2:0 needs even sides.
        min_size: Smallest width and height that the encoder encodes reliably.
        mastering: The encoder option that takes HDR10's mastering metadata, and its values; None if the
            encoder does not take it.
        centred_chroma: Subsamplings (as in `Layout.chroma`) with which it can be signalled that chroma
            samples lie between two luma columns.
        muxing: How its packets are stored.
        hardware: What a hardware encoder needs; None for a software encoder.
    """

    name: str
    encoder: str
    containers: tuple[str, ...]
    options: EncoderOptions
    pix_fmt: Callable[[Layout], str] | None
    quality: Quality | None = None
    full_range: str = "stream"
    even_420: bool = False
    min_size: tuple[int, int] = (1, 1)
    mastering: tuple[str, Callable[[Mastering], list[str]]] | None = None
    centred_chroma: tuple[str, ...] = ()
    muxing: Muxing = Muxing()
    hardware: Hardware | None = None

    def allows_size(self, width: int, height: int) -> bool:
        """Whether the encoder takes frames of this size."""
        return width >= self.min_size[0] and height >= self.min_size[1]
