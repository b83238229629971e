"""Keeps the state of streams in files, so that a worker that is started again goes on with them.

Where a host gives no frame but the current one, nobody could send the earlier frames of the shot again. The
files are in the private folder of the socket, and end with the worker or, if it is killed, with the host.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import torch

from vst.host.stream import FrameStream
from vst.pipeline.snapshot_file import load_snapshot, save_snapshot

_log = logging.getLogger(__name__)

SUFFIX = ".state"


class StreamStore:
    """The files of one worker.

    Args:
        path: Start of the files' names: the path of the worker's socket.
        host: Identifies the host among all that ever had its process number.
    """

    def __init__(self, path: Path, host: str) -> None:
        self._path, self._host = path, host
        self._is_writable = True

    def save(self, run: str, stream: FrameStream) -> None:
        """Write the state of a run's stream. If the folder is full, the log says so and nothing is kept."""
        if not self._is_writable:
            return
        values, tensors = stream.snapshot()
        text = torch.frombuffer(bytearray(json.dumps(values).encode()), dtype=torch.uint8)
        path = self._file(run)
        unfinished = path.with_name(f"{path.name}.tmp")
        try:
            save_snapshot(unfinished, (text, *tensors))
            os.replace(unfinished, path)
        except OSError as error:
            self._is_writable = False
            _log.warning("cannot keep the state of a shot (%s); a worker that ends loses it", error)
            for each in (unfinished, path):
                with contextlib.suppress(OSError):
                    each.unlink(missing_ok=True)

    def load(self, run: str) -> FrameStream | None:
        """The stream that was saved for a run; None if there is none, or its file is damaged."""
        path = self._file(run)
        found = load_snapshot(path) if path.is_file() else None
        if not found:
            return None
        try:
            values: dict[str, Any] = json.loads(found[0].numpy().tobytes())
            stream = FrameStream.from_snapshot(values, found[1:])
        except (ValueError, KeyError, TypeError, IndexError):
            return None
        _log.info("%s goes on after the worker was started again", run)
        return stream

    def drop(self, run: str) -> None:
        """Remove the file of a run."""
        with contextlib.suppress(OSError):
            self._file(run).unlink(missing_ok=True)

    def _file(self, run: str) -> Path:
        name = hashlib.blake2b(f"{self._host} {run}".encode(), digest_size=8).hexdigest()
        return self._path.with_name(f"{self._path.name}.{name}{SUFFIX}")
