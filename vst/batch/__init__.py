"""Whole folders: every clip and picture in one, rendered into another."""

from __future__ import annotations

from vst.batch.find import MEDIA_SUFFIXES
from vst.batch.job import Job, Result, State
from vst.batch.runner import Watcher, run

__all__ = ["MEDIA_SUFFIXES", "Job", "Result", "State", "Watcher", "run"]
