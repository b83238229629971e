"""Serves one client of the worker, in its own thread."""

from __future__ import annotations

import logging
import os
import select
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from vst import __version__
from vst.errors import UsageError, VstError
from vst.host.engine_lock import EngineLock
from vst.host.protocol import (
    PACKET_SIZE,
    PROTOCOL,
    Request,
    encode,
    parse_request,
    split,
    typed,
    typed_id,
)

if TYPE_CHECKING:
    from vst.host.engine import Engine, RequestOutcome
    from vst.host.shared_frames import SharedFrames

_log = logging.getLogger(__name__)

_WAIT = 1.0
"""Seconds between two `wait` messages while a request waits for the engine."""

_LOADING = 60.0
"""Seconds to wait for PyTorch to be imported."""

_STUCK = 60.0
"""Seconds without progress after which requests that wait for the holder of the engine send no more `wait`,
so that their clients time out."""


class Disconnected(Exception):
    """The client has closed the connection."""


class Cancelled(Exception):
    """The client has cancelled the request."""


class Connection:
    """Answers one client until it disconnects.

    Args:
        client: The socket.
        engine: Returns the engine, waiting at most the given seconds for it; None while it is loading.
        lock: Admits one request to the engine at a time.
    """

    def __init__(
        self, client: socket.socket, engine: Callable[[float], Engine | None], lock: EngineLock
    ) -> None:
        self._client, self._engine, self._lock = client, engine, lock
        self._access = lock.request()
        self._frames: SharedFrames | None = None
        self._descriptors: list[int] = []
        self._number = -1

    def serve(self) -> None:
        """Answer until the client disconnects."""
        try:
            self._greet()
            while True:
                word, values = self._receive()
                if word == "render":
                    self._render(values)
                elif word == "purge":
                    self._purge()
                # Other messages are late: answers or a cancel for a request that is over.
        except Disconnected:
            pass
        finally:
            self._client.close()
            self._close_descriptors()

    def fetch(self, index: int, slot: int) -> bytes | None:
        """See `FrameProvider.fetch`. Other requests run meanwhile: the host may need them for the frame."""
        self._check_cancelled()
        self._send("need", id=self._number, index=index, slot=slot)
        self._access.pause()
        found = self._receive_frame(index)
        self._acquire_engine()
        return found

    def _receive_frame(self, index: int) -> bytes | None:
        while True:
            word, values = self._receive()
            if word == "cancel" and values.get("id") == str(self._number):
                raise Cancelled
            if typed_id(values) != self._number:
                continue  # late, of a request that is over
            if word not in ("frame", "missing") or (answer := typed(word, values))["index"] != index:
                raise UsageError(
                    f"the plugin answered {word!r} of frame {values.get('index')} when asked for frame "
                    f"{index}; run 'vst plugin install' and start the editor again"
                )
            return answer.get("hash")

    def _greet(self) -> None:
        word, values = self._receive()
        if word != "hello" or values.get("protocol") != str(PROTOCOL):
            self._send(
                "failed",
                id=0,
                message=f"the plugin has protocol {values.get('protocol')}, vst {__version__} has "
                f"{PROTOCOL}; run 'vst plugin install' and start the editor again",
            )
            raise Disconnected
        self._send("hello", protocol=PROTOCOL, version=__version__)

    def _purge(self) -> None:
        engine = self._engine(0)
        if engine is not None:
            self._access = self._lock.request()
            self._access.acquire()
            try:
                engine.purge()
            finally:
                self._access.release()

    def _render(self, values: dict[str, str]) -> None:
        self._number = typed_id(values)
        try:
            request = parse_request(values)
            outcome = self._stylize(request)
            self._send(
                "done",
                id=self._number,
                approximate=outcome.approximate,
                seconds=outcome.seconds,
            )
        except Cancelled:
            self._send("cancelled", id=self._number)
        except Disconnected:
            raise
        except VstError as error:
            _log.error("%s", error)
            from vst.host.parameter_words import in_parameter_words

            message = in_parameter_words(str(error), values.get("editor", ""))
            self._send("failed", id=self._number, message=message)
        except Exception as error:
            _log.exception("internal error")
            self._send(
                "failed",
                id=self._number,
                message=f"internal error ({type(error).__name__}: {error}); set VST_PLUGIN_LOG to a file, "
                "render again, and report its contents",
            )

    def _stylize(self, request: Request) -> RequestOutcome:
        engine = self._loaded_engine()
        frames = self._shared_frames(request)
        self._access = self._lock.request(request.run)
        try:
            self._acquire_engine()
            return engine.stylize(request, self, frames, self._step)
        finally:
            self._access.release()

    def _loaded_engine(self) -> Engine:
        waited = 0.0
        while (engine := self._engine(_WAIT)) is None:
            waited += _WAIT
            self._wait()
            if waited >= _LOADING:
                raise VstError(f"importing PyTorch took more than {_LOADING:g} s; render again")
        return engine

    def _acquire_engine(self) -> None:
        while not self._access.acquire(_WAIT):
            if self._lock.seconds_inactive < _STUCK:
                self._wait()
            else:
                self._check_cancelled()

    def _wait(self) -> None:
        self._check_cancelled()
        self._send("wait", id=self._number)

    def _step(self, done: int, steps: int) -> None:
        self._access.report_progress()
        self._check_cancelled()
        self._send("step", id=self._number, done=done, steps=steps)

    def _shared_frames(self, request: Request) -> SharedFrames:
        from vst.host.shared_frames import SharedFrames

        size = (request.clip.width, request.clip.height)
        if self._descriptors:
            self._frames = None
            descriptor = self._descriptors.pop()
            self._close_descriptors()
            self._frames = SharedFrames(descriptor, *size)
        if self._frames is None or self._frames.size != size:
            raise UsageError(
                f"the plugin shares no memory for frames of {request.clip.width}×{request.clip.height}; "
                "start the editor again"
            )
        return self._frames

    def _close_descriptors(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def _check_cancelled(self) -> None:
        while select.select([self._client], [], [], 0)[0]:
            word, values = self._receive()
            if word == "cancel" and values.get("id") == str(self._number):
                raise Cancelled

    def _send(self, word: str, **values: object) -> None:
        try:
            self._client.send(encode(word, **values), socket.MSG_NOSIGNAL)
        except OSError as error:
            raise Disconnected from error

    def _receive(self) -> tuple[str, dict[str, str]]:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._client, PACKET_SIZE, 1)
        except OSError as error:
            raise Disconnected from error
        self._descriptors.extend(descriptors)
        if not packet:
            raise Disconnected
        return split(packet)
