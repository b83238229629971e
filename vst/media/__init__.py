"""Reading and writing video, audio and pictures.

with Reader("clip.mov") as clip, open_writer("out.mov", clip.info) as out:
    for frame in clip:
        out.write(frame)

What reads or writes tensors is imported on first use, so that `probe` works without importing torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vst.lazy import attribute
from vst.media.colour.spec import ColourSpec
from vst.media.notes import Note, NoteKind
from vst.media.probe import AudioInfo, Chapter, ClipInfo, FieldInfo, StoredFrame, SubtitleInfo

if TYPE_CHECKING:
    from vst.media.decode.decoded_frame import DecodedFrame
    from vst.media.decode.reader import Reader
    from vst.media.encode.codecs import CODECS
    from vst.media.encode.containers import CONTAINERS
    from vst.media.encode.open_writer import open_writer
    from vst.media.encode.output_check import check_output
    from vst.media.encode.plan import Encoding
    from vst.media.encode.writer import Writer

_MODULES = {
    "CODECS": "encode.codecs",
    "CONTAINERS": "encode.containers",
    "DecodedFrame": "decode.decoded_frame",
    "Encoding": "encode.plan",
    "Reader": "decode.reader",
    "Writer": "encode.writer",
    "check_output": "encode.output_check",
    "open_writer": "encode.open_writer",
}

__all__ = [
    "CODECS",
    "CONTAINERS",
    "AudioInfo",
    "Chapter",
    "ClipInfo",
    "ColourSpec",
    "DecodedFrame",
    "Encoding",
    "FieldInfo",
    "Note",
    "NoteKind",
    "Reader",
    "StoredFrame",
    "SubtitleInfo",
    "Writer",
    "check_output",
    "open_writer",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'vst.media' has no attribute {name!r}")
    return attribute(f"vst.media.{_MODULES[name]}", name)
