"""The OpenFX plugin in a host that combines the difficult behaviour of real hosts."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch

from tests.host.conftest import CUT, FRAMES, pan_with_disc
from tests.plugins.conftest import rgba

LEVEL = 1 / 255 + 1e-6


def test_the_plugin_describes_itself(make_host):
    host = make_host()
    described = host.command("describe")
    assert described.startswith("plugin vst.paint ")
    assert "style OfxParamTypeChoice red,blue;" in described
    assert "mode OfxParamTypeChoice vtn,itn;" in described
    assert "sequential 2" in described
    assert "OfxImageEffectRenderUnsafe" in described
    host.close()


@pytest.mark.parametrize("mode", ["vtn", "itn"])
def test_frames_equal_those_of_a_render(make_host, render_file, pictures, mode):
    expected = render_file(pictures, mode)
    host = make_host("depth=byte")
    host.command(f"set mode {['vtn', 'itn'].index(mode)}")
    stylized = host.render(*range(FRAMES))
    assert host.statuses == [0] * FRAMES
    assert np.abs(stylized[..., :3] - expected / 255).max() <= LEVEL
    assert (stylized[..., 3] == 1).all()
    host.close()


@pytest.mark.parametrize(
    ("options", "lines", "rate", "rendered_with"),
    [
        ([], ["set keyframeInterval 3"], 25, {"keyframe_interval": 3}),
        (
            [],
            ["set lookAhead 1", "set keyframeInterval 4"],
            25,
            {"look_ahead": "0", "keyframe_interval": 4},
        ),
        ([], ["set mode 1", "set keyframeInterval 3"], 25, {"mode": "itn", "keyframe_interval": 3}),
        (["rate=12"], [], 12, {}),
        (["rate=0.0001"], [], 24, {"keyframe_interval": 1}),
        (["rate=nan"], [], 24, {}),
    ],
)
def test_keyframes_equal_those_of_a_render(
    make_host, render_file, pictures, options, lines, rate, rendered_with
):
    expected = render_file(pictures, **{"mode": "vtn", "rate": rate, **rendered_with})
    host = make_host("depth=byte", *options)
    for line in lines:
        host.command(line)
    for number in (4, 1, 2, 9, 8):
        assert np.abs(host.render(number)[0, ..., :3] - expected[number] / 255).max() <= LEVEL, number
    host.close()


def test_pixels_do_not_depend_on_order_threads_or_instances(make_host, in_order):
    order = list(range(FRAMES))
    shuffled = order.copy()
    random.Random(3).shuffle(shuffled)
    host = make_host()
    assert np.array_equal(host.render(*shuffled), in_order[shuffled])
    assert np.array_equal(host.render(3, 3, 2), in_order[[3, 3, 2]])
    host.command("reload")
    assert np.array_equal(host.render(*order[:9], threads=2), in_order[:9])
    host.command("fresh 1")
    assert np.array_equal(host.render(8, 4, 5, 13), in_order[[8, 4, 5, 13]])
    host.close()


def test_a_changed_source_frame_changes_only_frames_that_depend_on_it(make_host, in_order, pictures):
    host = make_host()
    before = host.render(*range(FRAMES))
    assert np.array_equal(before, in_order)
    changed = pictures.copy()
    changed[3] = changed[3][:, ::-1]
    host.change(3, rgba(changed)[3])
    after = host.render(*range(FRAMES - 1, -1, -1))[::-1]
    differs = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    # Frames 1 to 6 are propagated from the keyframes 0 and 6, the shot's first and last.
    assert differs == [1 <= number < CUT for number in range(FRAMES)]
    host.close()


@pytest.mark.parametrize("temporal", ["no", "same"])
def test_without_temporal_access_frames_are_stylized_in_order(
    make_host, render_file, pictures, temporal, tmp_path
):
    expected = render_file(pictures, "vtn", look_ahead="0")
    host = make_host("depth=byte", f"temporal={temporal}")
    stylized = host.render(*range(FRAMES))
    assert np.abs(stylized[..., :3] - expected / 255).max() <= LEVEL
    assert np.array_equal(host.render(13), stylized[13:])
    assert "stylizing in order" in (tmp_path / "log").read_text()
    host.close()


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (["depth=short", "rows=negative", "pad=6"], 1e-4),
        (["depth=float", "rows=negative", "origin=100,-50", "pad=16", "scale=0.5"], 1e-6),
        (["depth=byte", "components=RGB", "pad=5", "messages=1", "progress=1"], LEVEL),
        (["depth=half", "origin=-7,13", "limited=1", "messages=0", "progress=0"], 1e-3),
    ],
)
def test_pixels_do_not_depend_on_depth_components_rows_or_origin(make_host, in_order, options, most):
    host = make_host(*options)
    stylized = host.render(2, 3)
    assert host.statuses == [0, 0]
    # A rounded pixel may just be trusted, or not, and then a region is stylized anew or propagated.
    difference = np.abs(stylized - in_order[2:4])[..., :3]
    assert np.quantile(difference, 0.95) <= most
    assert difference.mean() <= max(most, 0.005)
    host.close()


def test_half_floats_of_an_8_bit_clip_equal_a_render_of_it(make_host, render_file):
    noise = np.random.default_rng(5).integers(0, 60, (48, 96, 3))
    pictures = np.stack(
        [
            pan_with_disc(n / 2, cut=99) // 2 + noise[:, 3 * n : 3 * n + 64].astype(np.uint8)
            for n in range(5)
        ]
    )
    expected = render_file(pictures, "vtn")
    host = make_host("depth=half", clip=rgba(pictures))
    stylized = host.render(*range(5))
    assert np.abs(stylized[..., :3] - expected / 255).max() <= LEVEL
    host.close()


def test_premultiplied_pixels_are_divided_by_alpha_first(make_host, pictures):
    y, x = np.mgrid[0 : pictures.shape[1], 0 : pictures.shape[2]]
    alpha = np.where(x < 20, 1.0, np.where(y < 10, 0.0, 0.25 + x / 128))
    clip = rgba(pictures, alpha)
    solid = alpha > 0
    # Premultiplied pixels have no colour where alpha is 0.
    plain = make_host(clip=clip * solid[..., None].astype(np.float32)).render(2)[0]
    host = make_host("premultiplied=1", clip=clip)
    stylized = host.render(2)[0]
    assert np.allclose(stylized[..., 3], alpha, atol=1e-6)
    assert 0.5 < solid.mean() < 0.9
    assert np.abs(stylized - plain)[solid].mean() < 0.005
    assert (stylized[~solid] == 0).all()
    host.close()


def test_an_image_of_alpha_only_passes_through(make_host, pictures):
    alpha = np.linspace(0, 1, pictures.shape[2])[None, None].repeat(len(pictures), 0).repeat(48, 1)
    host = make_host("components=Alpha", "depth=short", clip=rgba(pictures, alpha))
    assert np.abs(host.render(4)[0, ..., 3] - alpha[4]).max() < 1e-4
    host.close()


def test_a_render_window_is_a_part_of_the_whole_frame(make_host, in_order):
    whole = in_order[1]
    host = make_host("origin=5,6", "premultiplied=1")
    host.command("window 8 4 40 30")
    part = host.render(1)[0]
    # Windows count rows from below, arrays from above.
    assert np.array_equal(part[48 - 30 : 48 - 4, 8:40], whole[48 - 30 : 48 - 4, 8:40])
    host.close()


def test_nan_and_infinity_in_the_source_give_finite_frames(make_host, pictures):
    clip = rgba(pictures)
    clip[2, 5, 5, 0], clip[2, 6, 6, 1], clip[2, 7, 7, 2] = np.nan, np.inf, -np.inf
    host = make_host(clip=clip)
    assert np.isfinite(host.render(2, 3)).all()
    host.close()


def test_a_missing_frame_is_black_and_starts_a_new_shot(make_host, render_file, pictures):
    host = make_host("depth=byte")
    host.command("missing 2")
    stylized = host.render(2, 3, 4)
    assert host.statuses == [0, 0, 0]
    assert (stylized[0] == 0).all()
    assert np.abs(stylized[2][..., :3] - render_file(pictures[3:CUT], "vtn")[1] / 255).max() <= LEVEL
    host.close()


def test_strength_zero_is_reported_as_identity_and_returns_the_source(make_host, pictures):
    host = make_host()
    assert host.command("identity 4") == "identity 0"
    assert host.command("needed 4") == "needed 2 6"
    host.command("set strength 0")
    assert host.command("identity 4") == "identity 1"
    assert host.command("needed 4") == "needed 4 4"
    assert np.array_equal(host.render(4)[0], rgba(pictures)[4])
    host.command("set strength 1")
    host.command("set mode 1")
    assert host.command("needed 4") == "needed 4 4"
    host.command("set keyframeInterval 2")
    assert host.command("needed 4") == "needed 2 6"
    host.close()


@pytest.mark.parametrize("mode", ["itn", "vtn"])
def test_borders_in_any_order_equal_those_of_a_render(make_host, render_file, pictures, mode):
    framed = np.pad(pictures, ((0, 0), (8, 8), (0, 0), (0, 0)))
    expected = render_file(framed, mode)
    host = make_host("depth=byte", clip=rgba(framed))
    host.command(f"set mode {['vtn', 'itn'].index(mode)}")
    for number in (9, 2, 3, 0):
        assert np.abs(host.render(number)[0, ..., :3] - expected[number] / 255).max() <= LEVEL
    host.command("set keepBorders 0")
    assert host.render(2)[0, :8, :, :3].any()
    host.close()


def test_parameters_may_change_within_a_sequence(make_host, render_file, pictures):
    host = make_host("depth=byte")
    host.render(0, 1, 2)
    host.command("set strength 0.5")
    host.command("set keepColor 1")
    expected = render_file(pictures, "vtn", strength=0.5, keep_color=True)
    assert np.abs(host.render(3)[0, ..., :3] - expected[3] / 255).max() <= LEVEL
    host.command("set blend red:0.5+blue:0.5")
    host.command("set strength 1")
    host.command("set keepColor 0")
    mixed = host.render(3)[0]
    host.command("set blend blue")
    blue = host.render(3)[0]
    host.command("set blend ")
    host.command("set style 1")
    assert np.array_equal(host.render(3)[0], blue)
    assert not np.array_equal(mixed, blue)
    host.close()


def test_float_pixels_are_linear_in_hosts_that_work_in_linear_light(make_host, in_order, pictures):
    light = (rgba(pictures).astype(np.float64) + 0.055) / 1.055
    light = np.where(rgba(pictures) <= 0.04045, rgba(pictures) / 12.92, light**2.4)
    light[..., 3] = 1
    plain = in_order[3]
    host = make_host("name=fr.inria.Natron", clip=light)
    stylized = host.render(3)[0, ..., :3]
    shown = np.where(
        stylized <= 0.0031308, stylized * 12.92, 1.055 * np.maximum(stylized, 1e-9) ** (1 / 2.4) - 0.055
    )
    assert np.abs(shown - plain[..., :3]).mean() < 0.005
    host.close()


def test_an_aborted_frame_fails_without_a_message_and_the_next_succeeds(make_host, in_order):
    host = make_host()
    host.command("abort 0")
    host.render(6)
    assert host.statuses == [1]
    assert host.message == ""
    assert np.array_equal(host.render(6)[0], in_order[6])
    host.close()


def test_renders_report_progress_and_interactive_ones_are_bounded(make_host, tmp_path):
    host = make_host()
    host.command("set replayLimit 2")
    host.command("interactive 1")
    quick = host.render(6)
    assert "approximate" in host.message
    host.command("interactive 0")
    whole = host.render(6)
    assert host.message == ""
    assert host.progress > 0
    assert not np.array_equal(quick, whole)
    host.close()


def test_errors_are_shown_in_the_host(make_host):
    host = make_host()
    host.command("set blend rd")
    host.render(0)
    assert host.statuses == [1]
    assert host.message.startswith("OfxMessageError: vst: unknown style 'rd': did you mean 'red'")
    host.command("set blend red")
    host.render(0)
    assert host.statuses == [0]
    assert host.message == ""
    host.close()


@pytest.mark.parametrize("how", ["call", "thread"])
def test_two_effects_in_a_row_equal_two_renders(make_host, in_order, how):
    order = [6, 2, 9]
    expected = make_host(clip=in_order).render(*order)
    host = make_host(f"chained={how}")
    assert np.array_equal(host.render(*order), expected), host.message
    assert host.statuses == [0] * 3
    assert len(host.workers()) == 1
    host.close()


@pytest.mark.parametrize("mode", [0, 1])
def test_a_host_with_a_decimal_comma_gets_the_same_frames(make_host, pictures, comma, mode):
    frames = []
    for options in ((), (f"locale={comma}",)):
        host = make_host("depth=byte", *options, LOCPATH=os.environ["LOCPATH"])
        for line in (f"set mode {mode}", "set strength 0.25", "set styleScale 1.5", "set seed 3"):
            host.command(line)
        frames.append(host.render(0, 1))
        assert host.statuses == [0, 0], host.message
        host.close()
    assert np.array_equal(*frames)
    assert np.abs(frames[0][0] - rgba(pictures)[0]).max() > 0.05


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("set strength nan", "Strength is not a number"),
        ("set strength inf", "Strength is not a number"),
        ("set strength 1.5", "Strength is 1.5; expected 0 to 1"),
        ("set styleScale nan", "Stroke size is not a number"),
        ("set styleScale 0.05", "Stroke size is 0.05; expected 0.1 to 10, or 0"),
        ("set keyframeInterval 17", "Keyframe interval is 17; expected 1 to 16, or 0"),
        ("set device 2", "Device cpu"),
        ("set blend a:b:c", ""),
        ("set weights /nowhere", "/nowhere does not exist"),
    ],
)
def test_an_error_names_the_parameter_of_the_editor(make_host, line, message):
    if line == "set device 2" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    host = make_host()
    host.command(line)
    assert host.command("identity 0") == "identity 0"
    host.render(0)
    assert host.statuses == [1]
    assert message in host.message
    assert "--" not in host.message
    host.close()
