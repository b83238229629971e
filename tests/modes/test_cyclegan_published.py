"""Generators as published by Zhu 2017 become weight files of mode cyclegan."""

from __future__ import annotations

import pytest
import torch

from tests.published_generator import Published
from vst.errors import UsageError, WeightsError
from vst.modes.cyclegan.published import convert, import_generator, imported_styles


@pytest.fixture
def published():
    torch.manual_seed(0)
    return Published().eval()


@pytest.mark.parametrize("dropout", [False, True])
def test_the_network_stylizes_as_the_published_one_away_from_the_border(dropout):
    torch.manual_seed(0)
    published = Published(dropout=dropout).eval()
    picture = torch.rand(1, 3, 96, 96) * 2 - 1
    # The padding differs, and with it the means of instance norm, a little everywhere.
    with torch.no_grad():
        given, wanted = convert(published.state_dict()).eval()(picture), published(picture)
    inside = (..., slice(32, 64), slice(32, 64))
    assert (given - wanted)[inside].abs().max() < 0.05
    assert (given - wanted)[inside].abs().mean() < 0.1 * wanted[inside].std()


def test_the_number_of_blocks_and_the_width_are_read_from_the_layers():
    network = convert(Published(width=3, blocks=4).state_dict())
    assert (network.width, network.variant.blocks, network.variant.upsampling) == (3, 4, "transposed")


def test_statistics_of_old_releases_are_left_out(published):
    old = published.state_dict() | {
        "model.2.running_mean": torch.zeros(2),
        "model.2.running_var": torch.ones(2),
    }
    assert convert(old).width == 2


def test_a_name_that_a_blend_could_not_contain_is_refused(published, tmp_path):
    torch.save(published.state_dict(), tmp_path / "g.pth")
    with pytest.raises(UsageError, match="is invalid in a blend"):
        import_generator(tmp_path / "g.pth", tmp_path, "a+b")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda t: t.pop("model.1.weight"), "no layer model.1.weight"),
        (
            lambda t: t.pop("model.11.conv_block.1.weight"),
            "no layer model.11.conv_block.1.weight",
        ),
        (lambda t: t.update({"model.40.weight": torch.zeros(2)}), "has a layer 'model.40.weight'"),
        (lambda t: t.update({"model.4.weight": torch.zeros(2, 2, 3, 3)}), "size mismatch"),
        (lambda t: t.update({"model.4.weight": torch.full((4, 2, 3, 3), float("nan"))}), "not finite"),
        (
            lambda t: [t.pop(name) for name in list(t) if "conv_block" in name],
            "not those of a ResnetGenerator",
        ),
    ],
)
def test_another_network_is_refused_in_one_line(published, tmp_path, change, complaint):
    tensors = dict(published.state_dict())
    change(tensors)
    torch.save(tensors, tmp_path / "other.pth")
    with pytest.raises(WeightsError) as raised:
        import_generator(tmp_path / "other.pth", tmp_path / "made", "x")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)
    assert imported_styles(tmp_path / "made") == []
