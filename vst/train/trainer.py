"""The loop that all trainers share: batches by number, Adam on a cosine, log, checkpoints, samples."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from vst.errors import Interrupted, VstError
from vst.styles.catalog import CHECKPOINT
from vst.train.training_checkpoint import load_checkpoint, save_checkpoint
from vst.train.training_run import TrainingRun

Step = Callable[[dict[str, Tensor]], dict[str, Tensor]]
"""From a batch to its losses by name; `total` is what is minimised."""


class Schedule(Protocol):
    """What the loop reads of a recipe; `Recipe` and `FlowRecipe` describe each."""

    @property
    def steps(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...

    @property
    def final_learning_rate(self) -> float: ...

    @property
    def averaging(self) -> float: ...

    @property
    def precision(self) -> str: ...

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        ...

    def digest(self) -> str:
        """A name for it."""
        ...


@dataclass(frozen=True)
class AdamSettings:
    """How the parameters follow their gradients.

    Attributes:
        rate: From the number of steps done to the learning rate.
        betas: Adam's decays of the gradients' first and second moments.
        clip: Gradients are scaled down to this norm; None: never.
    """

    rate: Callable[[int], float]
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = 10.0


CHECKPOINT_MINUTES = 3.0
"""Time between checkpoints, and samples."""


class _From(torch.utils.data.Sampler[int]):
    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last))

    def __len__(self) -> int:
        return self.last - self.first


def learning_rate(recipe: Schedule, step: int) -> float:
    """A cosine from the first rate to the last, behind a tenth of the steps (at most 100) of warming up."""
    low, high = recipe.final_learning_rate, recipe.learning_rate
    falling = low + (high - low) * 0.5 * (1 + math.cos(math.pi * min(step / recipe.steps, 1)))
    return falling * min(1.0, (step + 1) / max(1, min(100, recipe.steps // 10)))


def _ignore_signals(number: int) -> None:
    """Ctrl-C is handled by the main process, which ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the running mean of the parameters by a step; it is steadier than Adam's present ones."""
    for mean, value in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
    for kept, statistic in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(statistic)


def train(
    recipe: Schedule,
    model: nn.Module,
    average: nn.Module,
    batches: Dataset[dict[str, Tensor]],
    step: Step,
    run: TrainingRun,
    *,
    averaged: nn.Module | None = None,
    adam: AdamSettings | None = None,
    sample: Callable[[Path], None] | None = None,
) -> int:
    """Train until the recipe's last step, or until the time is up.

    Batch number n depends on the recipe's seed and on n alone, so a run that continues from its checkpoint
    gets the batches that it would have got.

    Args:
        recipe: Steps, rates and precision.
        model: The network; moved to the device by the caller.
        average: Another of the same kind as `averaged`, which becomes its running mean.
        batches: Map from step number to batch.
        step: Computes the losses of a batch.
        run: Where and how; `recipe.json`, `log.jsonl`, `checkpoint.safetensors` and `samples/` go to its
            folder.
        averaged: The part of the network that is exported; None: all of it.
        adam: None: the recipe's rates along a cosine.
        sample: Writes an example picture to the path it gets.

    Returns:
        The number of steps done in all.

    Raises:
        Interrupted: when `run.stop` was set.
    """
    folder, device = run.folder, torch.device(run.device)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(recipe.to_json(), indent=2) + "\n")
    averaged = model if averaged is None else averaged
    average.load_state_dict(averaged.state_dict())
    adam = adam or AdamSettings(lambda step: learning_rate(recipe, step))
    state = _State(recipe, model, average, averaged, adam, device, folder / CHECKPOINT)
    if state.done:
        run.say(f"continuing from step {state.done}")
    began = saved = time.monotonic()
    with open(folder / "log.jsonl", "a", encoding="utf-8") as stream:
        log = _Log(recipe.steps, stream, run.say)
        for batch in _one_line_errors(_loader(batches, state.done, recipe.steps, run.workers, device)):
            losses = step({name: value.to(device, non_blocking=True) for name, value in batch.items()})
            state.update(losses["total"])
            now = time.monotonic()
            log.add(state.done, now - began, losses)
            stopped = run.stop is not None and run.stop.is_set()
            finished = stopped or state.done >= recipe.steps or now - began > 60 * run.minutes
            if finished or now - saved > 60 * CHECKPOINT_MINUTES:
                state.save()
                if sample is not None:
                    sample(folder / "samples" / f"{state.done:06d}.png")
                saved = now
            if stopped:
                raise Interrupted(f"stopped after step {state.done}; the same command continues from there")
            if finished:
                break
    return state.done


def _one_line_errors(loader: Iterable[dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Batches; an error of a process that makes them comes with a traceback, which is taken off."""
    try:
        yield from loader
    except VstError as error:
        last = str(error).rstrip().rpartition("\n")[2]
        raise VstError(last.removeprefix(f"{type(error).__module__}.{type(error).__name__}: ")) from error


class _State:
    """What a step changes: parameters, running mean, optimiser, and the number of steps done."""

    def __init__(
        self,
        recipe: Schedule,
        model: nn.Module,
        average: nn.Module,
        averaged: nn.Module,
        adam: AdamSettings,
        device: torch.device,
        checkpoint: Path,
    ) -> None:
        self._recipe, self._model, self._checkpoint, self._adam = recipe, model, checkpoint, adam
        self._average, self._averaged = average, averaged
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.Adam(self._trained, lr=adam.rate(0), betas=adam.betas)
        self._scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.done = 0
        if checkpoint.exists():
            self.done = load_checkpoint(checkpoint, model, average, self._optimiser, self._scaler)

    def update(self, total: Tensor) -> None:
        """Minimise a loss by one step."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._adam.rate(self.done)
        self._optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(total).backward()
        self._scaler.unscale_(self._optimiser)
        if self._adam.clip is not None:
            nn.utils.clip_grad_norm_(self._trained, self._adam.clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.done += 1
        follow(self._average, self._averaged, min(self._recipe.averaging, self.done / (self.done + 10)))

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            self._checkpoint,
            self._model,
            self._average,
            self._optimiser,
            self._scaler,
            self.done,
            self._recipe.digest(),
        )


class _Log:
    """Running means of the losses, to `log.jsonl` every 20 steps, and as lines of progress."""

    def __init__(self, steps: int, stream: TextIO, say: Callable[[str], None]) -> None:
        self._steps, self._stream, self._say = steps, stream, say
        self._mean: dict[str, Tensor] = {}

    def add(self, done: int, seconds: float, losses: dict[str, Tensor]) -> None:
        """The losses of step number `done`."""
        # Sums stay on the device: reading numbers at every step would make a GPU wait for them.
        for name, value in ((name, value.detach()) for name, value in losses.items()):
            self._mean[name] = torch.lerp(self._mean.get(name, value), value, 0.03)
        if done % 20:
            return
        numbers = {name: value.item() for name, value in self._mean.items()}
        self._stream.write(json.dumps({"step": done, "seconds": round(seconds, 1), **numbers}) + "\n")
        self._stream.flush()
        if done % (20 if self._steps <= 500 else 100) == 0:
            text = "  ".join(f"{name} {value:.4f}" for name, value in numbers.items())
            self._say(f"step {done} of {self._steps}  {text}")


def _loader(
    batches: Dataset[dict[str, Tensor]], first: int, last: int, workers: int | None, device: torch.device
) -> DataLoader[dict[str, Tensor]]:
    if workers is None:
        workers = 1 if device.type == "cpu" else max(1, (os.cpu_count() or 2) - 1)
    return DataLoader(
        batches,
        batch_size=None,
        sampler=_From(first, last),
        num_workers=workers,
        prefetch_factor=4,
        pin_memory=device.type == "cuda",
        worker_init_fn=_ignore_signals,
    )
