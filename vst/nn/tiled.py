"""A network run in tiles: what the whole picture would give, up to the order of sums, in less memory.

Instance norm takes its statistics from the whole picture, so that tiles cannot be painted one after the
other: each layer goes over all of them before the next can begin. At full resolution a layer's output is
not kept, but made twice, once for its statistics and once for the next layer; what is kept is at half and
a quarter of the resolution. docs/adr/0011-tiles-layer-by-layer.md.

What is given stays on the device where it is, and so does what comes out; what is held between the layers
is on the network's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vst.nn.body import TransformationBody
from vst.nn.layers import ConvBlock, ReflectedConv2d, ResidualBlock, TransposedBlock, UpsampleBlock
from vst.nn.lstm import LSTM, State
from vst.nn.maps import Convolved, Enlarged, Kept, Map, Normed, Patch, Planes, Rectified, tiles
from vst.nn.moments import Moments

_MEMORY_REACH = 3
"""How far an `AnchoredConvLSTM` looks: 3×3 behind 5×5."""


@torch.no_grad()
def paint(
    network: TransformationBody,
    planes: Sequence[Tensor],
    mix: Tensor,
    tile: int,
    fresh: Tensor | None = None,
) -> Tensor:
    """As `network(torch.cat(planes, 1), mix, fresh)`.

    Args:
        network: Any body, as it is used when nothing is trained.
        planes: B×C×H×W each, −1..1.
        mix: 1×S or B×S, on the network's device.
        tile: Longest side of a tile in pixels of the picture.
        fresh: B×1×H×W.

    Returns:
        B×3×H×W, −1..1, of the type and on the device of the first plane.

    Raises:
        VstError: as `TransformationBody.forward`.
    """
    like = network.last.weight
    image = Planes(planes, like)
    network.check_input(sum(each.shape[1] for each in planes), *image.size)
    decoded = _decode(network, _encode(network, image, mix, tile), mix, tile)
    said = _convolved(network.last, decoded, crop=image.size)
    seen = Planes(planes, torch.empty(0, dtype=planes[0].dtype, device=like.device))
    out = torch.empty_like(planes[0][:, :1]).repeat(1, 3, 1, 1)
    for box in tiles(image.size, tile):
        part = None if fresh is None else box.of(fresh).to(like.device)
        box.of(out).copy_(network.compose(said.piece(box), seen.piece(box), part))
    return out


@torch.no_grad()
def step(network: LSTM, frame: Tensor, state: State | None, mix: Tensor, tile: int) -> tuple[Tensor, State]:
    """As `network.step`.

    Args:
        network: As it is used when nothing is trained.
        frame: B×3×H×W, −1..1.
        state: What the step before gave, on whatever device; None for the first frame of a shot.
        mix: 1×S or B×S, on the network's device.
        tile: Longest side of a tile in pixels of the picture.

    Returns:
        The painting, B×3×H×W, −1..1, and the state, of the type and on the device of the frame.

    Raises:
        VstError: as `TransformationBody.forward`.
    """
    like = network.last.weight
    image = Planes([frame], like)
    network.check_input(frame.shape[1], *image.size)
    features = _encode(network, image, mix, tile)
    fine: Map | None = None
    if state is None:
        cell = hidden = features.tensor.to(frame.device, torch.float32)
    else:
        layers = [_convolution(layer) for layer in network.past]
        fine = Rectified(_convolved(layers[0], Planes(network.shown(frame, state), like)))
        half = Rectified(_convolved(layers[1], fine))
        coarse = Rectified(_convolved(layers[2], half))
        cell, hidden = _remember(network, features, coarse, state, tile)
    del features
    painting = torch.empty_like(frame)
    rest = None if network.keep is None or state is None else network.at_rest(frame, state)
    decoded = _decode(network, Planes([hidden], like), mix, tile)
    for box in tiles(image.size, tile):
        wide = box.grown(network.last.kernel_size[0] // 2, image.size)
        near = decoded.piece(wide)
        said = _convolved(network.last, Patch(near, wide, image.size)).piece(box)
        part = network.finish(said.to(frame.dtype))
        if network.keep is not None and rest is not None and fine is not None and state is not None:
            both = torch.cat((near, fine.piece(wide)), 1)
            said = _convolved(network.keep, Patch(both, wide, image.size)).piece(box)
            kept = (box.of(each).to(part.device) for each in (rest, state.painting))
            part = network.keep_past(part, said, *kept)
        box.of(painting).copy_(part)
    return painting, State(frame, painting, cell, hidden)


def _remember(network: LSTM, present: Map, past: Map, state: State, tile: int) -> tuple[Tensor, Tensor]:
    """The next cell and hidden state, where the last ones are."""
    cell, hidden = torch.empty_like(state.cell), torch.empty_like(state.hidden)
    device = network.last.weight.device
    for box in tiles(present.size, max(tile // 4, 1)):
        wide = box.grown(_MEMORY_REACH, present.size)
        before = (wide.of(each).to(device) for each in (state.cell, state.hidden))
        after = network.memory(present.piece(wide), past.piece(wide), *before)
        inner = box.within(wide)
        for whole, part in zip((cell, hidden), after, strict=True):
            box.of(whole).copy_(inner.of(part))
    return cell, hidden


def _encode(network: TransformationBody, image: Map, mix: Tensor, tile: int) -> Kept:
    """`TransformationBody.encode`."""
    half, quarter = max(tile // 2, 1), max(tile // 4, 1)
    first, second, third = map(_block, network.down)
    x = _layer(second, _normed(first, image, mix, tile), mix, half)
    features = _settled(_layer(third, x, mix, quarter), half)
    del x
    for block in network.residual:
        assert isinstance(block, ResidualBlock)
        y = _layer(block.second, _layer(block.first, features, mix, half), mix, half)
        for box in tiles(features.size, half):
            features.piece(box).add_(y.piece(box))
        del y
    return features


def _decode(network: TransformationBody, features: Map, mix: Tensor, tile: int) -> Map:
    """`TransformationBody.decode`, made where it is asked for, and not cut to the picture's size."""
    first, second = map(_block, network.up)
    return _normed(second, _layer(first, features, mix, max(tile // 2, 1)), mix, tile)


def _normed(block: ConvBlock, source: Map, mix: Tensor, tile: int) -> Map:
    """A block's output, nothing of it in memory: gone over for its statistics, and again when asked for."""
    raw = _projected(block, source)
    mean, variance = block.norm.statistics(
        lambda: Moments.of(raw.piece(box) for box in tiles(raw.size, tile)).result()
    )
    return Normed(raw, block.norm, mean, variance, mix, block.relu)


def _layer(block: ConvBlock, source: Map, mix: Tensor, tile: int) -> Normed:
    """A block's output, what comes before its norm in memory."""
    raw = _projected(block, source)
    whole: Tensor | None = None
    moments = Moments()
    for box in tiles(raw.size, tile):
        part = raw.piece(box)
        if whole is None:
            whole = part.new_empty(*part.shape[:2], *raw.size).contiguous(memory_format=torch.channels_last)
        box.of(whole).copy_(part)
        moments.add(part)
    assert whole is not None
    mean, variance = block.norm.statistics(moments.result)
    return Normed(Kept(whole), block.norm, mean, variance, mix, block.relu)


def _settled(layer: Normed, tile: int) -> Kept:
    """The layer's output in place of what came before its norm."""
    kept = layer.source
    assert isinstance(kept, Kept)
    for box in tiles(kept.size, tile):
        kept.piece(box).copy_(layer.piece(box))
    return kept


def _projected(block: ConvBlock, source: Map) -> Map:
    if isinstance(block, UpsampleBlock | TransposedBlock):
        return Enlarged(block.project, source)
    conv = _convolution(block.conv)
    return Convolved(block.project, source, conv.kernel_size[0], conv.stride[0])


def _convolved(conv: ReflectedConv2d, source: Map, crop: tuple[int, int] | None = None) -> Convolved:
    return Convolved(conv, source, conv.kernel_size[0], conv.stride[0], crop)


def _block(module: nn.Module) -> ConvBlock:
    assert isinstance(module, ConvBlock)
    return module


def _convolution(module: nn.Module) -> ReflectedConv2d:
    assert isinstance(module, ReflectedConv2d)
    return module
