"""The record of a batch in its output folder, by which the next batch skips what is up to date."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vst.batch.batch_file import BatchFile
from vst.batch.search import MANIFEST_NAME
from vst.errors import MediaError
from vst.media.segments.transaction import INCOMPLETE
from vst.motion.files.recorded import flow_modification_time, is_recorded
from vst.pipeline.optimisation import section_of
from vst.pipeline.options import Effect, recorded_values
from vst.pipeline.regions.region import Mask
from vst.pipeline.style_pictures import picture_files

if TYPE_CHECKING:
    from vst.pipeline import RenderSettings

_FORMAT = 1
_MAX_CHARACTERS = 64 * 2**20


def settings_digest(settings: RenderSettings) -> str:
    """Sixteen hexadecimal digits: a hash of the options that change an output."""
    effects = (Effect.FRAMES, Effect.RESOLVED, Effect.METADATA)
    values = recorded_values(settings, *effects, section=section_of(settings.mode))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _state_of(mask: Mask) -> list[int] | None:
    """What changes when a mask does; None for a pattern, which is many files, and for no file."""
    try:
        status = os.stat(mask.file)
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns]


class FileVanished(MediaError):
    """The source or the output of a render cannot be recorded, because it is no longer there."""


class Manifest:
    """The record of one output folder: the source and the settings of each output.

    Args:
        folder: The output folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / MANIFEST_NAME
        entries = self._read()
        self._outputs, self._incomplete = entries.get("outputs", {}), entries.get("incomplete", {})

    def is_done(self, file: BatchFile, settings: RenderSettings) -> bool:
        """Whether the output exists, is unchanged, and was made from this source with these settings."""
        try:
            now = self._describe(file, settings, file.output)
        except OSError:
            return False
        return self._outputs.get(file.name) == now

    def record(self, file: BatchFile, settings: RenderSettings) -> None:
        """Record that an output was made. The record is replaced atomically.

        Raises:
            FileVanished: If the source or the output is no longer there.
            MediaError: If the record cannot be written.
        """
        described = self._describe_rendered(file, settings, file.output)
        with self._rewriting():
            self._outputs[file.name] = described

    def record_incomplete(self, file: BatchFile, settings: RenderSettings, written: Path) -> Path:
        """Record the incomplete output of a clip that could not be read to its end.

        It replaces that of an earlier batch only if nobody changed that since, and if it was made from this
        source with these settings or ``settings.overwrite`` is set.

        Args:
            file: The file.
            settings: Its settings.
            written: The incomplete output, under a name that was free.

        Returns:
            Its path now.

        Raises:
            FileVanished: If the source or the incomplete output is no longer there.
            MediaError: If the record cannot be written.
        """
        described = self._describe_rendered(file, settings, written)
        former = self._former(file, settings)
        with self._rewriting():
            if former is not None:
                os.replace(written, former)
                written = former
            self._incomplete[file.name] = {"file": written.name, **described}
        return written

    def _former(self, file: BatchFile, settings: RenderSettings) -> Path | None:
        """The incomplete output of an earlier batch, if it may be replaced."""
        entry = self._incomplete.get(file.name)
        if not isinstance(entry, dict):
            return None
        name = entry.get("file")
        # The record may be forged: never replace a file that is not an incomplete output of this folder.
        if not isinstance(name, str) or Path(name).name != name or INCOMPLETE not in Path(name).suffixes:
            return None
        path = file.output.with_name(name)
        try:
            now = {"file": name, **self._describe(file, settings, path)}
        except (OSError, ValueError):
            return None
        compared = ["output"] if settings.overwrite else sorted({*now, *entry})
        return path if all(now.get(each) == entry.get(each) for each in compared) else None

    @contextlib.contextmanager
    def _rewriting(self) -> Iterator[None]:
        """Write the record after the block has changed it."""
        part = self._path.with_suffix(".json.part")
        try:
            yield
            record = {"format": _FORMAT, "outputs": self._outputs, "incomplete": self._incomplete}
            text = json.dumps(record, indent=1, sort_keys=True)
            part.write_text(text + "\n", encoding="utf-8")
            os.replace(part, self._path)
        except OSError as error:
            raise MediaError(f"cannot write {self._path}: {error.strerror}; check the disk") from error

    def _describe_rendered(
        self, file: BatchFile, settings: RenderSettings, written: Path
    ) -> dict[str, Any]:
        try:
            return self._describe(file, settings, written)
        except OSError as error:
            raise FileVanished(
                f"{error.filename} is not there after the render: {error.strerror}"
            ) from error

    @staticmethod
    def _describe(file: BatchFile, settings: RenderSettings, written: Path) -> dict[str, Any]:
        source, output = file.source.stat(), written.stat()
        beside: dict[str, Any] = {}
        layers = settings.layers
        if layers is not None:
            beside["masks"] = [_state_of(mask) for mask in layers.masks if not mask.is_clip_alpha]
        if is_recorded(settings.flow):
            beside["flow"] = flow_modification_time(settings.flow, file.source)
        # A painting may be replaced by another under the same name.
        if pictures := [os.stat(each) for each in picture_files(settings)]:
            beside["paintings"] = [[each.st_size, each.st_mtime_ns] for each in pictures]
        return {
            **beside,
            "source": [source.st_size, source.st_mtime_ns],
            "output": [output.st_size, output.st_mtime_ns],
            "settings": settings_digest(settings),
        }

    def _read(self) -> dict[str, dict[str, Any]]:
        """All entries; none if the file is missing, damaged or of another format."""
        try:
            with open(self._path, encoding="utf-8") as stream:
                record = json.loads(stream.read(_MAX_CHARACTERS))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            return {}
        return {key: each for key, each in record.items() if isinstance(each, dict)}
