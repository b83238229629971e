"""A pipe as input: it can be read once, but a render opens its input several times.

What has come through the pipe is kept in unnamed files on disk, from which every reader takes it. Nothing
is read ahead: the reader that wants more reads from the pipe, so that the program at its other end is
slowed down to the pace of the render, and memory does not grow.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vst.errors import MediaError
from vst.media.file_errors import reason_of
from vst.media.pipes.waiting import PipeWait
from vst.stream_paths import STDIN

PIECE_BYTES = 1 << 26
"""Size of one file on disk; a whole one is deleted once nobody needs it any more."""

_CHUNK = 1 << 18


class InputStream:
    """Everything that comes through a pipe.

    Args:
        path: The pipe.
        stop: Ends the waiting for data once it is set.

    Raises:
        MediaError: It cannot be opened.
    """

    def __init__(self, path: Path, stop: threading.Event | None = None) -> None:
        self.path = path
        self._wait = PipeWait(path, "data from", stop)
        self._pieces: list[BinaryIO | None] = []
        self._size = 0
        self._ended = False
        self._readers: set[StreamFile] = set()
        self._keeps_all = True
        # One reader at a time waits for the pipe, while others take what is there.
        self._lock, self._pulling = threading.Lock(), threading.Lock()
        try:
            # Without O_NONBLOCK this would wait for the program at the other end.
            self._descriptor = (
                os.dup(0) if path == STDIN else os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            )
        except OSError as error:
            raise MediaError(f"{path} cannot be read: {reason_of(error)}") from error

    def open(self) -> StreamFile:
        """A file that reads the stream from its beginning."""
        reader = StreamFile(self)
        with self._lock:
            self._readers.add(reader)
        return reader

    def close(self) -> None:
        """Close the pipe and delete what was kept."""
        os.close(self._descriptor)
        with self._lock:
            for piece in self._pieces:
                if piece is not None:
                    piece.close()
            self._pieces = []

    def keep_no_more(self) -> None:
        """Say that no other reader will be opened: what all have passed is deleted from now on."""
        self._keeps_all = False

    def read(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from a position; empty at the end of the stream.

        Raises:
            MediaError: The pipe or the disk fails.
            Interrupted: The user has stopped.
        """
        while True:
            if position < self._size:
                return self._stored(position, size)
            if self._ended:
                return b""
            if self._pulling.acquire(timeout=0.1):
                try:
                    if position >= self._size and not self._ended:
                        self._pull()
                finally:
                    self._pulling.release()
            self._wait.check()

    def size(self) -> int:
        """The size of the whole stream, which is read to its end for that.

        Raises:
            MediaError: The pipe or the disk fails.
            Interrupted: The user has stopped.
        """
        while self.read(self._size, 1):
            pass
        return self._size

    def forget(self, reader: StreamFile) -> None:
        """Count a reader as closed."""
        with self._lock:
            self._readers.discard(reader)

    def _pull(self) -> None:
        """Wait a moment for data, and store it."""
        if not self._wait.ready(self._descriptor):
            return
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            raise MediaError(f"{self.path} cannot be read: {reason_of(error)}") from error
        if not data:
            self._ended = True
            return
        try:
            self._store(data)
        except OSError as error:
            raise MediaError(
                f"what comes from {self.path} cannot be kept in {_folder()}: "
                f"{reason_of(error)}; set TMPDIR to a folder on another disk"
            ) from error

    def _store(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            number, begin = divmod(self._size, PIECE_BYTES)
            if number == len(self._pieces):
                self._drop_passed()
                new = tempfile.TemporaryFile(dir=_folder(), buffering=0)  # noqa: SIM115 (closed by `close`)
                self._pieces.append(new)
            piece = self._pieces[number]
            assert piece is not None
            part = view[: PIECE_BYTES - begin]
            with self._lock:
                piece.seek(begin)
                written = piece.write(part)
                self._size += written
            view = view[written:]

    def _stored(self, position: int, size: int) -> bytes:
        number, begin = divmod(position, PIECE_BYTES)
        with self._lock:
            piece = self._pieces[number]
            assert piece is not None
            piece.seek(begin)
            return piece.read(min(size, self._size - position, PIECE_BYTES - begin))

    def _drop_passed(self) -> None:
        """Delete the pieces that every reader has passed."""
        if self._keeps_all:
            return
        with self._lock:
            needed = min((reader.position for reader in self._readers), default=self._size) // PIECE_BYTES
            for number, piece in enumerate(self._pieces[:needed]):
                if piece is not None:
                    piece.close()
                    self._pieces[number] = None


class StreamFile:
    """A stream as a file that libav reads, from its beginning.

    It cannot be sought, unless `wait_for_end` was called.
    """

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream
        self.name = str(stream.path)
        self.position = 0
        self._size: int | None = None

    def wait_for_end(self) -> None:
        """Wait until the whole stream is there, and allow seeking.

        Raises:
            Interrupted: The user has stopped.
        """
        self._size = self._stream.size()

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether it can be sought."""
        return self._size is not None

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; empty at the end.

        Raises:
            Interrupted: The user has stopped.
        """
        wanted = _CHUNK if size < 0 else size
        found = b""
        while len(found) < wanted and (data := self._stream.read(self.position, wanted - len(found))):
            found += data
            self.position += len(data)
            if self._size is None:  # what has come is wanted now
                break
        return found

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end; the position stays.

        Raises:
            Interrupted: The user has stopped.
        """
        begin, found = self.position, b""
        while len(found) < size and (data := self.read(size - len(found))):
            found += data
        self.position = begin
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, as files do; −1 if that is not possible."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self._size}.get(whence)
        if base is None or self._size is None or base + offset < 0:
            return -1
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        """The position."""
        return self.position

    def close(self) -> None:
        """Close it; the stream stays open."""
        self._stream.forget(self)


_open: dict[str, tuple[InputStream, int]] = {}
_mutex = threading.Lock()


@contextlib.contextmanager
def held_stream(path: Path, stop: threading.Event | None = None) -> Iterator[InputStream]:
    """The stream of a path, open as long as anyone holds it.

    Args:
        path: The pipe.
        stop: Ends the waiting for data once it is set, if this opens the stream.

    Raises:
        MediaError: It cannot be opened.
    """
    key = str(path)
    with _mutex:
        stream, holders = _open.get(key) or (InputStream(path, stop), 0)
        _open[key] = stream, holders + 1
    try:
        yield stream
    finally:
        with _mutex:
            holders = _open[key][1] - 1
            if holders:
                _open[key] = stream, holders
            else:
                del _open[key]
        if not holders:
            stream.close()


def _folder() -> str:
    """Where the stream is kept: the user's choice, else a folder that is on a disk and not in memory."""
    lasting = "/var/tmp"
    chosen = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    return tempfile.gettempdir() if chosen or not os.access(lasting, os.W_OK | os.X_OK) else lasting
