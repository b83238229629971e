"""Several outputs of one clip, read side by side."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vst.evaluate.footage import Footage
from vst.frame import Frame


class SynchronizedOutputs:
    """The frames of several outputs with equal frame numbers; notes where lengths or timestamps differ.

    Args:
        clip: The input.
        outputs: By name.
        width: Of the frames that are returned.
        height: The same.
    """

    def __init__(self, clip: Footage, outputs: Mapping[str, Footage], width: int, height: int) -> None:
        self._clip = clip
        self._frames = {name: each.at(width, height) for name, each in outputs.items()}
        self._starts: dict[str, tuple[float, float]] = {}
        self._shifted: set[str] = set()
        self._ended = ""
        self._count = 0
        self.notes: list[str] = []
        """What a user should know so far, one line each."""

    def next(self, frame: Frame) -> dict[str, Tensor] | None:
        """The outputs of the clip's next frame, 3×H×W each, 0..1; None where one of them has ended."""
        images = {}
        for name, frames in self._frames.items():
            output = next(frames, None)
            if output is None:
                self._ended = name
                return None
            images[name] = output.image
            self._compare_times(name, frame, output)
        self._count += 1
        return images

    def _compare_times(self, name: str, frame: Frame, output: Frame) -> None:
        start = self._starts.setdefault(name, (float(frame.time), float(output.time)))
        shift = abs((float(output.time) - start[1]) - (float(frame.time) - start[0]))
        # Half a frame: containers round timestamps by less.
        if shift > float(frame.duration) / 2 and name not in self._shifted:
            self._shifted.add(name)
            self.notes.append(
                f"{name} has other timestamps than the clip, first at frame {frame.index + 1}; frames are "
                "compared by their number"
            )

    def shorter(self) -> list[str]:
        """The note on an output that ended before the clip."""
        return [f"{self._ended} ends before the clip: the first {self._count} frames are compared"]

    def longer(self) -> list[str]:
        """The note on outputs that go on after the clip; reads one more frame of each."""
        more = [name for name, frames in self._frames.items() if next(frames, None) is not None]
        if not more:
            return []
        return [
            f"{self._clip.path.name} ends before {', '.join(more)}: its {self._count} frames are compared"
        ]
