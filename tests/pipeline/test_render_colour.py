"""Whose colours a render has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vst
from tests.conftest import make_weights
from tests.pipeline.scenes import scenes
from vst.errors import UsageError
from vst.keyframe_interval import AUTO
from vst.losses.temporal import luminance
from vst.modes.network_file import load_network, save_weights
from vst.pipeline import render
from vst.pipeline.optimisation import resolve
from vst.styles import load_catalogue, parse_blend


@pytest.fixture
def clip(exact_clip) -> Path:
    return exact_clip("clip.mkv", scenes(6))


@pytest.fixture
def luminance_weights(tmp_path) -> Path:
    """Networks of itn and vtn that were trained on luminance alone, beside others of the same styles."""
    folder = tmp_path / "weights"
    folder.mkdir()
    make_weights(folder, ("red", "blue"))
    for mode in ("itn", "vtn"):
        network, _ = load_network(folder / f"{mode}-tiny.safetensors")
        with torch.no_grad():
            network.last.bias += 0.1
        save_weights(
            folder / f"{mode}-gray.safetensors",
            network,
            mode=mode,
            styles=("red", "blue"),
            loss_network="none",
            recipe="untrained",
            steps=0,
            luminance=True,
        )
    return folder


def test_keep_is_the_same_as_keep_color(clip, settings, images, tmp_path):
    new = render(clip, settings(codec="ffv1", colour="keep"), tmp_path / "a.mkv")
    old = render(clip, settings(codec="ffv1", keep_color=True), tmp_path / "b.mkv")
    assert torch.equal(images(new.output), images(old.output))


def test_match_brings_the_mean_colour_of_the_clip(clip, settings, images, tmp_path):
    matched = images(render(clip, settings(codec="ffv1", colour="match"), tmp_path / "a.mkv").output)
    plain = images(render(clip, settings(codec="ffv1"), tmp_path / "b.mkv").output)
    wanted = images(clip).mean((0, 2, 3))
    far = (plain.mean((0, 2, 3)) - wanted).abs().max()
    assert float((matched.mean((0, 2, 3)) - wanted).abs().max()) < min(0.03, float(far) / 2)


def test_match_keeps_borders_and_looks_at_the_picture_inside(exact_clip, settings, images, tmp_path):
    pictures = [np.pad(each, ((16, 16), (0, 0), (0, 0))) for each in scenes(4)]
    given = settings(codec="ffv1", colour="match")
    boxed = render(exact_clip("boxed.mkv", pictures), given, tmp_path / "a.mkv")
    alone = render(exact_clip("alone.mkv", scenes(4)), given, tmp_path / "b.mkv")
    found = images(boxed.output)
    assert torch.equal(found[:, :, 16:-16], images(alone.output))
    assert float(found[:, :, :16].max()) == 0


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_a_network_of_luminance_sees_grey_and_gives_only_its_luminance(
    clip, settings, images, tmp_path, luminance_weights, mode
):
    given = replace(settings(mode=mode, codec="ffv1"), weights_dir=luminance_weights)
    kept = images(render(clip, replace(given, colour="luminance"), tmp_path / "a.mkv").output)
    source = images(clip)
    grey = [luminance(each).expand(3, -1, -1) for each in source]
    alone = {"mode": mode, "colour": "luminance", "precision": "fp32", "weights_dir": luminance_weights}
    first, again = (vst.stylize(each, "red", **alone) for each in (source[0], grey[0]))
    torch.testing.assert_close(kept[0], first, atol=2 / 255, rtol=0)
    torch.testing.assert_close(luminance(first), luminance(again), atol=1e-3, rtol=0)
    other = images(render(clip, replace(given, colour="keep"), tmp_path / "b.mkv").output)
    assert not torch.equal(kept, other)


def test_networks_of_luminance_are_taken_for_nothing_else(luminance_weights):
    catalogue = load_catalogue(luminance_weights)
    for wanted, name in ((False, "itn-tiny.safetensors"), (True, "itn-gray.safetensors")):
        (info,) = catalogue.choose(parse_blend("red"), "itn", luminance=wanted).files
        assert info.path.name == name
    with pytest.raises(UsageError, match=r"itn-gray.* was trained on luminance alone"):
        catalogue.bases(["itn"], ["itn-gray"])
    assert len(catalogue.bases(["itn"], ["itn-tiny"])) == 1


def test_a_network_of_luminance_is_included():
    picture = torch.rand(3, 32, 48)
    made = vst.stylize(picture, "starry-night", colour="luminance", device="cpu")
    assert not torch.equal(made, vst.stylize(picture, "starry-night", colour="keep", device="cpu"))
    for settings in (
        vst.RenderSettings(style="wave", colour="luminance", mode=mode) for mode in ("itn", "vtn")
    ):
        assert [each.name for each in resolve(settings).files] == ["itn-fast-luminance.safetensors"]


def test_vtn_takes_keyframes_from_itn_where_it_has_no_network_of_luminance(
    clip, settings, images, tmp_path, luminance_weights
):
    (luminance_weights / "vtn-gray.safetensors").unlink()
    given = replace(settings(codec="ffv1", colour="luminance"), weights_dir=luminance_weights)
    assert given.mode == "vtn"
    report = render(clip, given, tmp_path / "a.mkv")
    assert any("by the network of mode itn" in note for note in report.notes)
    by_hand = replace(given, mode="itn", keyframe_interval=AUTO)
    assert torch.equal(images(report.output), images(render(clip, by_hand, tmp_path / "b.mkv").output))


def test_the_styles_that_other_modes_have_are_named(clip, settings, tmp_path, luminance_weights):
    given = replace(settings(mode="lstm", colour="luminance"), weights_dir=luminance_weights)
    with pytest.raises(UsageError, match=r"mode lstm were .* 'red'; .*; mode vtn has them for blue, red"):
        render(clip, given, tmp_path / "a.mkv")


@pytest.mark.parametrize("style", ["red", "0s:red 1s:blue"])
def test_without_such_a_network_one_line_says_what_to_do(clip, settings, tmp_path, style):
    with pytest.raises(UsageError) as found:
        render(clip, settings(colour="luminance", style=style, mode="itn"), tmp_path / "a.mkv")
    assert "no weights of mode itn were trained on luminance alone for 'red'" in str(found.value)
    assert "vst train itn --luminance" in str(found.value)
    assert "--colour keep" in str(found.value)


def test_the_colour_of_a_picture_in_memory_is_checked(tiny_weights):
    with pytest.raises(UsageError, match="colour is 'mach': did you mean 'match'"):
        vst.stylize(torch.rand(3, 32, 32), "red", colour="mach", weights_dir=tiny_weights)
