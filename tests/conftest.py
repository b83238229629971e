"""What all tests share: a folder of weights with tiny untrained networks, and paths to optional data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

SHARED = Path(__file__).parents[2] / "shared"
"""Real clips and pictures, where they are at hand."""


def make_weights(folder: Path, styles: tuple[str, str]) -> Path:
    """Fill a folder with an untrained network of each mode, of width 2 and two styles that differ."""
    from vst.modes import find_mode, save_weights
    from vst.modes.registry import BUILT_IN

    torch.manual_seed(3)
    # The order decides the random weights.
    first = ("itn", "vtn", "lstm", "reconet")
    for name in (*first, *(other for other in BUILT_IN if other not in first)):
        kind = find_mode(name).network_class
        network = kind.build(2, 2, kind.variant_type(**({"gate": True} if name == "lstm" else {})))
        with torch.no_grad():
            for norm in network.norms():
                norm.weight.add_(0.3 * torch.randn_like(norm.weight))
                norm.bias.add_(0.3 * torch.randn_like(norm.bias))
        save_weights(
            folder / f"{name}-tiny.safetensors",
            network,
            mode=name,
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

    from vst.nn.vgg import SlimVGG19, VGGFeatures
    from vst.styles.loss_network import EXACT, SLIM

    folder = tmp_path_factory.mktemp("loss")
    torch.manual_seed(0)
    save_file(VGGFeatures((2, 2, 4)).half().state_dict(), folder / EXACT)
    save_file(SlimVGG19().half().state_dict(), folder / SLIM)
    return folder


@pytest.fixture
def small_flow_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FlowNet2's family and PWC-Net with few channels, and the folder, empty yet, for their weights."""
    from functools import partial

    from vst.motion.estimators.flownet2 import (
        FlowNet2,
        FlowNet2C,
        FlowNet2CS,
        FlowNet2CSS,
        FlowNet2S,
        FlowNet2SD,
    )
    from vst.motion.estimators.pwcnet import PWCNet
    from vst.motion.imported import flow_weights

    css = partial(FlowNet2CSS, width=4)
    small = {
        "flownet2": partial(FlowNet2, width=4),
        "flownet2-c": partial(FlowNet2C, width=4),
        "flownet2-s": partial(FlowNet2S, width=4),
        "flownet2-sd": partial(FlowNet2SD, width=4),
        "flownet2-cs": partial(FlowNet2CS, width=4),
        "flownet2-css": css,
        "flownet2-css-ft-sd": css,
        "pwcnet": partial(PWCNet, (4,) * 6, (4,) * 5),
    }
    assert list(small) == list(flow_weights.FLOW_NETWORKS)
    for name, network in small.items():
        monkeypatch.setitem(flow_weights.FLOW_NETWORKS, name, network)
    monkeypatch.setattr(flow_weights, "user_data_folder", lambda: tmp_path / "data")
    return tmp_path / "data" / "flow"


def flow_checkpoint(path: Path, name: str) -> Path:
    """An untrained network of the family, as published ones are stored."""
    from vst.motion.imported.flow_weights import FLOW_NETWORKS

    torch.manual_seed(5)
    torch.save({"state_dict": FLOW_NETWORKS[name]().state_dict(), "epoch": 0}, path)
    return path
