"""gatys: content at one layer, Gram matrices of the painting at several (Gatys 2015, 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vst.losses.style_statistics import STYLE_LOSSES
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.optimisation.features import FeatureSource
from vst.modes.optimisation.paintings import Paintings
from vst.modes.optimisation.stylizer import Level, OptimisingStylizer
from vst.modes.optimisation.terms import (
    FeatureTerm,
    PixelTerm,
    StyleTerm,
    pixel_terms,
    style_targets,
)
from vst.modes.stylizer import Stylizer


class GatysStylizer(OptimisingStylizer):
    """α content + β style + total variation, with what the options add."""

    def __init__(
        self,
        source: FeatureSource,
        paintings: Paintings,
        config: OptimisationConfig,
        start: Stylizer | None = None,
    ) -> None:
        super().__init__(source, paintings, config, start)
        self._targets: dict[tuple[int, int | None], dict[str, Tensor]] = {}

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
        """What the paintings' features say at the size of a level; computed once for each size."""
        key = level.painting_side, level.tile
        if key not in self._targets:
            self._targets[key] = style_targets(
                self.source,
                self.paintings.at(level.painting_side),
                self.paintings.shares,
                tuple(self._style_layers),
                self.config.style_loss,
                level.tile,
            )
        return self._targets[key]
