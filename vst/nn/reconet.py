"""ReCoNet: steady by its training, without a past at run time (Gao 2018; course report, approach 3)."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from vst.nn.body import TABLE_4_1, TransformationBody, Variant, one_style

BLOCKS = 4
"""Residual blocks of the encoder."""
REPORT = dataclasses.replace(TABLE_4_1, blocks=BLOCKS)


class ReCoNet(TransformationBody):
    """`TransformationBody` with four residual blocks, seen as an encoder and a decoder.

    The encoder is three convolutions and the residual blocks, the decoder two up-sampling convolutions and
    a last one, with reflection padding, and instance norm after every convolution but the last: the body's
    layers with a block less. The report gives no widths; these are table 4.1's. With five blocks it is the
    body that itn has.

    Called as other bodies are, it paints; `with_features` also gives what the encoder saw.

    Args:
        width: Number of filters w of the first layer.
        styles: Number of styles that share the convolutions.
        variant: Blocks, norm, up-sampling and output.
    """

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = REPORT) -> None:
        super().__init__(3, width, styles, variant)

    def with_features(self, frame: Tensor, mix: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Paint, and give the features F by which the encoder is held to see things as it saw them before.

        Args:
            frame: B×3×H×W, −1..1.
            mix: As in `TransformationBody.forward`.

        Returns:
            The painting, B×3×H×W, −1..1, and the features, B×4w×⌈H/4⌉×⌈W/4⌉.

        Raises:
            VstError: as `TransformationBody.forward`.
        """
        if mix is None:
            mix = one_style(0, self.styles, frame.device)
        features = self.encode(frame, mix)
        return self.painted(self.decode(features, mix, frame.shape[-2:]), frame.dtype), features
