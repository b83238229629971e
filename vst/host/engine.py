"""What a host asks for, painted: a function of the source frames and the parameters, in whatever order.

`vst render` begins its state at a shot's start and goes through the shot in order. So does the engine: a
frame is painted from the state of the frame before it, and that state is found in the cache or replayed
from the nearest one that is, at worst from the shot's start, which the cut test finds (frames t−2 .. t+2).

States and paintings are kept under the chained hash of the shot's source frames up to theirs, with all
else that decides about pixels: never under a time or an instance. The hashes come with the frames. As long
as requests follow each other in order, frames that were fetched for one count as known for the next, all
but t and t−1; after any break all of the shot's frames are fetched and hashed again. Only for somebody who
waits at a screen t and t−1 suffice then as well.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vst.errors import VstError
from vst.host.cache import Cache
from vst.host.linear_light import to_linear
from vst.host.protocol import RESULT, Request
from vst.host.replay import ReplaySession, SessionPool
from vst.host.shared_frames import SharedFrames
from vst.host.source import Changed, Run, Supply, View, first_link, next_link
from vst.host.stream import Stream
from vst.pipeline.frame_size import working_size
from vst.pipeline.session import ShotState, StylizerSession
from vst.pipeline.settings import RenderSettings
from vst.postprocess import Postprocess

_log = logging.getLogger(__name__)

CACHE_VARIABLE = "VST_PLUGIN_CACHE"
"""Environment variable with the size of the cache in MB."""

_SHARES = {"states": 0.5, "paintings": 0.2, "pictures": 0.15, "results": 0.13, "smalls": 0.02}

_KEY_STEP = 16
"""Of the states of a shot every so many-th is kept, and the last few."""

_LAST_STATES = 4
_MOST_RUNS = 64
_TRIES = 3
"""How often a render begins again because the source changed under it."""


@dataclass(frozen=True)
class Outcome:
    """A frame was painted.

    Attributes:
        approximate: It was painted as if its shot began later than it does, to be quick.
        seconds: Time that the network took meanwhile.
    """

    approximate: bool
    seconds: float


@dataclass(frozen=True)
class _Rough:
    """The last approximate frame of a run, from which the next one goes on."""

    key: bytes
    index: int
    digest: bytes
    position: int
    painted: Tensor
    state: ShotState


class Engine:
    """Paints for all instances of one host.

    One request works at a time. While one waits for `Supply.fetch` others may come in between, but none of
    the same run: so nothing that a run does not own alone is relied upon across a fetch.

    Args:
        limit: Bytes for the cache; None asks `VST_PLUGIN_CACHE`, else takes an eighth of the memory, at
            most 2 GB.
    """

    def __init__(self, limit: int | None = None) -> None:
        limit = _cache_bytes() if limit is None else limit
        shares = {name: int(limit * share) for name, share in _SHARES.items()}
        self._sessions = SessionPool()
        self._states: Cache[ShotState] = Cache(shares["states"])
        self._paintings: Cache[Tensor] = Cache(shares["paintings"])
        self._pictures: Cache[Tensor] = Cache(shares["pictures"])
        self._results: Cache[Tensor] = Cache(shares["results"])
        self._smalls: Cache[Tensor] = Cache(shares["smalls"])
        self._cuts: dict[object, bool] = {}
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._rough: dict[str, _Rough] = {}
        self._last: deque[tuple[bytes, bytes]] = deque()

    def purge(self) -> None:
        """Forget everything but the networks."""
        for cache in (self._states, self._paintings, self._pictures, self._results, self._smalls):
            cache.clear()
        for memory in (self._cuts, self._runs, self._streams, self._rough, self._last):
            memory.clear()

    def paint(
        self,
        request: Request,
        supply: Supply,
        frames: SharedFrames,
        told: Callable[[int, int], None] = lambda done, steps: None,
    ) -> Outcome:
        """Paint one frame into the result's slot.

        Args:
            request: Which, and how.
            supply: Brings the frames that it takes.
            frames: Where they lie, and the result.
            told: Called after every painted frame of the past with how many of how many.

        Raises:
            VstError: for settings that cannot be meant, missing or damaged weights, or a source that
                changes while it is looked at.
        """
        settings = request.settings
        RenderSettings.check(strength=settings.strength, style_scale=settings.style_scale)
        working = working_size(request.clip.width, request.clip.height, settings.style_scale)
        session = self._sessions.find(request)
        began = session.seconds
        key = (
            session.fingerprint
            + repr(
                (
                    request.clip.width,
                    request.clip.height,
                    working,
                    request.clip.linear,
                    request.settings.seed,
                )
            ).encode()
        )
        run = self._run(request)
        if request.clip.temporal and session.temporal:
            run.begin(request.index, request.interactive)
        else:
            run.forget()  # each frame for itself
        for _ in range(_TRIES):
            view = View(request, run, supply, frames, working, self._pictures, self._smalls, self._cuts)
            try:
                digest = view.current()
                if not session.temporal:
                    link, approximate = first_link(digest), False
                    painted = self._alone(session, view, key, link, request)
                elif request.clip.temporal:
                    link, painted, approximate = self._in_shot(session, view, key, run, request, told)
                else:
                    stream, approximate = self._stream(request), False
                    painted = stream.paint(
                        session,
                        key,
                        request.time,
                        request.clip.gap,
                        digest,
                        view.image(request.index),
                        request.settings.seed,
                    )
                    link = stream.link
                self._finish(view, painted, key, link, request, frames, approximate)
            except Changed:
                _log.info("the source changed: looking at it anew")
                run.forget()
                continue
            run.end()
            return Outcome(approximate, session.seconds - began)
        raise VstError(
            f"frame {request.index} has no picture, or another one each time it is asked for; "
            "render it again when the source stands still"
        )

    def _run(self, request: Request) -> Run:
        run = self._runs.setdefault(request.run, Run())
        self._runs.move_to_end(request.run)
        while len(self._runs) > _MOST_RUNS:
            gone, _ = self._runs.popitem(last=False)
            self._rough.pop(gone, None)
        return run

    def _stream(self, request: Request) -> Stream:
        stream = self._streams.setdefault(request.run, Stream())
        self._streams.move_to_end(request.run)
        while len(self._streams) > _MOST_RUNS:
            self._streams.popitem(last=False)
        return stream

    def _alone(
        self, session: ReplaySession, view: View, key: bytes, link: bytes, request: Request
    ) -> Tensor:
        painted = self._paintings.get((key, link))
        if painted is None:
            painted, _ = session.step(view.image(request.index), None, 0, request.settings.seed)
            self._paintings.put((key, link), painted)
        return painted

    def _in_shot(
        self,
        session: ReplaySession,
        view: View,
        key: bytes,
        run: Run,
        request: Request,
        told: Callable[[int, int], None],
    ) -> tuple[bytes, Tensor, bool]:
        """The frame's chained hash, its painting, and whether that is approximate."""
        index = request.index
        earliest = index - request.limit if request.interactive else None
        known = self._known(view, key, run, index, earliest)
        if known is None:
            return b"", self._roughly(session, view, key, request, told), True
        start, state, after = known
        link = run.links[index][1]
        painted = self._paintings.get((key, link))
        if painted is not None:
            return link, painted, False
        steps = index - after
        for number in range(after + 1, index + 1):
            painted, state = session.step(view.image(number), state, number - start, request.settings.seed)
            self._keep(key, run.links[number][1], number - start, painted, state)
            if number < index:
                told(number - after, steps)
        assert painted is not None
        return link, painted, False

    def _known(
        self, view: View, key: bytes, run: Run, index: int, earliest: int | None
    ) -> tuple[int, ShotState | None, int] | None:
        """Where the frame's shot begins, and the nearest state before the frame, with its index.

        None where that is too far back.
        """
        behind = index
        while behind not in run.links and not view.begins(behind):
            behind -= 1
            if earliest is not None and behind < earliest:
                return None
        for number in range(behind, index + 1):
            digest = view.hash_of(number)
            if digest is None:
                raise Changed
            if number not in run.links:
                start, link = run.links.get(number - 1, (number, b""))
                if number == behind:
                    run.links[number] = (number, first_link(digest))
                else:
                    run.links[number] = (start, next_link(link, digest))
        start, link = run.links[index]
        if (key, link) in self._paintings:
            return start, None, index
        for number in range(index - 1, start - 1, -1):
            if earliest is not None and number < earliest:
                return None
            state = self._states.get((key, run.links[number][1]))
            if state is not None:
                return start, state, number
        return start, None, start - 1

    def _keep(self, key: bytes, link: bytes, position: int, painted: Tensor, state: ShotState) -> None:
        self._paintings.put((key, link), painted)
        self._states.put((key, link), state)
        if position % _KEY_STEP:
            self._last.append((key, link))
            while len(self._last) > _LAST_STATES:
                self._states.drop(self._last.popleft())

    def _roughly(
        self,
        session: ReplaySession,
        view: View,
        key: bytes,
        request: Request,
        told: Callable[[int, int], None],
    ) -> Tensor:
        """The painting as if the shot began `limit` frames ago, or the last such one had been exact."""
        index = request.index
        last = self._rough.get(request.run)
        state, after, position = None, index - request.limit - 1, -1
        if last is not None and last.key == key and last.digest == view.hash_of(last.index):
            if last.index == index:
                return last.painted
            if last.index == index - 1:
                state, after, position = last.state, last.index, last.position
        painted = None
        for number in range(after + 1, index + 1):
            position += 1
            painted, state = session.step(view.image(number), state, position, request.settings.seed)
            if number < index:
                told(number - after, index - after)
        assert painted is not None
        assert state is not None
        self._rough[request.run] = _Rough(key, index, view.hash_of(index) or b"", position, painted, state)
        return painted

    def _finish(
        self,
        view: View,
        painted: Tensor,
        key: bytes,
        link: bytes,
        request: Request,
        frames: SharedFrames,
        approximate: bool,
    ) -> None:
        name = (key, link, request.settings.strength, request.settings.keep_color)
        result = None if approximate else self._results.get(name)
        if result is None:
            whole = view.current_image()
            seen = painted if painted.shape == whole.shape else view.image(request.index)
            postprocess = Postprocess(request.settings.strength, request.settings.keep_color)
            result = StylizerSession(None, None, postprocess).compose(painted, seen, whole)
            result = to_linear(result) if request.clip.linear else result
            if not approximate:
                shared = request.settings.strength == 0 and not request.clip.linear
                self._results.put(name, result.clone() if shared else result)
        frames.slot(RESULT).copy_(result)


def _cache_bytes() -> int:
    try:
        asked = float(os.environ.get(CACHE_VARIABLE, "") or 0)
    except ValueError:
        asked = 0
    if asked > 0:
        return int(asked * 10**6)
    return min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8, 2 * 10**9)
