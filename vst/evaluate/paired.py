"""The paintings of each frame, and whether they are that."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vst.evaluate.footage import Footage
from vst.frame import Frame


class Paired:
    """The frames of several paintings side by side, by number.

    Args:
        clip: What was painted.
        paintings: By name.
        width: At which they are given.
        height: The same.
    """

    def __init__(self, clip: Footage, paintings: Mapping[str, Footage], width: int, height: int) -> None:
        self._clip = clip
        self._frames = {name: each.at(width, height) for name, each in paintings.items()}
        self._starts: dict[str, tuple[float, float]] = {}
        self._late: set[str] = set()
        self._ended = ""
        self._count = 0
        self.notes: list[str] = []
        """What a user should know so far."""

    def next(self, frame: Frame) -> dict[str, Tensor] | None:
        """The paintings of the clip's next frame, 3×H×W each, 0..1; None where one of them has ended."""
        outputs = {}
        for name, frames in self._frames.items():
            painted = next(frames, None)
            if painted is None:
                self._ended = name
                return None
            outputs[name] = painted.image
            self._compare_times(name, frame, painted)
        self._count += 1
        return outputs

    def _compare_times(self, name: str, frame: Frame, painted: Frame) -> None:
        start = self._starts.setdefault(name, (float(frame.time), float(painted.time)))
        away = abs((float(painted.time) - start[1]) - (float(frame.time) - start[0]))
        # Half a frame: less is the rounding of a container.
        if away > float(frame.duration) / 2 and name not in self._late:
            self._late.add(name)
            self.notes.append(
                f"{name} is timed otherwise than the clip, first at frame {frame.index + 1}; frames are "
                "compared by their number"
            )

    def shorter(self) -> list[str]:
        """What is said of a painting that ended before the clip."""
        return [f"{self._ended} ends before the clip: the first {self._count} frames are compared"]

    def longer(self) -> list[str]:
        """What is said of paintings that go on after the clip; reads a frame more of each."""
        more = [name for name, frames in self._frames.items() if next(frames, None) is not None]
        if not more:
            return []
        return [
            f"{self._clip.path.name} ends before {', '.join(more)}: its {self._count} frames are compared"
        ]
