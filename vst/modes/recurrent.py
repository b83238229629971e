"""lstm: a network with a memory of its own, without optical flow."""

from __future__ import annotations

from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.memory import MemoryEstimate
from vst.modes.network_runner import NetworkRunner, to_network
from vst.nn.lstm import State


class LstmStylizer:
    """The LSTM video network (thesis 5.5): the last frame, its stylization and the cell are its state.

    Fed back is the network's own output in fp32, before any postprocessing.
    """

    every_frame = True
    whole_shot = False
    conditioned = False

    def __init__(self, network: NetworkRunner) -> None:
        self._network = network
        self._state: State | None = None

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; the past is ignored."""
        output, self._state = self._network.advance(to_network(frame.image)[None], self._state)
        return output[0].cpu()

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._state = None

    def snapshot(self) -> tuple[Tensor, ...]:
        """Frame, stylization, cell and hidden state on the CPU; empty at the start of a shot."""
        return () if self._state is None else tuple(part.cpu() for part in self._state)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Replace the state."""
        self._state = self._network.to_device(State(*state)) if state else None

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`; the state is included."""
        return self._network.memory(height, width)
