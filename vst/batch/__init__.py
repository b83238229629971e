"""Batches: every clip and picture in a folder, rendered into another folder."""

from __future__ import annotations

from vst.batch.batch_file import BatchFile, FileResult, FileState
from vst.batch.find import MEDIA_SUFFIXES
from vst.batch.runner import Watcher, run

__all__ = ["MEDIA_SUFFIXES", "BatchFile", "FileResult", "FileState", "Watcher", "run"]
