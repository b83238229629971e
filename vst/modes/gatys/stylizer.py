"""gatys: content at one layer, Gram matrices of the painting at several (Gatys 2015, 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.stylizer import Level, OptimisingStylizer
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
            style = self.style_targets(level)
            features.append(StyleTerm(statistic, config.style_weight, self._style_layers, style))
        return features, pixel_terms(config, level.frame)

    def style_targets(self, level: Level) -> dict[str, Tensor]:
        """What the paintings' features say at the size of a level."""
        return self.of_paintings(
            level,
            lambda: style_targets(
                self.source,
                self.paintings.at(level.painting_side),
                self.paintings.shares,
                tuple(self._style_layers),
                self.config.style_loss,
                level.tile,
            ),
        )
