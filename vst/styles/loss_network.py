"""Where the loss network comes from: torchvision's VGG, or files of the bundled kind.

Users get torchvision's VGG-16 or VGG-19 (`vgg16`, `vgg19`; torchvision loads the weights from its own
cache). A folder gives what is in it: `vgg19-conv1_1-conv3_4.safetensors` (exact, up to conv3_4) and
`vgg19-slim-relu5_1.safetensors` (a slim mimic for the deeper layers).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from vst.errors import UsageError, WeightsError, suggestion
from vst.files import utf8_path
from vst.nn.vgg import VGG16_STAGES, VGG19_STAGES, PairedFeatures, SlimVGG19, VGGFeatures

_CAFFE_MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
EXACT = "vgg19-conv1_1-conv3_4.safetensors"
SLIM = "vgg19-slim-relu5_1.safetensors"
MAX, AVERAGE = POOLING = ("max", "average")
_POOLS: dict[str, Callable[..., Tensor]] = {MAX: F.max_pool2d, AVERAGE: F.avg_pool2d}


def load_loss_network(source: str | Path, pooling: str = MAX) -> nn.Module:
    """Give a loss network, frozen, in fp32, in evaluation mode.

    Args:
        source: `vgg16`, `vgg19`, or a folder with the files named above.
        pooling: One of `POOLING`; the networks were trained with `max`.

    Raises:
        UsageError: for any other source.
        WeightsError: where the weights are missing, or not those of their name.
    """
    check_loss_network(source)
    if str(source) in ("vgg16", "vgg19"):
        network: nn.Module = _from_torchvision(str(source))
    else:
        network = _from_folder(Path(source))
    for part in network.modules():
        if isinstance(part, VGGFeatures | SlimVGG19):
            part.pool = _POOLS[pooling]
    return network.requires_grad_(False).eval()


def check_loss_network(source: str | Path) -> None:
    """Refuse, without reading files, what `load_loss_network` cannot load.

    Raises:
        UsageError: It is no loss network's name, and no folder.
        WeightsError: The folder lacks a file.
    """
    if str(source) in ("vgg16", "vgg19"):
        return
    if not Path(source).is_dir():
        hint = suggestion(str(source), ("vgg16", "vgg19", f"a folder with {EXACT}"))
        raise UsageError(f"no loss network {str(source)!r}: {hint}")
    for file in (EXACT, SLIM):
        if not (Path(source) / file).is_file():
            raise WeightsError(f"{source} has no {file}: give vgg16, vgg19 or a folder that has it")


def loss_network_files(source: str | Path) -> tuple[Path, ...]:
    """The files that `load_loss_network` reads; `vgg16` and `vgg19` may have to be fetched first."""
    if str(source) in ("vgg16", "vgg19"):
        return (_cached_file(str(source)),)
    return tuple(Path(source) / name for name in (EXACT, SLIM))


def cached_loss_network() -> str | None:
    """`vgg19`, or else `vgg16`, if torch's cache has its weights: what can be loaded without a download."""
    return next((name for name in ("vgg19", "vgg16") if _cached_file(name).is_file()), None)


def _cached_file(name: str) -> Path:
    from torchvision import models

    weights = {"vgg19": models.VGG19_Weights.IMAGENET1K_V1, "vgg16": models.VGG16_Weights.IMAGENET1K_V1}
    return Path(torch.hub.get_dir()) / "checkpoints" / weights[name].url.rsplit("/", 1)[1]


def _from_torchvision(name: str) -> VGGFeatures:
    from torchvision import models

    builder, weights, stages = {
        "vgg16": (models.vgg16, models.VGG16_Weights.IMAGENET1K_V1, VGG16_STAGES),
        "vgg19": (models.vgg19, models.VGG19_Weights.IMAGENET1K_V1, VGG19_STAGES),
    }[name]
    try:
        theirs = builder(weights=weights).features
    except (OSError, RuntimeError) as error:  # offline; or a download whose hash is wrong
        raise WeightsError(
            f"{name} could not be fetched ({error}); put {weights.url.rsplit('/', 1)[1]} into "
            f"{torch.hub.get_dir()}/checkpoints, or give a folder of loss network files with --loss-network"
        ) from error
    network = VGGFeatures(stages)
    convolutions = [layer for layer in theirs if isinstance(layer, nn.Conv2d)]
    for (_, number), convolution in zip(network.names, convolutions, strict=True):
        network.get_submodule(f"conv{number}").load_state_dict(convolution.state_dict())
    return network


def _from_folder(folder: Path) -> nn.Module:
    exact = VGGFeatures((2, 2, 4), mean=_CAFFE_MEAN, scale=(255.0,) * 3, bgr=True)
    slim = SlimVGG19()
    parts = []
    for file, part in ((EXACT, exact), (SLIM, slim)):
        try:
            with utf8_path(folder / file) as readable:
                tensors = load_file(readable)
            part.load_state_dict({name: value.float() for name, value in tensors.items()})
        except (
            Exception
        ) as error:  # safetensors and torch raise several kinds for a file that is not this network
            raise WeightsError(f"{folder / file} is not the loss network of its name: {error}") from error
        parts.append(part)
    return PairedFeatures(*parts)
