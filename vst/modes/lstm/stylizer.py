"""lstm: a network with a memory of its own, without optical flow."""

from __future__ import annotations

import torch
from torch import Tensor

from vst.frame import Frame, Past
from vst.modes.lstm.network import LSTM, LstmState
from vst.modes.network_runner import NetworkRunner, large_enough, to_network
from vst.modes.tiling import MemoryEstimate
from vst.nn.tiled import Tiled


class LstmStylizer:
    """The LSTM video network (thesis 5.5): the last frame, its stylization and the cell are its state.

    Fed back is the network's own output in fp32, before any postprocessing.
    """

    every_frame = True
    whole_shot = False
    conditioned = False

    def __init__(self, runner: NetworkRunner) -> None:
        assert isinstance(runner.network, LSTM)
        self._runner, self._network = runner, runner.network
        self._state: LstmState | None = None

    @torch.inference_mode()
    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        """See `Stylizer.stylize`; the past is ignored."""
        image = to_network(frame.image)[None]
        height, width = image.shape[-2:]
        padded, before, mix = large_enough(image.float()), self._state, self._runner.mix

        def whole() -> tuple[Tensor, LstmState]:
            x = padded.to(self._runner.device).contiguous(memory_format=torch.channels_last)
            state = None if before is None else self._to_device(before)
            return self._network.advance(self._runner.executor, x, state)

        def in_tiles(tile: int) -> tuple[Tensor, LstmState]:
            return self._network.advance(Tiled(mix, tile), padded, before)

        output, self._state = self._runner.within_memory(padded, whole, in_tiles)
        return output[..., :height, :width].contiguous()[0].to(frame.image.device)

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._state = None

    def snapshot(self) -> tuple[Tensor, ...]:
        """Frame, stylization, cell and hidden state on the CPU; empty at the start of a shot."""
        return () if self._state is None else tuple(part.cpu() for part in self._state)

    def restore(self, state: tuple[Tensor, ...]) -> None:
        """Replace the state."""
        self._state = self._to_device(LstmState(*state)) if state else None

    def memory(self, width: int, height: int) -> MemoryEstimate:
        """See `Stylizer.memory`; the state is included."""
        return self._runner.memory(height, width)

    def _to_device(self, state: LstmState) -> LstmState:
        return LstmState(*(part.to(self._runner.device) for part in state))
