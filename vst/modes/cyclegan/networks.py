"""All that a training of cyclegan changes: generators, discriminators and pools, as one module."""

from __future__ import annotations

from torch import nn

from vst.modes.cyclegan.collection_style import CollectionStyle
from vst.modes.cyclegan.config import CycleganRecipe
from vst.modes.cyclegan.discriminator import PatchDiscriminator, initialise
from vst.modes.cyclegan.image_pool import ImagePool
from vst.modes.cyclegan.network import CycleGenerator


class CycleNetworks(nn.Module):
    """The generator that is exported, the one back to photographs, and a discriminator and pool for each.

    With one discriminator the generator back has none: the cycle alone teaches it. `style` is set by who
    knows the paintings, where the style loss has a weight.

    Args:
        recipe: Sizes and numbers.
    """

    def __init__(self, recipe: CycleganRecipe) -> None:
        super().__init__()
        self.generator = CycleGenerator.build(recipe.width, 1, recipe.variant)
        self.back = CycleGenerator.build(recipe.back_width or recipe.width, 1, recipe.variant)
        for network in (self.generator, self.back):
            initialise(network)
        width, norm = recipe.discriminator_width, recipe.discriminator_norm
        count = range(recipe.discriminators)
        self.discriminators = nn.ModuleList(PatchDiscriminator(width, norm) for _ in count)
        self.pools = nn.ModuleList(ImagePool(recipe.pool, recipe.size) for _ in count)
        self.style: CollectionStyle | None = None
