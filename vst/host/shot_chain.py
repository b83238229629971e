"""The frames of a shot and the chained hashes that caches know them by."""

from __future__ import annotations

import hashlib

from vst.host.source import RequestRun, SourceChanged, SourceFrames


class ShotChain:
    """Which frames belong to the shot of a requested frame.

    Args:
        source: The source frames.
        run: The run of the request; chained hashes are added to it.
    """

    def __init__(self, source: SourceFrames, run: RequestRun) -> None:
        self._source, self._known = source, run.chained_hashes

    def reach(self, index: int, earliest: int | None) -> bool:
        """Add the chained hashes of a shot up to a frame.

        Args:
            index: Of the frame.
            earliest: Index of the earliest frame to search; None has no limit.

        Returns:
            False if the search for the shot's first frame reaches the limit.

        Raises:
            SourceChanged: A frame is missing now, or differs from its known hash.
        """
        known = index
        while known not in self._known and not self._source.starts_shot(known):
            known -= 1
            if earliest is not None and known < earliest:
                return False
        if known not in self._known:
            self._known[known] = known, first_chained_hash(self._digest(known))
        for number in range(known + 1, index + 1):
            self._extend(number)
        return True

    def start_of(self, index: int) -> int:
        """Index of the first frame of the shot, for a frame that `reach` or `continues_at` has added."""
        return self._known[index][0]

    def hash_of(self, index: int) -> bytes:
        """The chained hash of the shot up to a frame that has been added."""
        return self._known[index][1]

    def continues_at(self, index: int) -> bool:
        """Whether the shot of the frame before, which has been added, goes on with a frame; adds it.

        Frames up to two after it are fetched.
        """
        if self._source.hash_of(index) is None:
            return False
        if index not in self._known and self._source.starts_shot(index):
            self._known[index] = index, first_chained_hash(self._digest(index))
        if index not in self._known:
            self._extend(index)
        return self._known[index][0] != index

    def _extend(self, index: int) -> None:
        start, chained_hash = self._known[index - 1]
        self._known[index] = start, next_chained_hash(chained_hash, self._digest(index))

    def _digest(self, index: int) -> bytes:
        digest = self._source.hash_of(index)
        if digest is None:
            raise SourceChanged
        return digest


def first_chained_hash(digest: bytes) -> bytes:
    """The chained hash of a shot that has one frame.

    Args:
        digest: The frame's hash.
    """
    return _blake(b"shot", digest)


def next_chained_hash(chained_hash: bytes, digest: bytes) -> bytes:
    """The chained hash of a shot after one more frame.

    Args:
        chained_hash: Of the shot before that frame.
        digest: The frame's hash.
    """
    return _blake(chained_hash, digest)


def _blake(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=16).digest()
