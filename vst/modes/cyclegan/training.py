"""Training cyclegan: generators against discriminators, with a temporal loss (dissertation, 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vst.losses import temporal_loss
from vst.losses.adversarial import cycle_loss, discriminator_loss, flow_cycle_loss, generator_loss
from vst.losses.perceptual import CONTENT_LAYER, content_loss
from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.cyclegan.image_pool import ImagePool
from vst.modes.cyclegan.networks import CycleNetworks
from vst.modes.cyclegan.watch import DiscriminatorWatch
from vst.modes.training import arithmetic, to_unit, uncompiled
from vst.motion import warp


class CycleganStep:
    """Losses of one batch; what is minimised is `total`, by one optimiser for all networks.

    A discriminator's loss has no gradient for a generator, nor the other way round, and both are taken of
    the pictures from before the step. So this is the same as one optimiser for the generators followed by
    one for the discriminators, as Zhu 2017 has it.

    Args:
        recipe: Weights and precision.
        networks: What is trained.
        loss_network: For the content and style loss; None where neither has a weight.
        compiled: Applied to what is called in every step.
        say: Takes a line about a discriminator that wins, loses or collapses.
    """

    def __init__(
        self,
        recipe: CycleganRecipe,
        networks: CycleNetworks,
        loss_network: nn.Module | None = None,
        compiled: Callable[[Any], Any] = uncompiled,
        say: Callable[[str], None] = print,
    ) -> None:
        self.recipe, self.networks, self._loss_network = recipe, networks, loss_network
        self._stylize, self._back = compiled(networks.generator), compiled(networks.back)
        self._judges = [compiled(each) for each in networks.discriminators]
        names = ("paintings", "photographs")
        self._watches = [DiscriminatorWatch(name, say) for name in names[: len(self._judges)]]

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The losses by name; all but `total` are detached.

        Args:
            batch: See `vst.train.collection_batches.CollectionBatches`.
        """
        recipe, device = self.recipe, batch["paintings"].device
        clean, given, sequences = _sources(batch)
        paintings = to_unit(batch["paintings"]) * 2 - 1
        with arithmetic(recipe, device):
            stylized = _generate(self._stylize, given)
            judged, far = stylized[: len(clean)], stylized[len(clean) :]
            restored = _generate(self._back, judged)
            photographed = _generate(self._back, paintings)
            repeated = _generate(self._stylize, photographed)
            losses = {"cycle": cycle_loss(restored, clean) + cycle_loss(repeated, paintings)}
            if recipe.identity_weight:
                losses["identity"] = self._identity(paintings, clean[:1])
            made = [(paintings, judged), (clean, photographed)][: len(self._judges)]
            losses["adversarial"] = self._adversarial([fake for _, fake in made])
            losses |= self._discriminators(made, batch["pool"])
        losses |= self._temporal(batch, judged[-2 * sequences :], far, restored[-2 * sequences :])
        if recipe.content_weight:
            losses["content"] = self._content(judged, clean)
        if recipe.style_weight:
            losses["style"] = self._style(judged[:1])
        total = losses["discriminator"] + sum(
            getattr(recipe, f"{name}_weight") * value
            for name, value in losses.items()
            if name != "discriminator"
        )
        return {"total": total, **{name: value.detach() for name, value in losses.items()}}

    def _identity(self, paintings: Tensor, photo: Tensor) -> Tensor:
        """What each generator changes of a picture that is of its target already."""
        same = cycle_loss(_generate(self._stylize, paintings), paintings)
        return same + cycle_loss(_generate(self._back, photo), photo)

    def _adversarial(self, generated: list[Tensor]) -> Tensor:
        """The generators' loss; discriminators get no gradient from it."""
        terms = []
        for judge, network, pictures in zip(
            self._judges, self.networks.discriminators, generated, strict=True
        ):
            with _frozen(network):
                terms.append(generator_loss(_scores(judge, pictures)))
        return torch.stack(terms).sum()

    def _discriminators(self, made: list[tuple[Tensor, Tensor]], draws: Tensor) -> dict[str, Tensor]:
        """The discriminators' loss, of real pictures and of generated ones through the pool."""
        terms = []
        for place, (judge, (real, generated)) in enumerate(zip(self._judges, made, strict=True)):
            pool = self.networks.pools[place]
            assert isinstance(pool, ImagePool)
            pooled = pool.exchange(generated, draws[: len(generated), place])
            scores = _scores(judge, real.detach()), _scores(judge, pooled)
            self._watches[place].add(*scores)
            terms.append(discriminator_loss(*scores))
        return {"discriminator": torch.stack(terms).sum()}

    def _temporal(
        self, batch: dict[str, Tensor], pairs: Tensor, far: Tensor, restored: Tensor
    ) -> dict[str, Tensor]:
        """Temporal losses of adjacent frames, of frames further apart, and of the flow of reconstructions.

        Args:
            batch: The batch.
            pairs: 2Q×3×S×S: each sequence's frame before, and its frame.
            far: Q×3×S×S, frames further away; or none.
            restored: As pairs, through both generators.
        """
        if "true_flow" not in batch:
            return {}
        recipe, flow, mask = self.recipe, batch["true_flow"], batch["true_mask"]
        before, now = pairs[0::2], pairs[1::2]
        losses = {"temporal": temporal_loss(now, warp(before, flow[:, -1]), mask[:, -1])}
        if recipe.long_weight:
            losses["long"] = temporal_loss(before, warp(far, flow[:, -2]), mask[:, -2])
        if recipe.flow_cycle_weight:
            moved = warp(restored[0::2], flow[:, -1])
            losses["flow_cycle"] = flow_cycle_loss(restored[1::2], moved, mask[:, -1])
        return losses

    def _content(self, stylized: Tensor, frames: Tensor) -> Tensor:
        """Content loss relative to the frames' own energy, as `PerceptualLoss` has it."""
        assert self._loss_network is not None
        with torch.no_grad():
            wanted = self._loss_network((frames + 1) / 2, (CONTENT_LAYER,))[CONTENT_LAYER]
        found = self._loss_network((stylized + 1) / 2, (CONTENT_LAYER,))[CONTENT_LAYER]
        energy = content_loss(wanted, torch.zeros_like(wanted)) + 1e-8
        return (content_loss(found, wanted) / energy).mean()

    def _style(self, stylized: Tensor) -> Tensor:
        """Style loss against the mean of all paintings; of one picture a step, as the mean runs on."""
        style, network = self.networks.style, self._loss_network
        assert style is not None
        assert network is not None
        loss: Tensor = style(network((stylized + 1) / 2, style.layers))
        return loss


def _generate(network: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Run a generator on B×3×S×S; on a CPU one picture at a time, as instance norm is faster so."""
    parts = pictures.split(1) if pictures.device.type == "cpu" else (pictures,)
    return torch.cat(
        [network(each.contiguous(memory_format=torch.channels_last)).float() for each in parts]
    )


def _scores(network: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    return network(pictures.contiguous(memory_format=torch.channels_last)).float()


def _sources(batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, int]:
    """The pictures to stylize, −1..1: N clean ones, as they are given with jitter, and how many sequences.

    Photographs come first, then of each sequence its frame before and its frame. What is given has further
    away frames at the end, which are not judged.
    """
    clean, given, far, sequences = [], [], [], 0
    if "photos" in batch:
        photos = to_unit(batch["photos"]) * 2 - 1
        clean.append(photos)
        given.append(photos)
    if "frames" in batch:
        sequences = len(batch["frames"])
        clean.append((to_unit(batch["frames"][:, -2:]) * 2 - 1).flatten(0, 1))
        seen = to_unit(batch["seen"]) * 2 - 1
        given.append(seen[:, -2:].flatten(0, 1))
        far.append(seen[:, :-2].flatten(0, 1))
    return torch.cat(clean), torch.cat(given + far), sequences


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Calls inside the block give a network's parameters no gradient."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
