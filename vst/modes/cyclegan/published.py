"""Import of published generators of CycleGAN (Zhu 2017): the ResnetGenerator of junyanz's repository.

Its layers are those of the body with transposed convolutions for up-sampling. The first and last kernels
are 7×7, and become 9×9 with zeros around. Instance norm has no scale and shift there, and gets 1 and 0. Two
convolutions pad with zeros where the body reflects, so pictures differ a little, most near the border.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from vst.errors import WeightsError
from vst.modes.cyclegan.network import CycleGenerator, GeneratorVariant
from vst.modes.network_file import save_weights
from vst.motion.imported.published_checkpoint import read_checkpoint
from vst.styles.blend import check_style_name
from vst.styles.weights_file import MOST_WIDTH, read_info

FAMILY = "cyclegan"
FILES = "latest_net_G.pth of style_monet, style_vangogh, style_cezanne, style_ukiyoe, ..."
SOURCE = "https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix, scripts/download_cyclegan_model.sh"
LICENCE = "BSD; of the trained weights not stated"

PUBLISHED = "published"
"""The recipe in the description of an imported file."""

_FIRST_BLOCK = 10
"""Place of the first residual block in the published network's list of layers."""

_MOST_BLOCKS = 64


def import_generator(path: Path, folder: Path, style: str) -> Path:
    """Store a published generator as a weight file of mode cyclegan with one style.

    Args:
        path: The checkpoint.
        folder: Where the file goes; it is made if it does not exist.
        style: Name of the style.

    Returns:
        The file, `STYLE-cyclegan.safetensors`.

    Raises:
        UsageError: The style's name is invalid.
        WeightsError: The file cannot be read, or is not such a generator.
    """
    check_style_name(style)
    tensors = read_checkpoint(path)
    for name, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise WeightsError(f"{path} contains numbers that are not finite in {name}; download it again")
    try:
        network = convert(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path} is not a generator of CycleGAN ({_first_line(error)}); expected {FILES}"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{style}-cyclegan.safetensors"
    save_weights(
        target,
        network,
        mode="cyclegan",
        styles=(style,),
        loss_network="none",
        recipe=PUBLISHED,
        steps=0,
        licence=LICENCE,
    )
    return target


def imported_styles(folder: Path) -> list[str]:
    """The styles of published generators that were imported into a weights folder."""
    infos = (read_info(path) for path in sorted(folder.glob("*-cyclegan.safetensors")))
    return [info.styles[0] for info in infos if info.recipe == PUBLISHED]


@torch.no_grad()
def convert(tensors: Mapping[str, Tensor]) -> CycleGenerator:
    """A published generator as ours.

    Args:
        tensors: By the published names: `model.1.weight`, `model.10.conv_block.1.weight`, ...

    Raises:
        KeyError: A layer is missing.
        ValueError: There are other layers, or their shapes do not fit.
        RuntimeError: likewise.
    """
    # Old releases of torch stored running statistics of instance norm, which are not used.
    given = {name: value for name, value in tensors.items() if ".running_" not in name}
    places = {int(found[1]) for name in given if (found := re.match(r"model\.(\d+)\.conv_block\.", name))}
    blocks = len(places)
    if not 0 < blocks <= _MOST_BLOCKS or places != set(range(_FIRST_BLOCK, _FIRST_BLOCK + blocks)):
        raise ValueError("its residual blocks are not those of a ResnetGenerator")
    width = given["model.1.weight"].shape[0]
    if not 1 <= width <= MOST_WIDTH:
        raise ValueError(f"its width is {width}")
    network = CycleGenerator(width, 1, GeneratorVariant(blocks=blocks, upsampling="transposed"))
    names = layer_names(blocks, second="6" if f"model.{_FIRST_BLOCK}.conv_block.6.weight" in given else "5")
    state = network.state_dict()
    for ours, theirs in names.items():
        for kind in ("weight", "bias"):
            value = given.pop(f"{theirs}.{kind}")
            if kind == "weight" and ours in ("down.0.conv", "last"):
                value = F.pad(value, (1, 1, 1, 1))
            state[f"{ours}.{kind}"] = value.float()
    if given:
        raise ValueError(f"it has a layer {next(iter(given))[:60]!r}")
    network.load_state_dict(state)
    return network


def layer_names(blocks: int, second: str = "5") -> dict[str, str]:
    """Our name of each convolution -> the published one.

    Args:
        blocks: Number of residual blocks.
        second: Place of a block's second convolution: 5, or 6 behind dropout.
    """
    names = {f"down.{place}.conv": f"model.{1 + 3 * place}" for place in range(3)}
    for place in range(blocks):
        theirs = f"model.{_FIRST_BLOCK + place}.conv_block"
        names[f"residual.{place}.first.conv"] = f"{theirs}.1"
        names[f"residual.{place}.second.conv"] = f"{theirs}.{second}"
    after = _FIRST_BLOCK + blocks
    return names | {
        "up.0.conv": f"model.{after}",
        "up.1.conv": f"model.{after + 3}",
        "last": f"model.{after + 7}",
    }


def _first_line(error: Exception) -> str:
    text = " ".join(str(error.args[0] if error.args else error).split())
    return f"no layer {text}" if isinstance(error, KeyError) else text[:120]
