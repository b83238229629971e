"""Notices when a discriminator no longer teaches its generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

EVERY = 100
"""Steps from one look to the next."""

_DECAY = 0.02
_WINS, _COLLAPSES = 0.03, 0.02

ADVICE = {
    "wins": "it tells every picture, and the generator learns little from it: give it fewer filters "
    "(--discriminator-width), more paintings, or the generator a lower --cycle-weight",
    "loses": "it takes generated pictures for real ones: give it more filters (--discriminator-width), or "
    "go on, as it may recover",
    "collapses": "it gives all patches one score: lower --learning-rate and start again",
    "recovers": "it tells some pictures again",
}
"""What each state means for the run."""


class DiscriminatorWatch:
    """Running means of a discriminator's scores, and a line whenever it begins to win, lose or collapse.

    Of scores with least squares: it *wins* when its loss falls below 0.03 (1/4 is a draw), *loses* when
    generated pictures have higher scores than real ones, *collapses* when scores of different patches
    differ by a deviation of less than 0.02.

    Args:
        name: Of what it is for.
        say: Takes the line.
    """

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name, self._say = name, say
        self._mean: Tensor | None = None
        self._seen = 0
        self._state = ""

    @torch.no_grad()
    def add(self, real: Tensor, generated: Tensor) -> None:
        """Take the raw scores of a step, and look every `EVERY` steps."""
        both = torch.cat((real.detach().float().flatten(), generated.detach().float().flatten()))
        loss = ((real.float() - 1).square().mean() + generated.float().square().mean()) / 2
        now = torch.stack((loss, real.float().mean() - generated.float().mean(), both.std()))
        # On the device: reading numbers at every step would make a GPU wait for them.
        self._mean = now if self._mean is None else torch.lerp(self._mean, now, _DECAY)
        self._seen += 1
        if self._seen % EVERY == 0:
            self._look(*self._mean.tolist())

    def _look(self, loss: float, margin: float, deviation: float) -> None:
        state = ""
        if deviation < _COLLAPSES:
            state = "collapses"
        elif loss < _WINS:
            state = "wins"
        elif margin < 0:
            state = "loses"
        if state != self._state:
            told = state or "recovers"
            self._say(f"the discriminator of {self._name} {told} (loss {loss:.3f}): {ADVICE[told]}")
        self._state = state
