"""ReCoNet: stable by its training, without a past at run time (Gao 2018; course report, approach 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from vst.nn.body import TransformationBody, Variant
from vst.nn.executor import WholeFrame
from vst.nn.style_network import Hyperparameters


@dataclass(frozen=True)
class ReconetVariant(Variant):
    """A `Variant` with the four residual blocks of the report's encoder."""

    blocks: int = 4


REPORT = ReconetVariant()


class ReCoNet(TransformationBody):
    """`TransformationBody` with four residual blocks, seen as an encoder and a decoder.

    The encoder is three convolutions and the residual blocks, the decoder two up-sampling convolutions and
    a last one, with reflection padding, and instance norm after every convolution but the last: the body's
    layers with a block less. The report gives no widths; these are table 4.1's. With five blocks it is the
    body that itn has.

    Args:
        width: Number of filters w of the first layer.
        styles: Number of styles that share the convolutions.
        variant: Blocks, norm, up-sampling and output.
    """

    variant_type: ClassVar[type[Hyperparameters]] = ReconetVariant

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = REPORT) -> None:
        super().__init__(3, width, styles, variant)

    def with_features(self, frame: Tensor, mix: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Stylize, and return the features F that the temporal loss of features compares between frames.

        Args:
            frame: B×3×H×W, −1..1.
            mix: As in `StyleNetwork.forward`.

        Returns:
            The stylized frame, B×3×H×W, −1..1, and the features, B×4w×⌈H/4⌉×⌈W/4⌉.

        Raises:
            VstError: as `StyleNetwork.forward`.
        """
        self.check_input(*frame.shape[-3:])
        run = WholeFrame(self.mixture(mix, frame.device))
        features = self.encode(run, run.input([frame], self.last.weight.dtype))
        raw = run.convolve(self.last, self.decode(run, features, frame.shape[-2:]))
        return self.compose(raw, frame), features
