"""The mask of the OpenFX plugin, and strength over time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.conftest import FRAMES, HEIGHT, WIDTH, rgba

LEVEL = 1 / 255 + 1e-6


def left_half(components: int = 1) -> np.ndarray:
    """A mask for all frames: white on the left, a ramp of eight pixels, black."""
    row = np.clip((36 - np.arange(WIDTH)) / 8, 0, 1).astype(np.float32)
    return np.broadcast_to(row[None, None, :, None], (FRAMES, HEIGHT, WIDTH, components)).copy()


@pytest.fixture
def masked(make_host, tmp_path):
    """A host with a mask connected."""

    def make(mask: np.ndarray, *options: str, clip: np.ndarray | None = None):
        path = tmp_path / "mask"
        path.write_bytes(np.ascontiguousarray(mask, np.float32).tobytes())
        components = {1: "Alpha", 3: "RGB", 4: "RGBA"}[mask.shape[-1]]
        return make_host(f"mask={path}", f"mask_components={components}", *options, clip=clip)

    return make


def test_inside_is_the_stylization_outside_the_clip_and_between_a_mixture(masked, in_order, pictures):
    host, share = masked(left_half()), left_half()[2]
    found, clip = host.render(2)[0], rgba(pictures)[2]
    assert np.array_equal(found[:, :28], in_order[2][:, :28])
    assert np.array_equal(found[:, 36:], clip[:, 36:])
    assert np.allclose(found, clip + share * (in_order[2] - clip), atol=1e-6)
    host.close()


@pytest.mark.parametrize("depth", ["byte", "short", "half"])
def test_outside_of_the_mask_every_bit_of_the_clip_stays(masked, pictures, depth):
    alpha = np.linspace(0.2, 1, WIDTH)
    clip = rgba(pictures, np.broadcast_to(alpha, pictures.shape[:-1]))
    options = (f"depth={depth}", "premultiplied=1", "rows=negative", "pad=4", "origin=7,-3")
    host = masked(left_half(), *options, "mask_origin=7,-3", clip=clip)
    found = host.render(2)[0]
    host.command("set strength 0")
    clip_alone = host.render(2)[0]
    assert np.array_equal(found[:, 36:], clip_alone[:, 36:])
    assert np.abs(found[:, :28] - clip_alone[:, :28]).max() > 0.05
    host.close()


def test_frames_equal_those_of_a_render_with_the_mask(masked, render_file, lossless, pictures):
    mask = (left_half(3)[:1] * 255).round().astype(np.uint8)
    path = lossless("left.mkv", mask.repeat(FRAMES, 0))
    expected = render_file(pictures, "vtn", mask=f"{path},channel=luma")
    host = masked(mask.repeat(FRAMES, 0) / np.float32(255), "depth=byte")
    assert np.abs(host.render(*range(FRAMES))[..., :3] - expected / 255).max() <= LEVEL
    host.close()


def test_without_a_connected_mask_nothing_changes(make_host, in_order):
    host = make_host("limited=1", "mask_origin=3,3")  # a host without further clips
    host.command("set mode 0")
    assert host.render(2).shape == in_order[2:3].shape
    assert host.statuses == [0]
    host.close()
    host = make_host()
    assert np.array_equal(host.render(2, 5), in_order[[2, 5]])
    host.close()


def test_a_white_mask_changes_no_bit_and_one_without_an_image_leaves_the_clip(masked, in_order, pictures):
    white = np.ones((4, HEIGHT, WIDTH, 1), np.float32)  # frames 4 and later have none
    host = masked(white)
    found = host.render(2, 5)
    assert host.statuses == [0, 0]
    assert np.array_equal(found[0], in_order[2])
    assert np.array_equal(found[1], rgba(pictures)[5])
    host.close()


def test_a_mask_that_changes_is_seen_at_once_and_stylizes_nothing_again(
    masked, in_order, pictures, tmp_path
):
    host = masked(left_half())
    host.render(2)
    right = 1 - left_half()[2]
    (tmp_path / "right").write_bytes(right.tobytes())
    host.command(f"change_mask 2 {tmp_path / 'right'}")
    found = host.render(2)[0]
    assert np.array_equal(found[:, :28], rgba(pictures)[2][:, :28])
    assert np.array_equal(found[:, 36:], in_order[2][:, 36:])
    assert host.progress == 0  # all frames before it were known
    host.close()


def test_a_mask_lies_where_its_image_does(masked, in_order, pictures):
    white = np.ones((FRAMES, HEIGHT, WIDTH, 1), np.float32)
    host = masked(white, "mask_origin=20,10")
    found, clip = host.render(2)[0], rgba(pictures)[2]
    # Origins count rows from below, arrays from above.
    assert np.array_equal(found[: HEIGHT - 10, 20:], in_order[2][: HEIGHT - 10, 20:])
    assert np.array_equal(found[:, :20], clip[:, :20])
    assert np.array_equal(found[HEIGHT - 10 :], clip[HEIGHT - 10 :])
    host.close()


def test_a_window_of_a_masked_frame_is_a_part_of_it(masked, in_order, pictures):
    host = masked(left_half(), "origin=5,6", "mask_origin=5,6")
    whole = host.render(1)[0]
    host.command("window 8 4 50 30")
    assert np.array_equal(host.render(1)[0][48 - 30 : 48 - 4, 8:50], whole[48 - 30 : 48 - 4, 8:50])
    host.close()


def test_the_alpha_of_a_mask_counts_where_it_has_one(masked, in_order):
    mask = left_half(4)
    mask[..., :3] = 0
    host = masked(mask)
    assert np.array_equal(host.render(2)[0][:, :28], in_order[2][:, :28])
    host.close()


def test_values_of_a_mask_that_are_no_shares_do_no_harm(masked, in_order, pictures):
    mask = left_half()
    mask[2, :, :10], mask[2, :, 40:50], mask[2, :, 50:] = 7, -3, np.nan
    host = masked(mask)
    found = host.render(2)[0]
    assert np.array_equal(found[:, :28], in_order[2][:, :28])
    assert np.array_equal(found[:, 36:], rgba(pictures)[2][:, 36:])
    host.close()


def test_only_the_frame_itself_is_asked_of_the_mask(masked):
    host = masked(left_half())
    assert host.command("needed 4") == "needed 2 6 mask 4 4"
    host.close()


def test_strength_may_be_animated(make_host, in_order, pictures):
    host = make_host()
    host.command("animate strength 0 1")
    assert host.command("identity 0") == "identity 1"
    assert host.command("identity 5") == "identity 0"
    found, clip = host.render(0, 4, FRAMES - 1), rgba(pictures)
    assert np.array_equal(found[0], clip[0])
    share = 4 / (FRAMES - 1)
    assert np.abs(found[1] - (clip[4] + share * (in_order[4] - clip[4]))).max() < 1e-3
    assert np.array_equal(found[2], in_order[-1])
    host.close()
