"""What the engine keeps for later requests, limited in bytes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any

from torch import Tensor

from vst.borders import Look
from vst.host.cache import Cache
from vst.host.replay import ReplayStep, StylizedFrame
from vst.motion.shot_detection import SmallFrame
from vst.pipeline.session import ShotState

CACHE_VARIABLE = "VST_PLUGIN_CACHE"
"""Environment variable with the size of the caches in MB."""

_SHARES = {"states": 0.5, "stylized": 0.2, "working_frames": 0.15, "results": 0.13, "small_frames": 0.02}
"""The part of the memory that each cache gets."""

_STATE_INTERVAL = 16
"""The states of every 16th frame of a shot are cached."""

_RECENT_STATES = 4
"""Of the other frames the states of the last four are cached."""


class EngineCaches:
    """The caches of one engine; keys never contain a time or a plugin instance.

    Args:
        limit: Bytes. None takes the value of `VST_PLUGIN_CACHE`, or else an eighth of the memory and at
            most 2 GB.

    Attributes:
        states: After a frame, by settings and chained hash.
        stylized: Frames that came out together, by position in the shot, at working resolution with the
            borders that they lack; by settings and chained hash. The last interval stays whole, however
            large it is: playing must not stylize it again for each of its frames.
        working_frames: Source frames at working resolution, by content.
        results: Postprocessed frames.
        small_frames: Reduced source frames for cut detection and what they say about borders, by content.
        cuts: Decisions on cuts and borders, by the content of the frames.
    """

    def __init__(self, limit: int | None = None) -> None:
        limit = _bytes_from_environment() if limit is None else limit
        shares = {name: int(limit * share) for name, share in _SHARES.items()}
        self.states: Cache[ShotState] = Cache(shares["states"])
        self.stylized: Cache[Mapping[int, StylizedFrame]] = Cache(shares["stylized"])
        self.working_frames: Cache[Tensor] = Cache(shares["working_frames"])
        self.results: Cache[Tensor] = Cache(shares["results"])
        self.small_frames: Cache[tuple[SmallFrame, Look]] = Cache(shares["small_frames"])
        self.cuts: dict[object, bool] = {}
        self._recent_states: deque[tuple[bytes, bytes]] = deque()

    def clear(self) -> None:
        """Empty all caches."""
        caches: tuple[Cache[Any], ...] = (
            self.states,
            self.stylized,
            self.working_frames,
            self.results,
            self.small_frames,
        )
        for cache in caches:
            cache.clear()
        self.cuts.clear()
        self._recent_states.clear()

    def find(self, key: bytes, name: Hashable, position: int) -> StylizedFrame | None:
        """A stylized frame; None if it is not cached.

        Args:
            key: Of the settings.
            name: Of the frames that came out together: a chained hash, or what contains one.
            position: Of the frame in its shot, from 0.
        """
        return (self.stylized.get((key, name)) or {}).get(position)

    def add_step(self, key: bytes, chained_hash: bytes, position: int, step: ReplayStep) -> None:
        """Cache a stylized frame and the state after it.

        Args:
            key: Of the settings.
            chained_hash: Of the shot up to the frame.
            position: Of the frame in its shot, from 0.
            step: The frame.
        """
        self.stylized.put((key, chained_hash), {position: (step.stylized, step.borders)})
        self.add_state(key, chained_hash, position, step.state)

    def add_state(self, key: bytes, chained_hash: bytes, position: int, state: ShotState) -> None:
        """Cache the state after a frame."""
        self.states.put((key, chained_hash), state)
        if position % _STATE_INTERVAL:
            self._recent_states.append((key, chained_hash))
            while len(self._recent_states) > _RECENT_STATES:
                self.states.drop(self._recent_states.popleft())


def _bytes_from_environment() -> int:
    try:
        megabytes = float(os.environ.get(CACHE_VARIABLE, "") or 0)
    except ValueError:
        megabytes = 0
    if 0 < megabytes < float("inf"):
        return int(megabytes * 10**6)
    return min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8, 2 * 10**9)
