"""The worker: a process that stylizes frames for one host, and ends with it."""

from __future__ import annotations

import argparse
import contextlib
import glob
import importlib
import logging
import os
import signal
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vst.errors import VstError
from vst.host.connection import Connection
from vst.host.engine_lock import EngineLock
from vst.process import prepare_process

if TYPE_CHECKING:
    from vst.host.engine import Engine

LOG_VARIABLE = "VST_PLUGIN_LOG"
"""Environment variable with the path of the log file of clients and worker."""

_PRELOADED = ("cv2", "scenedetect")
"""Imported with the engine, because importing them in the first render takes seconds."""

_log = logging.getLogger(__name__)

_CHECK_INTERVAL = 0.5
"""Seconds between two checks of whether the host is alive."""

_FIRST_CLIENT = 30.0
"""Seconds to wait for the first client."""

_LINGER = 2.0
"""Seconds without clients after which the worker ends, so that a plugin that is loaded again finds it."""


class Worker:
    """Listens, and serves each client in a thread.

    Args:
        path: Of the socket; its folder must belong to the user and be closed to others.
        host: Process ID of the host.

    Raises:
        VstError: if the folder is open to others, the host has ended, or the socket cannot be created.
    """

    def __init__(self, path: Path, host: int) -> None:
        check_private(path.parent)
        _remove_stale_files(path.parent)
        self._path, self._host = path, host
        self._host_start = _start_time(host)
        if self._host_start is None:
            raise VstError(f"the host, process {host}, has ended; render again")
        self._clients = 0
        self._mutex = threading.Lock()
        self._idle_since = time.monotonic() + _FIRST_CLIENT - _LINGER
        self._lock = EngineLock()
        self._ready = threading.Event()
        self._loaded: Engine | Exception | None = None
        try:
            path.unlink(missing_ok=True)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._listener.bind(str(path))
            path.chmod(0o600)
            self._listener.listen(8)
        except OSError as error:
            raise VstError(f"the worker cannot listen at {path} ({error}); render again") from error

    def run(self) -> None:
        """Serve until the host or the last client has ended."""
        threading.Thread(target=self._load, name="load", daemon=True).start()
        threading.Thread(target=self._accept, name="accept", daemon=True).start()
        while self._is_needed():
            time.sleep(_CHECK_INTERVAL)
        _log.info("the worker ends")
        # The socket last: once it is removed a client may start the next worker, which has the same files.
        _remove_files_of(self._path)

    def _is_needed(self) -> bool:
        if _start_time(self._host) != self._host_start:
            return False
        with self._mutex:
            return self._clients > 0 or time.monotonic() - self._idle_since < _LINGER

    def _load(self) -> None:
        # In a thread: the first render waits for the engine anyway, and the socket answers meanwhile.
        try:
            from vst.host.engine import Engine
            from vst.host.stream_store import StreamStore

            for name in _PRELOADED:
                importlib.import_module(name)
            self._loaded = Engine(store=StreamStore(self._path, str(self._host_start)))
        except Exception as error:
            _log.exception("the engine cannot be loaded")
            self._loaded = error
        self._ready.set()

    def _engine(self, seconds: float) -> Engine | None:
        if not self._ready.wait(seconds):
            return None
        if isinstance(self._loaded, Exception):
            raise VstError(f"cannot load vst in {sys.executable} ({self._loaded}); run 'vst doctor'")
        return self._loaded

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                _log.exception("cannot accept a client")
                time.sleep(_CHECK_INTERVAL)
                continue
            if _user_of(client) != os.getuid():
                client.close()
                continue
            with self._mutex:
                self._clients += 1
            threading.Thread(target=self._serve, args=(client,), name="client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            Connection(client, self._engine, self._lock).serve()
        except Exception:
            _log.exception("a connection failed")
        finally:
            with self._mutex:
                self._clients -= 1
                self._idle_since = time.monotonic()


def check_private(folder: Path) -> None:
    """Refuse a folder that others can read.

    Raises:
        VstError: if others can read it, or it is not a folder of the user.
    """
    try:
        found = folder.lstat()
    except OSError as error:
        raise VstError(
            f"cannot use the folder {folder} ({error}); set XDG_RUNTIME_DIR to a folder of your own"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise VstError(f"{folder} must belong to you and be closed to others; remove it and render again")


def _remove_stale_files(folder: Path) -> None:
    """Remove the files of workers that were killed; a socket is named after the process of its host."""
    for stale in folder.glob("*.sock"):
        if stale.stem.isdigit() and _start_time(int(stale.stem)) is None:
            _remove_files_of(stale)


def _remove_files_of(path: Path) -> None:
    """Remove a socket, the errors and the states of its worker; the socket last."""
    for each in (*path.parent.glob(f"{glob.escape(path.name)}.*"), path):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    """The worker's command line; ends the process."""
    parser = argparse.ArgumentParser(prog="vst.host", description="Stylizes frames for the editor plugins.")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--host", type=int, required=True)
    options = parser.parse_args(arguments)
    prepare_process()
    os.umask(0o077)
    # Close the file descriptors that were inherited from the host.
    os.closerange(3, min(os.sysconf("SC_OPEN_MAX"), 65536))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host
    _start_log()
    code = 0
    try:
        Worker(options.socket, options.host).run()
    except VstError as error:
        _log.error("%s", error)
        os.write(2, f"{error}\n".encode(errors="surrogateescape"))
        code = 1
    # Without waiting for threads: a frame in progress has no client any more.
    os._exit(code)


def _start_log() -> None:
    logger = logging.getLogger("vst")
    path = os.environ.get(LOG_VARIABLE)
    handler: logging.Handler = logging.NullHandler()
    if path:
        with contextlib.suppress(OSError):
            handler = logging.FileHandler(path)
            handler.setFormatter(logging.Formatter("%(asctime)s worker: %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    _log.info("worker %d started", os.getpid())


def _start_time(process: int) -> str | None:
    """When a process started, in clock ticks; None if there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _user_of(client: socket.socket) -> int:
    found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", found)[1]
    return user
