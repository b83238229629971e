"""What a media file holds, before anything is rendered."""

from __future__ import annotations

from vst.media.probe.clip import AudioInfo, Chapter, ClipInfo, SubtitleInfo, probe

__all__ = ["AudioInfo", "Chapter", "ClipInfo", "SubtitleInfo", "probe"]
