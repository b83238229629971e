"""Files in and out: video, sound, stills.

with Reader("clip.mov") as clip, Writer("out.mov", clip.info) as out:
    for frame in clip:
        out.write(frame)
"""

from __future__ import annotations

from vst.media.codecs import CODECS, CONTAINERS, Encoding
from vst.media.colour import ColourSpec
from vst.media.probe import AudioInfo, Chapter, ClipInfo, SubtitleInfo, probe
from vst.media.reader import Reader
from vst.media.writer import Writer, check_output

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
    "probe",
]
