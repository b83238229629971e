"""The OpenFX plugin in a host that does what hosts were seen to do."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.host.conftest import CUT, FRAMES
from tests.plugins.conftest import rgba

LEVEL = 1 / 255 + 1e-6


def test_a_host_sees_what_the_plugin_is(make_host):
    host = make_host()
    seen = host.say("describe")
    assert seen.startswith("plugin vst.paint ")
    assert "style OfxParamTypeChoice red,blue;" in seen
    assert "mode OfxParamTypeChoice vtn,itn;" in seen
    assert "sequential 2" in seen
    assert "OfxImageEffectRenderUnsafe" in seen
    host.close()


@pytest.mark.parametrize("mode", ["vtn", "itn"])
def test_frames_are_those_of_a_render_into_a_lossless_file(make_host, render_file, pictures, mode):
    expected = render_file(pictures, mode)
    host = make_host("depth=byte")
    host.say(f"set mode {['vtn', 'itn'].index(mode)}")
    painted = host.render(*range(FRAMES))
    assert host.statuses == [0] * FRAMES
    assert np.abs(painted[..., :3] - expected / 255).max() <= LEVEL
    assert (painted[..., 3] == 1).all()
    host.close()


def test_any_order_threads_and_instances_give_the_same_pixels(make_host, straight):
    order = list(range(FRAMES))
    shuffled = order.copy()
    random.Random(3).shuffle(shuffled)
    host = make_host()
    assert np.array_equal(host.render(*shuffled), straight[shuffled])
    assert np.array_equal(host.render(3, 3, 2), straight[[3, 3, 2]])
    host.say("reload")
    assert np.array_equal(host.render(*order[:9], threads=2), straight[:9])
    host.say("fresh 1")
    assert np.array_equal(host.render(8, 4, 5, 13), straight[[8, 4, 5, 13]])
    host.close()


def test_a_changed_source_frame_changes_what_follows_in_its_shot_and_nothing_else(
    make_host, straight, pictures
):
    host = make_host()
    before = host.render(*range(FRAMES))
    assert np.array_equal(before, straight)
    changed = pictures.copy()
    changed[3] = changed[3][:, ::-1]
    host.change(3, rgba(changed)[3])
    after = host.render(*range(FRAMES - 1, -1, -1))[::-1]
    differs = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert differs == [3 <= number < CUT for number in range(FRAMES)]
    host.close()


@pytest.mark.parametrize("temporal", ["no", "same"])
def test_without_other_frames_it_paints_in_order(make_host, render_file, pictures, temporal, tmp_path):
    expected = render_file(pictures, "vtn")
    host = make_host("depth=byte", f"temporal={temporal}")
    painted = host.render(*range(FRAMES))
    assert np.abs(painted[..., :3] - expected / 255).max() <= LEVEL
    assert np.array_equal(host.render(13), painted[13:])
    assert "painting in order" in (tmp_path / "log").read_text()
    host.close()


@pytest.mark.parametrize(
    ("options", "most"),
    [
        (["depth=short", "rows=negative", "pad=6"], 1e-4),
        (["depth=float", "rows=negative", "origin=100,-50", "pad=16", "scale=0.5"], 1e-6),
        (["depth=byte", "components=RGB", "pad=5", "messages=1", "progress=1"], LEVEL),
        (["depth=half", "origin=-7,13", "poor=1", "messages=0", "progress=0"], 1e-3),
    ],
)
def test_depths_components_rows_and_origins_make_no_difference(
    make_host, straight, pictures, options, most
):
    expected = straight[2:4]
    if "depth=half" in options:
        # What a half cannot hold, the host has lost before.
        expected = make_host(clip=rgba(pictures).astype(np.float16).astype(np.float32)).render(2, 3)
    host = make_host(*options)
    painted = host.render(2, 3)
    assert host.statuses == [0, 0]
    assert np.abs(painted - expected)[..., :3].max() <= most
    host.close()


def test_premultiplied_pixels_are_painted_as_if_they_were_not(make_host, pictures):
    y, x = np.mgrid[0 : pictures.shape[1], 0 : pictures.shape[2]]
    alpha = np.where(x < 20, 1.0, np.where(y < 10, 0.0, 0.25 + x / 128))
    clip = rgba(pictures, alpha)
    solid = alpha > 0
    # Colour below zero alpha is lost in one of the two.
    plain = make_host(clip=clip * solid[..., None].astype(np.float32)).render(2)[0]
    host = make_host("premultiplied=1", clip=clip)
    painted = host.render(2)[0]
    assert np.allclose(painted[..., 3], alpha, atol=1e-6)
    assert 0.5 < solid.mean() < 0.9
    assert np.abs(painted - plain)[solid].mean() < 0.005
    assert (painted[~solid] == 0).all()
    host.close()


def test_alpha_alone_passes_through(make_host, pictures):
    alpha = np.linspace(0, 1, pictures.shape[2])[None, None].repeat(len(pictures), 0).repeat(48, 1)
    host = make_host("components=Alpha", "depth=short", clip=rgba(pictures, alpha))
    assert np.abs(host.render(4)[0, ..., 3] - alpha[4]).max() < 1e-4
    host.close()


def test_a_window_is_painted_as_a_part_of_the_whole(make_host, straight):
    whole = straight[1]
    host = make_host("origin=5,6", "premultiplied=1")
    host.say("window 8 4 40 30")
    part = host.render(1)[0]
    # Windows count rows from below, arrays from above.
    assert np.array_equal(part[48 - 30 : 48 - 4, 8:40], whole[48 - 30 : 48 - 4, 8:40])
    host.close()


def test_values_that_are_no_numbers_do_no_harm(make_host, pictures):
    clip = rgba(pictures)
    clip[2, 5, 5, 0], clip[2, 6, 6, 1], clip[2, 7, 7, 2] = np.nan, np.inf, -np.inf
    host = make_host(clip=clip)
    assert np.isfinite(host.render(2, 3)).all()
    host.close()


def test_a_missing_frame_is_black_and_those_after_it_begin_anew(make_host, render_file, pictures):
    host = make_host("depth=byte")
    host.say("missing 2")
    painted = host.render(2, 3, 4)
    assert host.statuses == [0, 0, 0]
    assert (painted[0] == 0).all()
    assert np.abs(painted[2][..., :3] - render_file(pictures[3:CUT], "vtn")[1] / 255).max() <= LEVEL
    host.close()


def test_strength_zero_is_the_source_and_is_said_to_be(make_host, pictures):
    host = make_host()
    assert host.say("identity 4") == "identity 0"
    assert host.say("needed 4") == "needed 2 6"
    host.say("set strength 0")
    assert host.say("identity 4") == "identity 1"
    assert host.say("needed 4") == "needed 4 4"
    assert np.array_equal(host.render(4)[0], rgba(pictures)[4])
    host.say("set strength 1")
    host.say("set mode 1")
    assert host.say("needed 4") == "needed 4 4"
    host.close()


def test_parameters_change_in_mid_sequence(make_host, render_file, pictures):
    host = make_host("depth=byte")
    host.render(0, 1, 2)
    host.say("set strength 0.5")
    host.say("set keepColor 1")
    expected = render_file(pictures, "vtn", strength=0.5, keep_color=True)
    assert np.abs(host.render(3)[0, ..., :3] - expected[3] / 255).max() <= LEVEL
    host.say("set blend red:0.5+blue:0.5")
    host.say("set strength 1")
    host.say("set keepColor 0")
    mixed = host.render(3)[0]
    host.say("set blend blue")
    blue = host.render(3)[0]
    host.say("set blend ")
    host.say("set style 1")
    assert np.array_equal(host.render(3)[0], blue)
    assert not np.array_equal(mixed, blue)
    host.close()


def test_float_pixels_are_light_in_hosts_that_work_in_light(make_host, straight, pictures):
    light = (rgba(pictures).astype(np.float64) + 0.055) / 1.055
    light = np.where(rgba(pictures) <= 0.04045, rgba(pictures) / 12.92, light**2.4)
    light[..., 3] = 1
    plain = straight[3]
    host = make_host("name=fr.inria.Natron", clip=light)
    painted = host.render(3)[0, ..., :3]
    shown = np.where(
        painted <= 0.0031308, painted * 12.92, 1.055 * np.maximum(painted, 1e-9) ** (1 / 2.4) - 0.055
    )
    assert np.abs(shown - plain[..., :3]).mean() < 0.005
    host.close()


def test_an_aborted_frame_fails_without_a_message_and_the_next_works(make_host, straight):
    host = make_host()
    host.say("abort 0")
    host.render(6)
    assert host.statuses == [1]
    assert host.message == ""
    assert np.array_equal(host.render(6)[0], straight[6])
    host.close()


def test_replays_tell_their_progress_and_scrubbing_is_bounded(make_host, tmp_path):
    host = make_host()
    host.say("set replayLimit 2")
    host.say("interactive 1")
    quick = host.render(6)
    assert "approximate" in host.message
    host.say("interactive 0")
    whole = host.render(6)
    assert host.message == ""
    assert host.progress > 0
    assert not np.array_equal(quick, whole)
    host.close()


def test_what_is_wrong_is_said_in_the_host(make_host):
    host = make_host()
    host.say("set blend rd")
    host.render(0)
    assert host.statuses == [1]
    assert host.message.startswith("OfxMessageError: vst: unknown style 'rd': did you mean 'red'")
    host.say("set blend red")
    host.render(0)
    assert host.statuses == [0]
    assert host.message == ""
    host.close()


@pytest.mark.parametrize("how", ["call", "thread"])
def test_one_after_another_paint_as_if_each_had_a_clip(make_host, straight, how):
    order = [6, 2, 9]
    expected = make_host(clip=straight).render(*order)
    host = make_host(f"chained={how}")
    assert np.array_equal(host.render(*order), expected), host.message
    assert host.statuses == [0] * 3
    assert len(host.workers()) == 1
    host.close()
