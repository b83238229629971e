"""The frames of a host's clip, fetched when needed, and what may be relied upon between renders."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from vst.host.cache import Cache
from vst.host.linear_light import to_display
from vst.host.protocol import CURRENT, OTHER, Request
from vst.host.shared_frames import SharedFrames
from vst.motion.shot_detection import REACH, is_cut, small_picture
from vst.postprocess import resize

_REORDERED = 3
"""Frames by which a host that renders in order may be out of it: it has several threads."""

_MOST_CUTS = 50_000

_IDLE = 2.0
"""Seconds without a request after which a user may have changed anything."""


class Changed(Exception):
    """A frame is not what it was a moment ago: begin again."""


class Supply(Protocol):
    """Where frames come from."""

    def fetch(self, index: int, slot: int) -> bytes | None:
        """Bring a frame into a slot; its hash, or None where the clip has no such frame."""
        ...


@dataclass
class Run:
    """What is known of one clip, while requests follow each other without a break.

    Attributes:
        hashes: By index, of the frames that were fetched; None for those that are missing.
        links: By index: where the frame's shot begins, and the chained hash of the shot up to the frame.
    """

    hashes: dict[int, bytes | None] = field(default_factory=dict)
    links: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    ended: float = 0.0
    loose: bool = False

    def begin(self, index: int, interactive: bool) -> None:
        """A frame is asked for.

        Where it does not follow the last ones, nothing is relied upon any more, but in interactive use.
        """
        follows = (
            self.asked
            and index not in self.asked
            and -_REORDERED <= index - max(self.asked) <= _REORDERED
            and time.monotonic() - self.ended < _IDLE
        )
        if not follows and interactive:
            self.loose = True
        if not interactive and (self.loose or not follows):
            self.forget()
        self.asked.add(index)

    def end(self) -> None:
        """The frame was delivered."""
        self.ended = time.monotonic()

    def forget(self) -> None:
        """Rely on nothing."""
        self.hashes.clear()
        self.links.clear()
        self.asked.clear()
        self.loose = False


class View:
    """One request's sight of the clip.

    Args:
        request: Says which frames there are.
        run: What is relied upon; what is fetched is noted there.
        supply: Brings frames.
        frames: Where to.
        working: Width and height at which frames are painted.
        pictures: Keeps frames at that size, by content.
        smalls: Keeps what cuts are judged by.
        cuts: Keeps the judgements.
    """

    def __init__(
        self,
        request: Request,
        run: Run,
        supply: Supply,
        frames: SharedFrames,
        working: tuple[int, int],
        pictures: Cache[Tensor],
        smalls: Cache[Tensor],
        cuts: dict[object, bool],
    ) -> None:
        self._request, self._run, self._supply, self._frames = request, run, supply, frames
        self._working, self._pictures, self._smalls, self._cuts = working, pictures, smalls, cuts
        self._form = (request.clip.width, request.clip.height, working, request.clip.linear)

    def current(self) -> bytes:
        """Fetch the frame that is to be painted, and the one before it, whatever is known of them.

        Returns:
            The frame's hash.

        Raises:
            Changed: where one of them is not what was relied upon.
        """
        index = self._request.index
        if self._request.clip.temporal and index - 1 in self._run.hashes:
            self._fetch(index - 1, OTHER)
        found = self._fetch(index, CURRENT)
        if found is None:
            raise Changed
        return found

    def current_image(self) -> Tensor:
        """The frame that is to be painted, 3×H×W, R'G'B', at its own size."""
        return self._displayed(CURRENT)

    def hash_of(self, index: int) -> bytes | None:
        """The hash of a frame; None where the clip has no such frame."""
        inside = self._request.clip.first <= index <= self._request.clip.last
        if not inside and index != self._request.index:
            return None
        if index not in self._run.hashes:
            self._fetch(index, OTHER)
        return self._run.hashes[index]

    def image(self, index: int) -> Tensor:
        """A frame, 3×h×w, R'G'B', as large as it is painted.

        Raises:
            Changed: where it is not what was relied upon.
        """
        digest = self.hash_of(index)
        kept = self._pictures.get((self._form, digest))
        if kept is None and index == self._request.index:
            kept = self._reduced(CURRENT)
        elif kept is None:
            if self._fetch(index, OTHER) is None:
                raise Changed
            kept = self._reduced(OTHER)
        self._pictures.put((self._form, digest), kept)
        return kept

    def small(self, index: int) -> Tensor:
        """A frame as cuts are judged, `small_picture`."""
        key = (self._form, self.hash_of(index))
        kept = self._smalls.get(key)
        if kept is None:
            kept = small_picture(self.image(index))
            self._smalls.put(key, kept)
        return kept

    def begins(self, index: int) -> bool:
        """Whether a shot begins at a frame that there is, as `vst.motion.shots` says of the clip.

        Frames that are missing end the clip on that side.
        """
        if self.hash_of(index - 1) is None:
            return True
        if self.hash_of(index + 1) is None:
            return False
        window = [index]
        for _ in range(REACH):
            # At the clip's ends the frames that are missing stand still.
            before, after = window[0] - 1, window[-1] + 1
            window.insert(0, before if self.hash_of(before) is not None else before + 1)
            window.append(after if self.hash_of(after) is not None else after - 1)
        key = (self._form, *(self._run.hashes[each] for each in window))
        if key not in self._cuts:
            if len(self._cuts) >= _MOST_CUTS:
                self._cuts.clear()
            self._cuts[key] = is_cut([self.small(each) for each in window])
        return self._cuts[key]

    def _fetch(self, index: int, slot: int) -> bytes | None:
        found = self._supply.fetch(index, slot)
        if self._run.hashes.get(index, found) != found:
            raise Changed
        self._run.hashes[index] = found
        key = (self._form, found)
        if slot == OTHER and found is not None and key not in self._smalls:
            # It lies in the slot only until the next one comes.
            image = self._reduced(slot)
            self._pictures.put(key, image)
            self._smalls.put(key, small_picture(image))
        return found

    def _displayed(self, slot: int) -> Tensor:
        image = self._frames.slot(slot)
        return to_display(image) if self._request.clip.linear else image

    def _reduced(self, slot: int) -> Tensor:
        image = self._displayed(slot)
        width, height = self._working
        return image.clone() if image.shape[-2:] == (height, width) else resize(image, (height, width))


def first_link(digest: bytes) -> bytes:
    """The chained hash of a shot's first frame."""
    return _blake(b"shot", digest)


def next_link(link: bytes, digest: bytes) -> bytes:
    """The chained hash of a shot up to the next frame."""
    return _blake(link, digest)


def _blake(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest()
