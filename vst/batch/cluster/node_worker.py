"""The process on a node that renders for a driver elsewhere."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from vst.batch.cluster.works import Work, failed
from vst.process import prepare_process

if TYPE_CHECKING:
    from vst.batch.farm import SegmentRenderer

CONCURRENT_CALLS = 3
"""`run`, and beside it `frames_done` and `stop`."""

_SWITCH_SECONDS = 0.05
"""How long the interpreter's lock stays with a thread that computes. Ray's main thread asks for it a
hundred times a second, and with Python's 5 ms a render on the CPU takes 5 % longer."""


class NodeWorker:
    """Does one work at a time; other calls come in other threads meanwhile."""

    def __init__(self, on_gpu: bool = False) -> None:
        prepare_process()  # before torch is loaded
        if not on_gpu:
            sys.setswitchinterval(_SWITCH_SECONDS)
        self._desk = _Desk()

    def run(self, work: Work) -> Any:
        """Do a work.

        Returns:
            What it returns, or a `Failed`.
        """
        self._desk.report(0)
        try:
            return work.run(self._desk)
        except Exception as error:
            # What is loaded may be in any state: the next work loads anew.
            self._desk.leave()
            return failed(error)

    def frames_done(self) -> int:
        """Number of frames of the present work that are done."""
        return self._desk.frames

    def stop(self) -> None:
        """End the present work after its frame, and every later one at once."""
        self._desk.stop.set()


class _Desk:
    """What works find; see `vst.batch.cluster.works.Desk`."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.frames = 0
        self._loaded: tuple[str, bool] | None = None
        self._renderer: SegmentRenderer | None = None
        self._stack = ExitStack()

    def report(self, frames: int) -> None:
        self.frames = frames

    def renderer(self, job: str, allow_mixed: bool) -> SegmentRenderer:
        if self._renderer is None or self._loaded != (job, allow_mixed):
            from vst.batch.farm import SegmentRenderer, read_job

            self.leave()
            found = SegmentRenderer(read_job(job), stop=self.stop, allow_mixed=allow_mixed)
            self._renderer = self._stack.enter_context(found)
            self._loaded = (job, allow_mixed)
        return self._renderer

    def leave(self) -> None:
        self._renderer, self._loaded = None, None
        self._stack.close()
