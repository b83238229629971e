"""What all tests share: a folder of weights with tiny untrained networks, and paths to optional data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

SHARED = Path(__file__).parents[2] / "shared"
"""Real clips and pictures, where they are at hand."""


def make_weights(folder: Path, styles: tuple[str, str]) -> Path:
    """Fill a folder with an untrained itn and vtn of width 2 and two styles that differ."""
    from vst.networks import ITN, VTN
    from vst.styles import save_weights

    torch.manual_seed(3)
    for name, kind in (("itn", ITN), ("vtn", VTN)):
        network = kind(2, styles=2)
        with torch.no_grad():
            for norm in network.norms():
                norm.weight.add_(0.3 * torch.randn_like(norm.weight))
                norm.bias.add_(0.3 * torch.randn_like(norm.bias))
        save_weights(
            folder / f"{name}-tiny.safetensors",
            network,
            styles=styles,
            loss_network="none",
            recipe="untrained",
            steps=0,
        )
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with the styles `red` and `blue`."""
    return make_weights(tmp_path_factory.mktemp("weights"), ("red", "blue"))


@pytest.fixture(scope="session")
def loss_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loss network with random weights, in the files of the bundled kind."""
    from safetensors.torch import save_file

    from vst.networks.vgg import SlimVGG19, VGGFeatures
    from vst.styles.loss_network import EXACT, SLIM

    folder = tmp_path_factory.mktemp("loss")
    torch.manual_seed(0)
    save_file(VGGFeatures((2, 2, 4)).half().state_dict(), folder / EXACT)
    save_file(SlimVGG19().half().state_dict(), folder / SLIM)
    return folder
