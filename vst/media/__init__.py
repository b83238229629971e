"""Files in and out: video, sound, stills.

with Reader("clip.mov") as clip, Writer("out.mov", clip.info) as out:
    for frame in clip:
        out.write(frame)

What takes and gives tensors is loaded when it is first used: what a file is, is said without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vst.media.colour.spec import ColourSpec
from vst.media.probe import AudioInfo, Chapter, ClipInfo, SubtitleInfo

if TYPE_CHECKING:
    from vst.media.decode.reader import Reader
    from vst.media.encode.codecs import CODECS, CONTAINERS, Encoding
    from vst.media.encode.writer import Writer, check_output

_WHERE = {
    "CODECS": "encode.codecs",
    "CONTAINERS": "encode.codecs",
    "Encoding": "encode.codecs",
    "Reader": "decode.reader",
    "Writer": "encode.writer",
    "check_output": "encode.writer",
}

__all__ = [
    "CODECS",
    "CONTAINERS",
    "AudioInfo",
    "Chapter",
    "ClipInfo",
    "ColourSpec",
    "Encoding",
    "Reader",
    "SubtitleInfo",
    "Writer",
    "check_output",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'vst.media' has no attribute {name!r}")
    return getattr(importlib.import_module(f"vst.media.{_WHERE[name]}"), name)
