"""How much memory it takes to paint a picture, whole or in tiles, from the sizes of the layers.

Whole, the most is held where the last up-sampling happens: its input, that enlarged, that padded, and what
comes out, w/2 + 2w + 2w + w channels at full resolution. In tiles it is what a layer and the one before it
keep, w/2 + w/4, and the same peak of one tile. Workspaces of libraries come on top.
"""

from __future__ import annotations

from vst.nn.body import TransformationBody
from vst.nn.lstm import LSTM

_WHOLE = 5.5
_KEPT = 0.75
_TILE = 8.0
"""Channels of a tile, in w: halos, the norm's products and the last convolution's padding included."""

_FP32 = 4
_COLOURS = 3


def whole_bytes(network: TransformationBody, batch: int, height: int, width: int) -> int:
    """Bytes that painting whole pictures takes at its peak.

    Args:
        network: Its weights in the type that it paints in.
        batch: How many pictures at once.
        height: Of a picture, in pixels.
        width: Of the same.
    """
    channels = _WHOLE * network.width * _bytes(network)
    # What is given is joined, and then laid out anew.
    channels += 2 * network.inputs * _FP32 + _past(network)
    return round(channels * batch * height * width)


def tiled_bytes(network: TransformationBody, batch: int, height: int, width: int, tile: int) -> int:
    """Bytes that painting in tiles takes at its peak.

    Args:
        network: As for `whole_bytes`.
        batch: As there.
        height: As there.
        width: As there.
        tile: Longest side of a tile, in pixels.
    """
    kept = _KEPT * network.width * _bytes(network) + _COLOURS * _FP32
    if isinstance(network, LSTM):
        kept += 2 * network.width  # the next cell and hidden state, w/4 channels each in fp32
    piece = min(tile, height) * min(tile, width) * _TILE * network.width * _bytes(network)
    return round(batch * (kept * height * width + piece))


def _past(network: TransformationBody) -> float:
    """Bytes a pixel of a memory: its stream's features at full resolution, and old and new state."""
    if not isinstance(network, LSTM):
        return 0
    return network.width * _bytes(network) + 4 * network.width + 3 * _COLOURS * _FP32


def _bytes(network: TransformationBody) -> int:
    return network.last.weight.element_size()
