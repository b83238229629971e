"""Temporal state for hosts that give no frame but the one being rendered.

Frames are stylized in the order in which they arrive. A repeated frame returns the cached result, and a
jump in time starts a new shot. Cut detection compares the frame with the two before it, as if the clip
stood still afterwards; so a flash of a single frame counts as a cut.
"""

from __future__ import annotations

from collections import deque
from dataclasses import astuple, dataclass, field
from typing import Any

from torch import Tensor

from vst.borders import NONE, Borders
from vst.host.replay import ReplaySession
from vst.host.shot_chain import first_chained_hash, next_chained_hash
from vst.host.source import ClipFrame
from vst.motion.shot_detection import CUT_CONTEXT, SmallFrame, is_cut_between
from vst.pipeline.session import ShotState

_JUMP_FACTOR = 8.0
"""Where the frame rate is unknown, a step in time longer than this many of the shortest is a jump."""


@dataclass
class FrameStream:
    """The state after the last frame of one plugin instance.

    Attributes:
        fingerprint: Of the settings and the size that the last frame was stylized with.
        chained_hash: Of the frames of the shot up to the last one.
        borders: Of the last frame.
    """

    fingerprint: bytes = b""
    chained_hash: bytes = b""
    borders: Borders = NONE
    _time: float = 0.0
    _hash: bytes = b""
    _shortest_step: float = 0.0
    _position: int = -1
    _stylized: Tensor | None = None
    _small_frames: deque[SmallFrame] = field(default_factory=lambda: deque(maxlen=CUT_CONTEXT + 1))
    _previous: tuple[bytes, ShotState | None] = (b"", None)
    _state: ShotState | None = None

    def stylize(
        self,
        session: ReplaySession,
        fingerprint: bytes,
        time: float,
        gap: float,
        digest: bytes,
        frame: ClipFrame,
        seed: int,
    ) -> Tensor:
        """Stylize the next frame, or the last one again.

        Args:
            session: Stylizes.
            fingerprint: Of the settings and the size. A new one starts a new shot.
            time: Of the frame, growing.
            gap: A larger step in time is a jump; 0 if the frame rate is unknown.
            digest: The frame's hash.
            frame: The frame.
            seed: For modes that draw random numbers.

        Returns:
            The stylized picture inside `borders`, 3×h×w, 0..1.
        """
        if fingerprint == self.fingerprint and time == self._time and self._stylized is not None:
            if digest == self._hash:
                return self._stylized
            # The last frame has changed: go back to the state before it.
            self._small_frames.pop()
            self._position -= 1
            self.chained_hash, self._state = self._previous
        elif fingerprint != self.fingerprint or self._is_jump(time, gap):
            self._small_frames.clear()
            self._position, self.chained_hash, self._state = -1, b"", None
        self.fingerprint, self._stylized = fingerprint, None
        self._previous = (self.chained_hash, self._state)
        self._small_frames.append(frame.source.small_frame(frame.index)[0])
        if self._state is None or self._is_cut():
            self._position, state, self.chained_hash = 0, None, first_chained_hash(digest)
        else:
            self._position, state = self._position + 1, self._state
            self.chained_hash = next_chained_hash(self.chained_hash, digest)
        self._time, self._hash = time, digest
        step = session.step(frame, state, self._position, seed)
        self._stylized, self.borders, self._state = step.stylized, step.borders, step.state
        return self._stylized

    def snapshot(self) -> tuple[dict[str, Any], tuple[Tensor, ...]]:
        """The state after the last frame, for `from_snapshot`: JSON values and tensors.

        Not part of it is the state before the last frame: a frame that changes just when a worker is
        started again starts a new shot.
        """
        values = {
            "fingerprint": self.fingerprint.hex(),
            "chained_hash": self.chained_hash.hex(),
            "hash": self._hash.hex(),
            "time": self._time,
            "shortest_step": self._shortest_step,
            "position": self._position,
            "borders": astuple(self.borders),
            "small_frames": [each.shares for each in self._small_frames],
        }
        assert self._stylized is not None
        wholes = (each.whole for each in self._small_frames)
        insides = (each.inside for each in self._small_frames if each.inside is not None)
        return values, (self._stylized, *wholes, *insides, *(self._state or ()))

    @classmethod
    def from_snapshot(cls, values: dict[str, Any], tensors: tuple[Tensor, ...]) -> FrameStream:
        """The stream that `snapshot` described."""
        stream, shares = cls(), [tuple(map(float, each)) for each in values["small_frames"]]
        stream.fingerprint = bytes.fromhex(values["fingerprint"])
        stream.chained_hash = bytes.fromhex(values["chained_hash"])
        stream._hash = bytes.fromhex(values["hash"])
        stream._time, stream._shortest_step = float(values["time"]), float(values["shortest_step"])
        stream._position = int(values["position"])
        stream.borders = Borders(*map(int, values["borders"]))
        rest = list(tensors)
        stream._stylized = rest.pop(0)
        wholes = [rest.pop(0) for _ in shares]
        stream._small_frames.extend(
            SmallFrame(whole, rest.pop(0) if each else None, each)
            for whole, each in zip(wholes, shares, strict=True)
        )
        stream._state = tuple(rest) or None
        return stream

    def _is_jump(self, time: float, gap: float) -> bool:
        step = time - self._time
        if step <= 0:
            return True
        if gap == 0 and self._position >= 0:
            self._shortest_step = min(step, self._shortest_step or step)
        return step > (gap or _JUMP_FACTOR * (self._shortest_step or step))

    def _is_cut(self) -> bool:
        small_frames = list(self._small_frames)
        small_frames = [small_frames[0]] * (CUT_CONTEXT + 1 - len(small_frames)) + small_frames
        return is_cut_between(small_frames + [small_frames[-1]] * CUT_CONTEXT)
