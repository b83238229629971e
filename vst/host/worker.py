"""The process that paints for one host, and ends with it."""

from __future__ import annotations

import argparse
import contextlib
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
from vst.host.turn import Turns

if TYPE_CHECKING:
    from vst.host.engine import Engine

LOG_VARIABLE = "VST_PLUGIN_LOG"
"""Environment variable with the file that clients and worker write what they do to."""

_LATE = ("cv2", "scenedetect")
"""What the first frame would import: seconds without a sign of life."""

_log = logging.getLogger(__name__)

_LOOK = 0.5
"""Seconds between two looks at whether the host is still there."""

_FIRST = 30.0
"""Seconds for the first client to come."""

_LINGER = 2.0
"""Seconds without any client after which the worker ends; a plugin that is loaded again finds it."""


class Worker:
    """Listens, and serves each client in a thread.

    Args:
        path: Of the socket; its folder has to be the user's own and closed to all others.
        host: The process that is served.

    Raises:
        VstError: where the folder is open to others, the host is gone, or the socket cannot be made.
    """

    def __init__(self, path: Path, host: int) -> None:
        check_private(path.parent)
        _sweep(path.parent)
        self._path, self._host = path, host
        self._born = _birth(host)
        if self._born is None:
            raise VstError(f"process {host}, which is to be served, is not there; render again")
        self._clients = 0
        self._count = threading.Lock()
        self._alone_since = time.monotonic() + _FIRST - _LINGER
        self._turns = Turns()
        self._ready = threading.Event()
        self._made: Engine | Exception | None = None
        try:
            path.unlink(missing_ok=True)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._listener.bind(str(path))
            path.chmod(0o600)
            self._listener.listen(8)
        except OSError as error:
            raise VstError(f"the worker cannot listen at {path} ({error})") from error

    def run(self) -> None:
        """Serve until the host or the last client is gone."""
        threading.Thread(target=self._load, name="load", daemon=True).start()
        threading.Thread(target=self._accept, name="accept", daemon=True).start()
        while self._wanted():
            time.sleep(_LOOK)
        _log.info("the worker ends")
        # The socket last: once it is gone a client may start the next worker, with a file of its own.
        for path in (Path(f"{self._path}.err"), self._path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _wanted(self) -> bool:
        if _birth(self._host) != self._born:
            return False
        with self._count:
            return self._clients > 0 or time.monotonic() - self._alone_since < _LINGER

    def _load(self) -> None:
        # The first render waits for it anyway; meanwhile the socket answers.
        try:
            from vst.host.engine import Engine

            for name in _LATE:
                importlib.import_module(name)
            self._made = Engine()
        except Exception as error:
            _log.exception("the engine cannot be loaded")
            self._made = error
        self._ready.set()

    def _engine(self, seconds: float) -> Engine | None:
        if not self._ready.wait(seconds):
            return None
        if isinstance(self._made, Exception):
            raise VstError(f"vst cannot start in {sys.executable} ({self._made}); run 'vst doctor'")
        return self._made

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                _log.exception("a client cannot be heard")
                time.sleep(_LOOK)
                continue
            if _user_of(client) != os.getuid():
                client.close()
                continue
            with self._count:
                self._clients += 1
            threading.Thread(target=self._serve, args=(client,), name="client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            Connection(client, self._engine, self._turns).serve()
        except Exception:
            _log.exception("a connection broke")
        finally:
            with self._count:
                self._clients -= 1
                self._alone_since = time.monotonic()


def check_private(folder: Path) -> None:
    """Refuse a folder that others can look into.

    Raises:
        VstError: with what is wrong.
    """
    try:
        found = folder.lstat()
    except OSError as error:
        raise VstError(f"folder {folder} cannot be used ({error})") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise VstError(
            f"{folder} has to be a folder of your own that is closed to others; remove it and render again"
        )


def _sweep(folder: Path) -> None:
    """Remove what workers left that were killed: sockets are named after their host's process."""
    for left in folder.glob("*.sock"):
        if left.stem.isdigit() and _birth(int(left.stem)) is None:
            for path in (left, left.with_name(f"{left.name}.err")):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    """The worker's command line; ends the process."""
    parser = argparse.ArgumentParser(prog="vst.host", description="Paints for the editor plugins.")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--host", type=int, required=True)
    options = parser.parse_args(arguments)
    os.umask(0o077)
    # Nothing of the host's that came along is kept open by the worker.
    os.closerange(3, min(os.sysconf("SC_OPEN_MAX"), 65536))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal means the host
    _start_log()
    code = 0
    try:
        Worker(options.socket, options.host).run()
    except VstError as error:
        _log.error("%s", error)
        os.write(2, f"{error}\n".encode())
        code = 1
    # A frame may be under way in another thread, and nobody waits for it any more.
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


def _birth(process: int) -> str | None:
    """When a process began, in the kernel's ticks; None where there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _user_of(client: socket.socket) -> int:
    found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", found)[1]
    return user
