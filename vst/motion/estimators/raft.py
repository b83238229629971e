"""RAFT (Teed and Deng, ECCV 2020), from torchvision."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vst.errors import WeightsError
from vst.motion.estimators.network_estimator import NetworkEstimator

RAFT_NAMES = ("raft-small", "raft-large")

_IMPORT_ERRORS = (ImportError, OSError, RuntimeError, AttributeError)
"""What importing torchvision raises if it was built for another version of torch."""


class RaftEstimator(NetworkEstimator):
    """RAFT with torchvision's weights from torch's cache.

    The border is repeated to multiples of 8, at least 128, as in the authors' code. Every pixel is matched
    with the whole tile, so memory grows with the square of its area, and tiles are smaller than those of
    other networks. As in the authors' code, features and updates may be in low precision; correlation and
    flow never are.

    Args:
        name: ``"raft-small"`` or ``"raft-large"``.
        device: Where it runs.
        precision: Precision of its features.

    Raises:
        WeightsError: Its weights are not in torch's cache, or damaged.
    """

    multiple = 8
    min_side = 128
    padded = True
    tile = 1024

    def __init__(self, name: str, device: torch.device, precision: torch.dtype) -> None:
        missing = missing_raft(name)
        if missing is not None:
            raise WeightsError(f"flow estimator '{name}' is not ready: {missing}")
        builder, weights = _torchvision(name)
        path = _cache_path(weights)
        network = builder(weights=None)
        try:
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # for a damaged file torch raises nearly any type
            raise WeightsError(f"{path} is damaged; delete it and run: vst weights fetch {name}") from error
        self._raft: nn.Module = network.to(device).eval().requires_grad_(False)
        if precision != torch.float32:
            for part in (network.feature_encoder, network.context_encoder, network.update_block):
                _run_in(part, device, precision)
        # These parts use autocast themselves, so the whole network does not.
        super().__init__(name, self._final_flow, device, torch.float32)

    def _normalise(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        return first * 2 - 1, second * 2 - 1

    def _final_flow(self, first: Tensor, second: Tensor) -> Tensor:
        """The flow of the last of twelve updates."""
        flow: Tensor = self._raft(first.contiguous(), second.contiguous())[-1]
        return flow


def missing_raft(name: str) -> str | None:
    """What has to be installed or fetched before ``RaftEstimator`` works; None if nothing."""
    if importlib.util.find_spec("torchvision") is None:
        return "torchvision is not installed: pip install torchvision"
    try:
        _, weights = _torchvision(name)
    except _IMPORT_ERRORS as error:
        reason = " ".join(str(error).split())
        return f"torchvision cannot be imported ({reason}): install the version that belongs to this torch"
    if not _cache_path(weights).is_file():
        return f"its weights are not downloaded: vst weights fetch {name}"
    return None


def fetch_raft(name: str) -> None:
    """Download weights into torch's cache, unless they are there.

    Raises:
        WeightsError: The download failed, or its hash is wrong.
    """
    _, weights = _torchvision(name)
    try:
        weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        path = _cache_path(weights)
        raise WeightsError(
            f"cannot fetch {name} ({error}); download {weights.url} to {path.parent} by other means"
        ) from error


def _torchvision(name: str) -> tuple[Any, Any]:
    """torchvision's builder of the network, and its default weights."""
    from torchvision.models import optical_flow

    return {
        "raft-small": (optical_flow.raft_small, optical_flow.Raft_Small_Weights.DEFAULT),
        "raft-large": (optical_flow.raft_large, optical_flow.Raft_Large_Weights.DEFAULT),
    }[name]


def _cache_path(weights: Any) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[1]


def _run_in(part: nn.Module, device: torch.device, precision: torch.dtype) -> None:
    """Make a part of a network compute in low precision and return fp32."""
    inner = part.forward

    def forward(*arguments: Tensor) -> Any:
        with torch.autocast(device.type, dtype=precision):
            out = inner(*arguments)
        return tuple(each.float() for each in out) if isinstance(out, tuple) else out.float()

    part.forward = forward
