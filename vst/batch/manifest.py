"""What a batch did, kept in the output folder, so that the next one leaves alone what is right."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vst.batch.find import RECORD
from vst.batch.job import Job
from vst.errors import MediaError
from vst.motion.recorded import is_recorded, recorded_stamp

if TYPE_CHECKING:
    from vst.render import RenderSettings

_FORMAT = 1
_LARGEST = 64 * 2**20
_DO_NOT_MATTER = ("overwrite", "threads", "resume", "max_damaged", "min_free")
"""Settings that do not say what a picture looks like."""


def settings_digest(settings: RenderSettings) -> str:
    """Sixteen hexadecimal digits that name all settings that an output depends on."""
    values = {
        field.name: str(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if field.name not in _DO_NOT_MATTER
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


class Manifest:
    """The record of one output folder: for each output, its source and its settings as they were.

    Args:
        folder: The output folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / RECORD
        self._entries = self._read()

    def is_done(self, job: Job, settings: RenderSettings) -> bool:
        """Whether the output is there, untouched, and made from the source as it is with these settings."""
        try:
            now = self._describe(job, settings)
        except OSError:
            return False
        return self._entries.get(job.name) == now

    def record(self, job: Job, settings: RenderSettings) -> None:
        """Note that an output was made. The file is replaced in one move.

        Raises:
            MediaError: The record, or the output, is not there to be written or read.
        """
        part = self._path.with_suffix(".json.part")
        try:
            self._entries[job.name] = self._describe(job, settings)
            text = json.dumps({"format": _FORMAT, "outputs": self._entries}, indent=1, sort_keys=True)
            part.write_text(text + "\n", encoding="utf-8")
            os.replace(part, self._path)
        except OSError as error:
            raise MediaError(
                f"{self._path} could not be written: {error.strerror}; check the disk"
            ) from error

    @staticmethod
    def _describe(job: Job, settings: RenderSettings) -> dict[str, Any]:
        source, output = job.source.stat(), job.output.stat()
        flow = {}
        if is_recorded(settings.flow):
            flow["flow"] = recorded_stamp(settings.flow, job.source)
        return {
            **flow,
            "source": [source.st_size, source.st_mtime_ns],
            "output": [output.st_size, output.st_mtime_ns],
            "settings": settings_digest(settings),
        }

    def _read(self) -> dict[str, Any]:
        """The entries; none where the file is missing or not ours: then nothing is known to be done."""
        try:
            with open(self._path, encoding="utf-8") as stream:
                said = json.loads(stream.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(said, dict) or said.get("format") != _FORMAT:
            return {}
        outputs = said.get("outputs")
        return outputs if isinstance(outputs, dict) else {}
