"""Minimises an objective over the pixels of a picture: L-BFGS or Adam, with restarts."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vst.errors import VstError
from vst.modes.optimisation.config import ADAM
from vst.modes.optimisation.objective import Evaluation

_log = logging.getLogger(__name__)

RESTARTS = 3
"""How often a loss that is not a number, or grows, is taken up again from the best picture."""

_SMALLER = 0.1
"""Of the steps before, those after a restart."""

_GROWN, _IN_A_ROW = 10.0, 5
"""A loss grows without end if it is so many times what a picture without features has, so often."""

_FIRST_CHANGE = 0.02
"""Root mean square of the change of pixels, 0..1, that the first step of L-BFGS makes."""

_GRADIENT_SUM = 1e4
"""Sum of the absolute gradient that L-BFGS is given at first: it takes 1e-10 for 0."""

_MOST_HISTORY, _LEAST_HISTORY = 20, 5
_HISTORY_BYTES = 2 * 2**30

_ADAM_RATE = 0.02
"""Largest change of a pixel in a step at first; it falls along a cosine."""


@dataclass(frozen=True)
class Step:
    """One evaluation.

    Attributes:
        number: From 1.
        losses: By name, without weights.
        image: The best picture so far, 3×H×W; not clamped.
    """

    number: int
    losses: Mapping[str, float]
    image: Tensor


Watch = Callable[[Step], bool]
"""Called after every evaluation; returns False to stop."""


@dataclass(frozen=True)
class Minimum:
    """What came out.

    Attributes:
        image: The picture with the smallest sum of losses, 3×H×W; not clamped.
        losses: Its losses by name.
        stopped: Whether `watch` stopped it.
    """

    image: Tensor
    losses: Mapping[str, float]
    stopped: bool


def minimise(
    objective: Callable[[Tensor], Evaluation],
    start: Tensor,
    steps: int,
    watch: Watch,
    *,
    optimizer: str,
    weight: float = 1.0,
) -> Minimum:
    """Change the pixels of a picture until the losses are small.

    Args:
        objective: Evaluates a picture.
        start: 3×H×W, fp32.
        steps: Number of evaluations.
        watch: Follows it.
        optimizer: `lbfgs` or `adam`.
        weight: `Objective.weight`: what a loss is large against.

    Raises:
        VstError: The losses of the start are not numbers.
    """
    search = _Search(objective, start, steps, watch, weight)
    run = _adam if optimizer == ADAM else _lbfgs
    scale = 1.0
    for restart in range(RESTARTS + 1):
        try:
            run(search, scale)
            break
        except _Enough:
            break
        except _Diverged as error:
            if search.losses is None:
                raise VstError(
                    f"the losses cannot be minimised: {error} at the start; check the loss network and the "
                    "weights of the losses"
                ) from None
            scale *= _SMALLER
            again = "restarting with smaller steps" if restart < RESTARTS else "keeping the best picture"
            _log.warning("step %d: %s; %s", search.count, error, again)
    return Minimum(search.best, search.losses or {}, search.stopped)


class _Enough(Exception):
    """All steps are done, or `watch` returned False."""


class _Diverged(Exception):
    """The loss is not a number, or grows without end."""


class _Search:
    """Evaluates, counts, and keeps the best picture.

    Attributes:
        best: The picture with the smallest loss so far.
        losses: Its losses; None before the first evaluation.
        count: Evaluations so far.
        steps: Evaluations in all.
        stopped: Whether the watch stopped it.
    """

    def __init__(
        self,
        objective: Callable[[Tensor], Evaluation],
        start: Tensor,
        steps: int,
        watch: Watch,
        weight: float,
    ) -> None:
        self.best = start.contiguous()  # torch's L-BFGS takes no other
        self.losses: Mapping[str, float] | None = None if steps else {}
        self.count, self.steps, self.stopped = 0, steps, False
        self._objective, self._watch, self._weight = objective, watch, weight
        self._least, self._limit, self._too_large = math.inf, math.inf, 0

    def __call__(self, image: Tensor) -> Evaluation:
        if self.stopped or self.count >= self.steps:
            raise _Enough
        found = self._objective(image)
        self.count += 1
        if not (math.isfinite(found.total) and bool(torch.isfinite(found.gradient).all())):
            raise _Diverged("the loss is not a number")
        if self._limit == math.inf:
            self._limit = _GROWN * max(found.total, self._weight)
        self._too_large = self._too_large + 1 if found.total > self._limit else 0
        if self._too_large >= _IN_A_ROW:
            self._too_large = 0
            raise _Diverged(f"the loss has grown to {found.total:.3g}")
        if found.total < self._least:
            self._least, self.best, self.losses = found.total, image.detach().clone(), found.losses
        self.stopped = not self._watch(Step(self.count, found.losses, self.best))
        return found


def _lbfgs(search: _Search, scale: float) -> None:
    """L-BFGS with a line search (strong Wolfe conditions).

    torch's implementation makes a first step whose absolute values sum to 1. So pixels are given in a unit
    in which that changes the picture visibly; otherwise the line search needs ten evaluations to get going.
    """
    first: Evaluation | None = search(search.best)
    assert first is not None
    total = float(first.gradient.abs().sum())
    if total == 0:
        return
    unit = scale * _FIRST_CHANGE * total / float(first.gradient.square().mean().sqrt())
    factor = _GRADIENT_SUM / (unit * total)
    variable = (search.best / unit).requires_grad_(True)
    most = _HISTORY_BYTES // (8 * variable.numel())
    solver = torch.optim.LBFGS(
        [variable],
        max_iter=search.steps,
        max_eval=2 * search.steps,
        history_size=max(_LEAST_HISTORY, min(_MOST_HISTORY, most)),
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        nonlocal first
        # torch evaluates where it starts, which has been done.
        found = search(variable.detach() * unit) if first is None else first
        first = None
        variable.grad = (found.gradient * (unit * factor)).contiguous()
        return torch.tensor(found.total * factor)

    solver.step(closure)


def _adam(search: _Search, scale: float) -> None:
    """Adam (Kingma & Ba 2014)."""
    image = search.best.clone().requires_grad_(True)
    solver = torch.optim.Adam([image], lr=_ADAM_RATE)
    while True:
        image.grad = search(image.detach()).gradient
        turn = math.pi * search.count / max(search.steps, 1)
        solver.param_groups[0]["lr"] = scale * _ADAM_RATE * (0.55 + 0.45 * math.cos(turn))
        solver.step()
