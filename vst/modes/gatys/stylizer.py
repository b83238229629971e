"""gatys: content at one layer, Gram matrices of the painting at several (Gatys 2015, 2016).

Of regions the Gram matrices are guided (Gatys 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.level import Level
from vst.modes.optimisation.regions import RegionPart
from vst.modes.optimisation.stylizer import OptimisingStylizer
from vst.modes.optimisation.terms import (
    FeatureTerm,
    PixelTerm,
    StyleTerm,
    pixel_terms,
    style_targets,
)


class GatysStylizer(OptimisingStylizer):
    """α content + β style + total variation, with what the options add."""

    def terms(self, level: Level) -> tuple[Sequence[FeatureTerm], Sequence[PixelTerm]]:
        """See `OptimisingStylizer.terms`."""
        config = self.config
        features = self.content_terms(level)
        if config.style_weight:
            statistic = STYLE_LOSSES[config.style_loss]
            for part in self.parts(level):
                layers = {layer: weight * part.share for layer, weight in self._style_layers.items()}
                targets = self.style_targets(part, level.tile)
                features.append(StyleTerm(statistic, config.style_weight, layers, targets, part.mask))
        return features, pixel_terms(config, level.frame)

    def style_targets(self, part: RegionPart, tile: int | None) -> dict[str, Tensor]:
        """What the features of the paintings of a region say at a size."""
        return self.of_paintings(
            part,
            tile,
            lambda: style_targets(
                self.source,
                part.paintings.at(part.painting_side),
                part.paintings.shares,
                tuple(self._style_layers),
                self.config.style_loss,
                tile,
                part.paintings.masks_at(part.painting_side),
            ),
        )
