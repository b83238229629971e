"""Batches: every clip and picture in a folder, rendered into another folder."""

from __future__ import annotations

from vst.batch.batch_file import BatchFile, FileResult, FileState
from vst.batch.left_out import LeftOut, Reason
from vst.batch.runner import Watcher, run

__all__ = ["BatchFile", "FileResult", "FileState", "LeftOut", "Reason", "Watcher", "run"]
