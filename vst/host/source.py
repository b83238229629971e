"""The source frames of a host's clip, which are fetched on demand and known by their hashes.

A request always fetches the frame to stylize and, if its hash is known, the frame before it. Other frames
are fetched only while their hash is unknown, or while no cache has their pixels. Known hashes are discarded
when requests stop following each other in order; then all frames of the shot are fetched and hashed again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from vst.borders import NONE, Borders, Crop, Look, holds, look_at
from vst.host.cache import Cache
from vst.host.linear_light import to_display
from vst.host.protocol import CURRENT, OTHER, Request
from vst.host.shared_frames import SharedFrames
from vst.motion.shot_detection import CUT_CONTEXT, SmallFrame, is_cut_between, small_frame
from vst.pipeline.frame_size import inside_working_size
from vst.postprocess import resize

_REORDERED = 3
"""Frames by which requests may be out of order and still follow each other: hosts have several threads."""

_MAX_CUTS = 50_000
"""Cut decisions to keep."""

_IDLE = 2.0
"""Seconds without a request after which the source may have been edited."""


class SourceChanged(Exception):
    """A frame differs from its known hash; the request starts again."""


class FrameProvider(Protocol):
    """Gets source frames from the host."""

    def fetch(self, index: int, slot: int) -> bytes | None:
        """Write a frame to a slot.

        Args:
            index: Of the frame in its clip.
            slot: Of the shared memory.

        Returns:
            The hash of the frame, or None if the clip has no such frame.
        """
        ...


@dataclass
class RequestRun:
    """What is known of one clip while requests follow each other in order.

    Attributes:
        hashes: Index of a fetched frame -> its hash, or None for a frame that is missing.
        chained_hashes: Index of a frame -> index of the first frame of its shot, and the chained hash of
            the shot's frames up to this one.
        requested: Indices of the frames requested so far.
        ended_at: When the last request was answered, in seconds of the monotonic clock.
        is_unverified: An interactive request was out of order, and the hashes were kept all the same.
    """

    hashes: dict[int, bytes | None] = field(default_factory=dict)
    chained_hashes: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    requested: set[int] = field(default_factory=set)
    ended_at: float = 0.0
    is_unverified: bool = False

    def begin(self, index: int, interactive: bool) -> None:
        """Add a request.

        Discards the hashes if the request is out of order or they are unverified. Interactive requests
        keep them.

        Args:
            index: Of the requested frame.
            interactive: A user waits for the frame.
        """
        in_order = (
            self.requested
            and index not in self.requested
            and -_REORDERED <= index - max(self.requested) <= _REORDERED
            and time.monotonic() - self.ended_at < _IDLE
        )
        if not in_order and interactive:
            self.is_unverified = True
        if not interactive and (self.is_unverified or not in_order):
            self.clear()
        self.requested.add(index)

    def end(self) -> None:
        """Note that the request was answered."""
        self.ended_at = time.monotonic()

    def clear(self) -> None:
        """Discard all hashes."""
        self.hashes.clear()
        self.chained_hashes.clear()
        self.requested.clear()
        self.is_unverified = False


class SourceFrames:
    """The source frames that one request uses.

    Args:
        request: Defines the clip.
        run: Known hashes; new ones are added.
        provider: Gets frames.
        frames: The shared memory that frames are written to.
        working: Width and height at which frames are stylized.
        working_frames: Cache of frames at that size, by content.
        small_frames: Cache of the reduced frames that cut detection compares, with what they say about
            borders.
        cuts: Decisions on cuts and borders, by the content of the frames.
    """

    def __init__(
        self,
        request: Request,
        run: RequestRun,
        provider: FrameProvider,
        frames: SharedFrames,
        working: tuple[int, int],
        working_frames: Cache[Tensor],
        small_frames: Cache[tuple[SmallFrame, Look]],
        cuts: dict[object, bool],
    ) -> None:
        self._request, self._run, self._provider, self._frames = request, run, provider, frames
        self._working, self._working_frames = working, working_frames
        self._small_frames, self._cuts = small_frames, cuts
        clip, self._keeps_borders = request.clip, request.settings.keep_borders
        self._format = (clip.width, clip.height, working, clip.linear, self._keeps_borders)

    def fetch_current(self, verify: bool) -> bytes:
        """Fetch the frame to stylize, and the frame before it if its hash is known, to verify it.

        Args:
            verify: Whether the frame before is used.

        Returns:
            The hash of the frame to stylize.

        Raises:
            SourceChanged: One of them differs from its known hash, or the frame is missing.
        """
        index = self._request.index
        if verify and self._request.clip.temporal and index - 1 in self._run.hashes:
            self._fetch(index - 1, OTHER)
        digest = self._fetch(index, CURRENT)
        if digest is None:
            raise SourceChanged
        return digest

    def current_image(self) -> Tensor:
        """The frame to stylize, 3×H×W, R'G'B', at the size of the clip."""
        return self._display_referred(CURRENT)

    def hash_of(self, index: int) -> bytes | None:
        """The hash of a frame, fetched if it is unknown; None if the clip has no such frame."""
        inside = self._request.clip.first <= index <= self._request.clip.last
        if not inside and index != self._request.index:
            return None
        if index not in self._run.hashes:
            self._fetch(index, OTHER)
        return self._run.hashes[index]

    def frame(self, index: int) -> ClipFrame:
        """A frame for `ReplaySession`."""
        return ClipFrame(self, index)

    def image(self, index: int, borders: Borders = NONE) -> Tensor:
        """The picture inside of a frame's borders, 3×h×w, R'G'B', at working resolution.

        Raises:
            SourceChanged: The frame differs from its known hash.
        """
        key = (self._format, self.hash_of(index), borders)
        image = self._working_frames.get(key)
        if image is None:
            image = self._resized(self._display_referred(self._slot_of(index)), borders)
        self._working_frames.put(key, image)
        return image

    def small_frame(self, index: int) -> tuple[SmallFrame, Look]:
        """A frame as cut detection compares it, and what it says about borders.

        Raises:
            SourceChanged: The frame differs from its known hash.
        """
        key = (self._format, self.hash_of(index))
        found = self._small_frames.get(key)
        if found is None:
            slot = self._slot_of(index)
            found = self._small_frames.get(key) or self._reduced(
                self._display_referred(slot), self.image(index)
            )
            self._small_frames.put(key, found)
        return found

    def holds(self, index: int, borders: Borders) -> bool:
        """Whether borders are still borders in a frame.

        Raises:
            SourceChanged: The frame differs from its known hash.
        """
        key = (self._format, "holds", self.hash_of(index), borders)
        if key not in self._cuts:
            self._decide(key, holds(self._display_referred(self._slot_of(index)), borders))
        return self._cuts[key]

    def _slot_of(self, index: int) -> int:
        """The slot that has a frame, fetched if none has."""
        if index == self._request.index:
            return CURRENT
        if self._fetch(index, OTHER) is None:
            raise SourceChanged
        return OTHER

    def _decide(self, key: object, decision: bool) -> None:
        if len(self._cuts) >= _MAX_CUTS:
            self._cuts.clear()
        self._cuts[key] = decision

    def starts_shot(self, index: int) -> bool:
        """Whether a shot starts at a frame of the clip, decided as `vst.motion.shots` does.

        A missing frame ends the clip on that side.
        """
        if self.hash_of(index - 1) is None:
            return True
        if self.hash_of(index + 1) is None:
            return False
        window = [index]
        for _ in range(CUT_CONTEXT):
            # Beyond the ends of the clip its first and last frame are repeated.
            before, after = window[0] - 1, window[-1] + 1
            window.insert(0, before if self.hash_of(before) is not None else before + 1)
            window.append(after if self.hash_of(after) is not None else after - 1)
        key = (self._format, *(self._run.hashes[each] for each in window))
        if key not in self._cuts:
            self._decide(key, is_cut_between([self.small_frame(each)[0] for each in window]))
        return self._cuts[key]

    def _fetch(self, index: int, slot: int) -> bytes | None:
        digest = self._provider.fetch(index, slot)
        if self._run.hashes.get(index, digest) != digest:
            raise SourceChanged
        self._run.hashes[index] = digest
        key = (self._format, digest)
        if slot == OTHER and digest is not None and key not in self._small_frames:
            # The next frame overwrites the slot.
            full = self._display_referred(slot)
            image = self._resized(full, NONE)
            self._working_frames.put((*key, NONE), image)
            self._small_frames.put(key, self._reduced(full, image))
        return digest

    def _reduced(self, full: Tensor, image: Tensor) -> tuple[SmallFrame, Look]:
        """The small frame and the look of a frame, R'G'B' at the size of the clip and at working size."""
        look = look_at(full) if self._keeps_borders else Look()
        if not look.borders:
            return small_frame(image), look
        crop = Crop(look.borders, full.shape[-1], full.shape[-2])
        return small_frame(image, crop), look

    def _display_referred(self, slot: int) -> Tensor:
        image = self._frames.slot(slot)
        return to_display(image) if self._request.clip.linear else image

    def _resized(self, full: Tensor, borders: Borders) -> Tensor:
        image = borders.inside(full)
        width, height = self._working
        if borders:
            width, height = inside_working_size(
                image.shape[-1], image.shape[-2], self._request.settings.style_scale
            )
        if image.shape[-2:] == (height, width):
            return image.clone(memory_format=torch.contiguous_format)
        return resize(image.contiguous(), (height, width))


@dataclass(frozen=True)
class ClipFrame:
    """One source frame, for `ReplaySession`.

    Attributes:
        source: The frames of the clip.
        index: Of the frame.
    """

    source: SourceFrames
    index: int

    @property
    def look(self) -> Look:
        """What the frame says about borders."""
        return self.source.small_frame(self.index)[1]

    def holds(self, borders: Borders) -> bool:
        """Whether borders are still borders in the frame."""
        return self.source.holds(self.index, borders)

    def image(self, borders: Borders = NONE) -> Tensor:
        """The picture inside of borders, 3×h×w, R'G'B', at working resolution."""
        return self.source.image(self.index, borders)
