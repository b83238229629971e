"""Makes the stylizer of a style in a mode."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vst.frame import Frame
from vst.modes.adapters import VaryingStylizer
from vst.modes.backend_choice import AUTO, BackendRequest, choose_backend
from vst.modes.network_file import load_selection
from vst.modes.network_runner import NetworkRunner
from vst.modes.optimisation.config import OptimisationConfig
from vst.modes.registry import find_mode
from vst.modes.stylizer import Stylizer, takes_backends
from vst.nn.backends import TORCH
from vst.styles import ResolvedStyle
from vst.styles.painting_style import PaintingStyle

if TYPE_CHECKING:
    from vst.modes.optimisation.stylizer import OptimisingStylizer

_log = logging.getLogger(__name__)


def create_stylizer(
    style: ResolvedStyle,
    *,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
    tile: int | None = None,
    backend: BackendRequest = BackendRequest(),  # noqa: B008 — frozen
    mixture_of: Callable[[Frame], Sequence[float] | None] | None = None,
) -> Stylizer:
    """A stylizer with the weights of a style or blend loaded.

    Args:
        style: From `resolve_style`.
        device: Where the network runs.
        precision: float32, bfloat16 or float16, for the convolutions.
        tile: Side of tiles in pixels, 0 for no tiles, or None: `vst.modes.tiling` decides by the frame
            size.
        backend: What runs the network on whole frames. Torch does where the backend cannot, with a warning.
        mixture_of: How much of each style of the network a frame gets, where that changes over the clip.
            Then torch runs the network: a style is part of the graph of other backends.

    Raises:
        UsageError: The mode is unknown.
        WeightsError: A weight file is damaged, or not the one that the catalogue lists.
    """
    mode = find_mode(style.mode)
    style.catalogue.check_digests(style.selection)
    network = load_selection(style.selection)
    runner = NetworkRunner(network, style.mixture, torch.device(device), precision, tile)
    stylizer = mode.stylizer_factory(runner)
    if mixture_of is not None:
        if backend.name not in (TORCH, AUTO):
            _log.warning("styles change over the clip: the network runs on torch, and on no other backend")
        return VaryingStylizer(stylizer, runner, mixture_of)
    if takes_backends(stylizer):
        choose_backend(backend, network, runner)
    elif backend.name not in (TORCH, AUTO):
        _log.warning("mode %s runs on torch: it takes no other backend", style.mode)
    return stylizer


def create_optimiser(
    style: PaintingStyle,
    config: OptimisationConfig,
    *,
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
    pooling: str = "max",
    regions: Sequence[tuple[PaintingStyle, float | None]] = (),
    shares_of: Callable[[Frame], Tensor | None] = lambda frame: None,
) -> OptimisingStylizer:
    """A stylizer that optimises pixels, with its paintings opened and its loss network loaded.

    Args:
        style: From `resolve_paintings`.
        config: What is minimised.
        device: Where the loss network runs.
        precision: float32 or bfloat16, for the convolutions.
        pooling: Of the loss network, `max` or `average`.
        regions: What each region of the frames is matched with in place of `style`, and the size of its
            strokes, None for that of the config; empty: all is matched with `style`.
        shares_of: As of `vst.modes.optimisation.regions.Regions`.

    Raises:
        UsageError: The mode is unknown, or the loss network lacks a layer.
        MediaError: A painting cannot be read.
        WeightsError: A weight file is damaged.
    """
    from vst.modes.optimisation.features import FeatureSource  # here: renders with a network do without
    from vst.modes.optimisation.paintings import Paintings
    from vst.modes.optimisation.regions import Regions, RegionStyle
    from vst.styles.loss_network import load_loss_network

    kind = find_mode(style.mode).optimiser_class
    source = FeatureSource(load_loss_network(style.loss_network, pooling), torch.device(device), precision)
    paintings = Paintings(style.paintings, style.shares, style.masks)
    start = (
        None if style.start is None else create_stylizer(style.start, device=device, precision=precision)
    )
    parts = tuple(
        RegionStyle(
            Paintings(each.paintings, each.shares, each.masks),
            config.style_scale if scale is None else scale,
        )
        for each, scale in regions
    )
    return kind(source, paintings, config, start, Regions(parts, shares_of) if parts else None)
