"""One client of the worker, served in a thread of its own."""

from __future__ import annotations

import logging
import os
import select
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from vst import __version__
from vst.errors import UsageError, VstError
from vst.host.protocol import LONGEST_PACKET, PROTOCOL, Request, pack, parse_request, unpack
from vst.host.turn import Turns

if TYPE_CHECKING:
    from vst.host.engine import Engine, Outcome
    from vst.host.memory import SharedFrames

_log = logging.getLogger(__name__)

_WAIT = 1.0
"""Seconds between two signs of life while a request waits for its turn."""

_LOADING = 60.0
"""Seconds for PyTorch to be imported."""

_STUCK = 60.0
"""Seconds after which a request that was not heard of is no reason for others to wait."""


class Gone(Exception):
    """The client is no longer there."""


class Cancelled(Exception):
    """The client wants no answer any more."""


class Connection:
    """Answers one client until it goes.

    Args:
        client: The socket.
        engine: Gives the engine, waiting for it so many seconds at most; None while it is not there.
        turns: Whose turn it is to use the engine.
    """

    def __init__(
        self, client: socket.socket, engine: Callable[[float], Engine | None], turns: Turns
    ) -> None:
        self._client, self._engine, self._turns = client, engine, turns
        self._turn = turns.turn()
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
        except Gone:
            pass
        finally:
            self._client.close()
            self._close_descriptors()

    def fetch(self, index: int, slot: int) -> bytes | None:
        """See `Supply.fetch`. Others work meanwhile: the host may need them to give the frame."""
        self._look_for_cancel()
        self._send("need", id=self._number, index=index, slot=slot)
        self._turn.pause()
        found = self._frame(index)
        self._take_turn()
        return found

    def _frame(self, index: int) -> bytes | None:
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
            self._turn = self._turns.turn()
            self._turn.take()
            try:
                engine.purge()
            finally:
                self._turn.end()

    def _render(self, values: dict[str, str]) -> None:
        self._number = int(values.get("id", "0"))
        try:
            request = parse_request(values)
            outcome = self._paint(request)
            self._send(
                "done",
                id=self._number,
                approximate=int(outcome.approximate),
                seconds=f"{outcome.seconds:.6f}",
            )
        except Cancelled:
            self._send("cancelled", id=self._number)
        except Gone:
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

    def _paint(self, request: Request) -> Outcome:
        engine = self._loaded()
        frames = self._shared(request)
        self._turn = self._turns.turn(request.run)
        try:
            self._take_turn()
            return engine.paint(request, self, frames, self._step)
        finally:
            self._turn.end()

    def _loaded(self) -> Engine:
        waited = 0.0
        while (engine := self._engine(_WAIT)) is None:
            waited += _WAIT
            self._wait()
            if waited >= _LOADING:
                raise VstError(f"loading PyTorch took more than {_LOADING:g} s; render again")
        return engine

    def _take_turn(self) -> None:
        while not self._turn.take(_WAIT):
            if self._turns.still < _STUCK:
                self._wait()
            else:
                self._look_for_cancel()  # the client will tire of the silence

    def _wait(self) -> None:
        self._look_for_cancel()
        self._send("wait", id=self._number)

    def _step(self, done: int, steps: int) -> None:
        self._turn.tell()
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
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._client, LONGEST_PACKET, 1)
        except OSError as error:
            raise Gone from error
        self._descriptors.extend(descriptors)
        if not packet:
            raise Gone
        return unpack(packet)
