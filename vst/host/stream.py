"""Frames as they come, for hosts that give no others: state in order, repeats kept, a reset on a jump.

Some hosts hand out only the frame that is being rendered. A shot's start is then found by that frame and
the two before it, as if the clip stood still afterwards: a flash of one frame passes for a cut.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from torch import Tensor

from vst.host.replay import ReplaySession
from vst.host.source import first_link, next_link
from vst.motion.shot_detection import REACH, is_cut, small_picture
from vst.pipeline.session import ShotState

_UNEVEN = 8.0
"""How many of the smallest steps in time are no jump yet, where the rate is not known."""


@dataclass
class Stream:
    """The frames that came last.

    Attributes:
        identity: What they were painted with.
        link: Chained hash of the shot up to the last frame.
    """

    identity: bytes = b""
    link: bytes = b""
    _time: float = 0.0
    _hash: bytes = b""
    _step: float = 0.0
    _position: int = -1
    _painted: Tensor | None = None
    _smalls: deque[Tensor] = field(default_factory=lambda: deque(maxlen=REACH + 1))
    _before: tuple[bytes, ShotState | None] = (b"", None)
    _state: ShotState | None = None

    def paint(
        self,
        session: ReplaySession,
        identity: bytes,
        time: float,
        gap: float,
        digest: bytes,
        image: Tensor,
        seed: int,
    ) -> Tensor:
        """Paint the next frame, or again the last one.

        Args:
            session: Paints.
            identity: Of the settings and the size; with another one the stream begins anew.
            time: Of the frame, growing.
            gap: The largest step in time that is no jump; 0 is found out.
            digest: The frame's hash.
            image: The frame, 3×h×w, R'G'B', as large as it is painted.
            seed: Of what a mode draws at random.

        Returns:
            The painting, 3×h×w, 0..1.
        """
        if identity == self.identity and time == self._time and self._painted is not None:
            if digest == self._hash:
                return self._painted
            # Another picture in the last one's place: once more from the frame before it.
            self._smalls.pop()
            self._position -= 1
            self.link, self._state = self._before
        elif identity != self.identity or self._jumps(time, gap):
            self._smalls.clear()
            self._position, self.link, self._state = -1, b"", None
        self.identity, self._painted = identity, None
        self._before = (self.link, self._state)
        self._smalls.append(small_picture(image))
        if self._state is None or self._cut():
            self._position, state, self.link = 0, None, first_link(digest)
        else:
            self._position, state, self.link = self._position + 1, self._state, next_link(self.link, digest)
        self._time, self._hash = time, digest
        self._painted, self._state = session.step(image, state, self._position, seed)
        return self._painted

    def _jumps(self, time: float, gap: float) -> bool:
        step = time - self._time
        if step <= 0:
            return True
        if gap == 0 and self._position >= 0:
            self._step = min(step, self._step or step)
        return step > (gap or _UNEVEN * (self._step or step))

    def _cut(self) -> bool:
        smalls = list(self._smalls)
        smalls = [smalls[0]] * (REACH + 1 - len(smalls)) + smalls
        return is_cut(smalls + [smalls[-1]] * REACH)
