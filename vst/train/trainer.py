"""The loop that all trainers share: batches by number, Adam on a cosine, log, checkpoints, samples."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from vst.errors import Interrupted
from vst.train.checkpoint import load_checkpoint, save_checkpoint

Step = Callable[[dict[str, Tensor]], dict[str, Tensor]]
"""From a batch to its losses by name; `total` is what is minimised."""


class Schedule(Protocol):
    """What the loop wants to know of a recipe; `Recipe` and `FlowRecipe` say what each is."""

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


def _deaf_worker(number: int) -> None:
    """Ctrl-C is the main process's to hear; what that one hears of SIGTERM is not for its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the running mean of the parameters a step on; it is steadier than where Adam just stands."""
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
    folder: Path,
    *,
    device: torch.device,
    minutes: float = math.inf,
    checkpoint_minutes: float = 3.0,
    workers: int = 1,
    sample: Callable[[Path], None] | None = None,
    stop: threading.Event | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Train until the recipe's last step, or until the time is up.

    Batch number n depends on the recipe's seed and on n alone, so a run that is taken up again from
    its checkpoint sees what it would have seen.

    Args:
        recipe: What to do.
        model: The network; moved to the device by the caller.
        average: Another of the same kind, which becomes the running mean of the first.
        batches: Map from step number to batch.
        step: Computes the losses of a batch.
        folder: Where `recipe.json`, `log.jsonl`, `checkpoint.safetensors` and `samples/` go.
        device: Where batches are sent.
        minutes: Stop after so many minutes of this call.
        checkpoint_minutes: Time between checkpoints.
        workers: Processes that make batches.
        sample: Writes an example picture to the path it gets.
        stop: When set, the step under way is the last one, and its checkpoint is written.
        say: Takes a line of progress.

    Returns:
        The number of steps done in all.

    Raises:
        Interrupted: when `stop` was set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples").mkdir(exist_ok=True)
    (folder / "recipe.json").write_text(json.dumps(recipe.to_json(), indent=2) + "\n")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=recipe.learning_rate)
    checkpoint = folder / "checkpoint.safetensors"
    average.load_state_dict(model.state_dict())
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
    done = load_checkpoint(checkpoint, model, average, optimiser, scaler) if checkpoint.exists() else 0
    if done:
        say(f"going on from step {done}")
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=_From(done, recipe.steps),
        num_workers=workers,
        prefetch_factor=4,
        pin_memory=device.type == "cuda",
        worker_init_fn=_deaf_worker,
    )
    began = saved = time.monotonic()
    mean: dict[str, Tensor] = {}
    with open(folder / "log.jsonl", "a", encoding="utf-8") as log:
        for batch in loader:
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(recipe, done)
            losses = step({name: value.to(device, non_blocking=True) for name, value in batch.items()})
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(losses["total"]).backward()
            scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(trained, 10.0)
            scaler.step(optimiser)
            scaler.update()
            done += 1
            follow(average, model, min(recipe.averaging, done / (done + 10)))
            # Sums stay on the device: asking for numbers every step would make a GPU wait for them.
            for name, value in ((name, value.detach()) for name, value in losses.items()):
                mean[name] = torch.lerp(mean.get(name, value), value, 0.03)
            now = time.monotonic()
            if done % 20 == 0:
                numbers = {name: value.item() for name, value in mean.items()}
                log.write(json.dumps({"step": done, "seconds": round(now - began, 1), **numbers}) + "\n")
                log.flush()
                if done % (20 if recipe.steps <= 500 else 100) == 0:
                    text = "  ".join(f"{name} {value:.4f}" for name, value in numbers.items())
                    say(f"step {done} of {recipe.steps}  {text}")
            stopped = stop is not None and stop.is_set()
            finished = stopped or done >= recipe.steps or now - began > 60 * minutes
            if finished or now - saved > 60 * checkpoint_minutes:
                save_checkpoint(checkpoint, model, average, optimiser, scaler, done, recipe.digest())
                if sample is not None:
                    sample(folder / "samples" / f"{done:06d}.png")
                saved = now
            if stopped:
                raise Interrupted(f"stopped after step {done}; the same command goes on from there")
            if finished:
                break
    return done
