"""lstm: a network that remembers, without optical flow."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vst.frame import Frame, Motion
from vst.modes.memory import Need
from vst.modes.painter import Painter, from_network, to_network
from vst.nn.lstm import State


class LstmMode:
    """The LSTM video network (thesis 5.5): the last frame, its painting and the cell go on to the next.

    Fed back is the network's own output in fp32, before any finishing.
    """

    distances: tuple[int, ...] = ()

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._state: State | None = None

    def reset(self) -> None:
        """Forget all that was seen and painted."""
        self._state = None

    def step(self, frame: Frame, motions: Mapping[int, Motion]) -> Tensor:
        """See `Mode.step`; motions are not looked at."""
        painting, self._state = self._painter.go_on(to_network(frame.image)[None], self._state)
        return from_network(painting[0])

    def need(self, width: int, height: int) -> Need:
        """See `PredictableMode.need`; the state is counted with the painting."""
        return self._painter.need(height, width)

    def snapshot(self) -> tuple[Tensor, ...]:
        """Frame, painting, cell and hidden state on the CPU, or nothing at the start of a shot."""
        return () if self._state is None else tuple(part.cpu() for part in self._state)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Remember this and nothing else."""
        self._state = self._painter.take(State(*state)) if state else None
