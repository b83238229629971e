"""What a batch did, kept in the output folder, so that the next one leaves alone what is right."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vst.batch.find import RECORD
from vst.batch.job import Job
from vst.errors import MediaError
from vst.media.segments.transaction import INCOMPLETE
from vst.motion.files.recorded import is_recorded, recorded_stamp

if TYPE_CHECKING:
    from vst.pipeline import RenderSettings

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
        said = self._read()
        self._outputs, self._incomplete = said.get("outputs", {}), said.get("incomplete", {})

    def is_done(self, job: Job, settings: RenderSettings) -> bool:
        """Whether the output is there, untouched, and made from the source as it is with these settings."""
        try:
            now = self._describe(job, settings, job.output)
        except OSError:
            return False
        return self._outputs.get(job.name) == now

    def record(self, job: Job, settings: RenderSettings) -> None:
        """Note that an output was made. The file is replaced in one move.

        Raises:
            MediaError: The record, or the output, is not there to be written or read.
        """
        with self._changing():
            self._outputs[job.name] = self._describe(job, settings, job.output)

    def settle(self, job: Job, settings: RenderSettings, written: Path) -> Path:
        """Let the part of a clip that breaks off replace what an earlier batch left of it, and note it.

        Only a file that a batch wrote and nobody touched since is replaced: if it was made from the source
        as it is with these settings, or, as outputs are, with ``settings.overwrite``.

        Args:
            job: What failed.
            settings: With which.
            written: The part, under a name that was free.

        Returns:
            The part under the name that it has now.

        Raises:
            MediaError: The record, or the part, is not there to be written or read.
        """
        former = self._former(job, settings)
        with self._changing():
            if former is not None:
                os.replace(written, former)
                written = former
            described = self._describe(job, settings, written)
            self._incomplete[job.name] = {"file": written.name, **described}
        return written

    def _former(self, job: Job, settings: RenderSettings) -> Path | None:
        """What an earlier batch left of a clip that breaks off, if that may be replaced."""
        said = self._incomplete.get(job.name)
        if not isinstance(said, dict):
            return None
        name = said.get("file")
        # A record may have come from anywhere: no other file is ever meant.
        if not isinstance(name, str) or Path(name).name != name or INCOMPLETE not in Path(name).suffixes:
            return None
        path = job.output.with_name(name)
        try:
            now = {"file": name, **self._describe(job, settings, path)}
        except (OSError, ValueError):
            return None
        matter = ["output"] if settings.overwrite else sorted({*now, *said})
        return path if all(now.get(each) == said.get(each) for each in matter) else None

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Write the record after the change that is made inside."""
        part = self._path.with_suffix(".json.part")
        try:
            yield
            said = {"format": _FORMAT, "outputs": self._outputs, "incomplete": self._incomplete}
            text = json.dumps(said, indent=1, sort_keys=True)
            part.write_text(text + "\n", encoding="utf-8")
            os.replace(part, self._path)
        except OSError as error:
            raise MediaError(
                f"{self._path} could not be written: {error.strerror}; check the disk"
            ) from error

    @staticmethod
    def _describe(job: Job, settings: RenderSettings, written: Path) -> dict[str, Any]:
        source, output = job.source.stat(), written.stat()
        flow = {}
        if is_recorded(settings.flow):
            flow["flow"] = recorded_stamp(settings.flow, job.source)
        return {
            **flow,
            "source": [source.st_size, source.st_mtime_ns],
            "output": [output.st_size, output.st_mtime_ns],
            "settings": settings_digest(settings),
        }

    def _read(self) -> dict[str, dict[str, Any]]:
        """All entries; none where the file is missing or not ours: then nothing is known to be done."""
        try:
            with open(self._path, encoding="utf-8") as stream:
                said = json.loads(stream.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(said, dict) or said.get("format") != _FORMAT:
            return {}
        return {key: each for key, each in said.items() if isinstance(each, dict)}
