"""One client of the worker, served in a thread of its own."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vst import __version__
from vst.errors import UsageError, VstError
from vst.host.protocol import LONGEST_PACKET, PROTOCOL, Request, pack, parse_request, unpack

if TYPE_CHECKING:
    from vst.host.engine import Engine
    from vst.host.memory import SharedFrames

_log = logging.getLogger(__name__)

_WAIT = 1.0
"""Seconds between two signs of life while a request waits for its turn."""

_PATIENCE = 60.0
"""Seconds for a client to bring a frame: its host may have to render it first."""


class Gone(Exception):
    """The client is no longer there."""


class Cancelled(Exception):
    """The client wants no answer any more."""


class Connection:
    """Answers one client until it goes.

    Args:
        client: The socket.
        engine: Gives the engine, waiting for it so many seconds at most; None while it is not there.
        turn: Held while the engine works.
    """

    def __init__(
        self, client: socket.socket, engine: Callable[[float], Engine | None], turn: threading.Lock
    ) -> None:
        self._client, self._engine, self._turn = client, engine, turn
        self._frames: SharedFrames | None = None
        self._descriptors: list[int] = []
        self._number = -1

    def serve(self) -> None:
        """Answer until the client goes."""
        try:
            self._greet()
            while True:
                word, values = self._receive()
                if word == "render":
                    self._render(values)
                elif word == "purge":
                    self._purge()
                # What else comes is an answer to a question that is over, or a late cancel.
        except (Gone, OSError):
            pass
        finally:
            self._client.close()
            self._close_descriptors()

    def fetch(self, index: int, slot: int) -> bytes | None:
        """See `Supply.fetch`."""
        self._look_for_cancel()
        self._send("need", id=self._number, index=index, slot=slot)
        self._client.settimeout(_PATIENCE)
        try:
            while True:
                word, values = self._receive()
                if word == "cancel" and values.get("id") == str(self._number):
                    raise Cancelled
                if values.get("id") != str(self._number) or values.get("index") != str(index):
                    continue
                if word == "missing":
                    return None
                if word == "frame":
                    return bytes.fromhex(values["hash"])
        except TimeoutError as error:
            raise VstError(
                f"the host did not deliver frame {index} within {_PATIENCE:g} s; render it again"
            ) from error
        finally:
            self._client.settimeout(None)

    def _greet(self) -> None:
        word, values = self._receive()
        if word != "hello" or values.get("protocol") != str(PROTOCOL):
            self._send(
                "failed",
                id=0,
                message=f"the plugin speaks protocol {values.get('protocol')}, vst {__version__} speaks "
                f"{PROTOCOL}; run 'vst plugin install' and start the editor again",
            )
            raise Gone
        self._send("hello", protocol=PROTOCOL, version=__version__)

    def _purge(self) -> None:
        engine = self._engine(0)
        if engine is not None:
            with self._turn:
                engine.purge()

    def _render(self, values: dict[str, str]) -> None:
        self._number = int(values.get("id", "0"))
        try:
            request = parse_request(values)
            with self._in_turn() as engine:
                frames = self._shared(request)
                outcome = engine.paint(request, self, frames, self._step)
            self._send(
                "done",
                id=self._number,
                approximate=int(outcome.approximate),
                seconds=f"{outcome.seconds:.6f}",
            )
        except Cancelled:
            self._send("cancelled", id=self._number)
        except (Gone, OSError):
            raise
        except VstError as error:
            _log.error("%s", error)
            self._send("failed", id=self._number, message=error)
        except Exception as error:
            _log.exception("internal error")
            self._send(
                "failed",
                id=self._number,
                message=f"internal error ({type(error).__name__}: {error}); set VST_PLUGIN_LOG to a file, "
                "render again, and report what it says",
            )

    def _in_turn(self) -> _Turn:
        waited = 0.0
        while (engine := self._engine(_WAIT)) is None:
            waited += _WAIT
            self._wait()
            if waited >= _PATIENCE:
                raise VstError(f"loading PyTorch took more than {_PATIENCE:g} s; render again")
        while not self._turn.acquire(timeout=_WAIT):
            self._wait()
        return _Turn(self._turn, engine)

    def _wait(self) -> None:
        self._look_for_cancel()
        self._send("wait", id=self._number)

    def _step(self, done: int, steps: int) -> None:
        self._look_for_cancel()
        self._send("step", id=self._number, done=done, steps=steps)

    def _shared(self, request: Request) -> SharedFrames:
        from vst.host.memory import SharedFrames

        size = (request.width, request.height)
        if self._descriptors:
            self._frames = None
            descriptor = self._descriptors.pop()
            self._close_descriptors()
            self._frames = SharedFrames(descriptor, *size)
        if self._frames is None or self._frames.size != size:
            raise UsageError("the plugin shares no memory of the frame's size; start the editor again")
        return self._frames

    def _close_descriptors(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def _look_for_cancel(self) -> None:
        while select.select([self._client], [], [], 0)[0]:
            word, values = self._receive()
            if word == "cancel" and values.get("id") == str(self._number):
                raise Cancelled

    def _send(self, word: str, **values: object) -> None:
        try:
            self._client.send(pack(word, **values), socket.MSG_NOSIGNAL)
        except OSError as error:
            raise Gone from error

    def _receive(self) -> tuple[str, dict[str, str]]:
        packet, descriptors, _, _ = socket.recv_fds(self._client, LONGEST_PACKET, 1)
        self._descriptors.extend(descriptors)
        if not packet:
            raise Gone
        return unpack(packet)


class _Turn:
    """The engine, while it is this connection's turn."""

    def __init__(self, turn: threading.Lock, engine: Engine) -> None:
        self._turn, self._engine = turn, engine

    def __enter__(self) -> Engine:
        return self._engine

    def __exit__(self, *_: object) -> None:
        self._turn.release()
