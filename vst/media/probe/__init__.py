"""What a media file holds, before anything is rendered."""

from __future__ import annotations

from vst.media.probe.clip_info import AudioInfo, Chapter, ClipInfo, FieldInfo, StoredFrame, SubtitleInfo
from vst.media.probe.open import probe

__all__ = ["AudioInfo", "Chapter", "ClipInfo", "FieldInfo", "StoredFrame", "SubtitleInfo", "probe"]
