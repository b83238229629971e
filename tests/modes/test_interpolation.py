"""Weights between those of two networks, and weights to which another network's training is added."""

from __future__ import annotations

import pytest
import torch

from vst.errors import UsageError, WeightsError
from vst.modes import find_mode, save_weights, verify_weights
from vst.modes.interpolation import interpolate_weights
from vst.modes.network_file import load_network
from vst.nn.style_parameters import select_styles
from vst.nn.widen import widen
from vst.styles import load_catalogue


def write(path, mode, styles, seed, width=2, **variant):
    torch.manual_seed(seed)
    kind = find_mode(mode).network_class
    network = kind.build(width, len(styles), kind.variant_type(**variant))
    for norm in network.norms():
        torch.nn.init.normal_(norm.weight)
    save_weights(path, network, mode=mode, styles=styles, loss_network="none", recipe="none", steps=0)
    return path


@pytest.fixture
def pair(tmp_path):
    """An itn and a vtn whose styles are in another order."""
    start = write(tmp_path / "start.safetensors", "itn", ("blue", "red"), 1)
    return start, write(tmp_path / "end.safetensors", "vtn", ("red", "blue"), 2)


def tensors(path):
    return load_network(path)[0].state_dict()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_weight_lies_on_the_line_and_styles_are_found_by_name(pair, tmp_path, share):
    start, end = map(tensors, pair)
    info = interpolate_weights(*pair, share, tmp_path / "between.safetensors")
    assert (info.mode, info.styles) == ("vtn", ("red", "blue"))
    found = tensors(info.path)
    for name, value in found.items():
        first = start[name].flip(0) if ".norm." in name else start[name]
        wanted = end[name].clone()
        inputs = slice(0, 3) if name == "down.0.conv.weight" else slice(None)
        if wanted.ndim > 1:
            wanted[:, inputs] = share * wanted[:, inputs] + (1 - share) * first
        else:
            wanted = share * wanted + (1 - share) * first
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=1e-4)


def test_the_file_is_valid_and_says_what_its_body_is(pair, tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    interpolate_weights(*pair, 0.5, folder / "between.safetensors")
    assert verify_weights(load_catalogue(folder)) == []


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(pair, tmp_path, share):
    with pytest.raises(UsageError, match="expected 0"):
        interpolate_weights(*pair, share, tmp_path / "between.safetensors")


def test_neither_file_is_overwritten(pair):
    with pytest.raises(UsageError, match="give another output"):
        interpolate_weights(*pair, 0.5, pair[1])


def test_networks_that_do_not_fit_are_refused(pair, tmp_path):
    output = tmp_path / "between.safetensors"
    wider = write(tmp_path / "wider.safetensors", "vtn", ("red", "blue"), 3, width=4)
    linear = write(tmp_path / "linear.safetensors", "vtn", ("red", "blue"), 3, output="linear")
    other = write(tmp_path / "other.safetensors", "vtn", ("red", "green"), 3)
    with pytest.raises(UsageError, match="different layers"):
        interpolate_weights(pair[0], wider, 0.5, output)
    with pytest.raises(UsageError, match="different layers"):
        interpolate_weights(pair[1], pair[0], 0.5, output)
    with pytest.raises(UsageError, match="different layers"):
        interpolate_weights(pair[0], linear, 0.5, output)
    with pytest.raises(UsageError, match="no style 'green'"):
        interpolate_weights(pair[0], other, 0.5, output)


def test_what_training_changed_is_added_to_a_wider_network(tmp_path):
    base = write(tmp_path / "base.safetensors", "itn", ("red", "green", "blue"), 1)
    trained = write(tmp_path / "trained.safetensors", "vtn", ("green", "blue", "red"), 2)
    wide = write(tmp_path / "wide.safetensors", "itn", ("blue", "red"), 3, width=4)
    info = interpolate_weights(wide, trained, 0.5, tmp_path / "added.safetensors", base)
    assert (info.mode, info.styles, info.width) == ("vtn", ("blue", "red"), 4)
    networks = []
    for path in (base, trained):
        network, found = load_network(path)
        select_styles(network, [found.styles.index(name) for name in ("blue", "red")])
        networks.append(widen(network, 4, noise=0).state_dict())
    before, after = networks
    start = tensors(wide)
    for name, value in tensors(info.path).items():
        if name == "down.0.conv.weight":  # the past is known to one of them alone
            torch.testing.assert_close(value[:, 3:], after[name][:, 3:], rtol=1e-3, atol=1e-4)
            value, after[name] = value[:, :3], after[name][:, :3]
        wanted = start[name] + 0.5 * (after[name] - before[name])
        torch.testing.assert_close(value, wanted, rtol=1e-3, atol=2e-3)


def test_added_to_its_own_base_training_gives_what_was_trained(pair, tmp_path):
    info = interpolate_weights(*pair, 1, tmp_path / "added.safetensors", pair[0])
    assert (info.mode, info.styles) == ("vtn", ("blue", "red"))
    wanted = tensors(pair[1])
    for name, value in tensors(info.path).items():
        expected = wanted[name].flip(0) if ".norm." in name else wanted[name]
        torch.testing.assert_close(value, expected, rtol=1e-3, atol=2e-3)


def test_a_base_that_does_not_fit_is_refused(pair, tmp_path):
    output = tmp_path / "added.safetensors"
    other = write(tmp_path / "other.safetensors", "itn", ("red", "green"), 3)
    linear = write(tmp_path / "linear.safetensors", "itn", ("red", "blue"), 3, output="linear")
    narrow = write(tmp_path / "narrow.safetensors", "itn", ("red", "blue"), 3, width=1)
    with pytest.raises(UsageError, match=r"other\.safetensors has no style 'blue', unlike"):
        interpolate_weights(*pair, 1, output, other)
    with pytest.raises(UsageError, match=r"and .*linear\.safetensors have different layers"):
        interpolate_weights(*pair, 1, output, linear)
    with pytest.raises(UsageError, match="different layers"):
        interpolate_weights(narrow, pair[1], 1, output, pair[0])
    with pytest.raises(UsageError, match="different layers"):  # the base has no place for the past
        interpolate_weights(pair[1], pair[1], 1, output, pair[0])
    with pytest.raises(UsageError, match="give another output"):
        interpolate_weights(*pair, 1, narrow, narrow)


def test_an_output_that_cannot_be_written_is_an_error_of_one_line(pair, tmp_path):
    with pytest.raises(WeightsError, match="cannot be written: No such file"):
        interpolate_weights(*pair, 0.5, tmp_path / "no" / "between.safetensors")
