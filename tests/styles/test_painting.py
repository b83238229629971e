import os

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from vst.errors import MediaError, UsageError
from vst.styles.painting import find_painting, opaque_rectangle, open_painting, painting_of, read_painting


@pytest.fixture
def painting(tmp_path):
    """A picture of 64×40, red."""
    path = tmp_path / "storm.png"
    cv2.imwrite(str(path), np.full((40, 64, 3), (0, 0, 255), np.uint8))
    return path


def test_a_painting_is_shrunk_to_its_longer_side_and_never_enlarged(painting):
    assert read_painting(painting, 32).shape == (3, 20, 32)
    assert read_painting(painting, 512).shape == (3, 40, 64)


def test_a_painting_is_rgb_from_0_to_1(painting):
    assert read_painting(painting, 64).mean((1, 2)).tolist() == [1.0, 0.0, 0.0]


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    for name in ("text.png", "empty.png"):
        with pytest.raises(MediaError, match=f"{name} cannot be used: not a picture that can be read"):
            read_painting(tmp_path / name, 32)
    with pytest.raises(MediaError, match=r"missing\.png cannot be read"):
        read_painting(tmp_path / "missing.png", 32)


def test_a_painting_is_found_by_its_style_or_given(painting, tmp_path):
    assert find_painting(tmp_path, "storm") == painting
    assert painting_of(str(painting), None) == painting
    assert painting_of("storm", tmp_path) == painting
    with pytest.raises(UsageError, match="no picture of 'calm'"):
        find_painting(tmp_path, "calm")
    with pytest.raises(UsageError, match="--style-images"):
        painting_of("storm", None)


def colour(path, longer_side=64):
    """The mean of R, G and B on 0..255."""
    return [round(255 * float(each)) for each in read_painting(path, longer_side).mean((1, 2))]


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (4000, 6), (2000, 40), (15, 15)])
def test_a_painting_that_is_too_small_gets_a_line_with_the_size_that_it_needs(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "small.png")
    with pytest.raises(MediaError, match=r"small\.png is too small: .* needs 16 or more on the"):
        read_painting(tmp_path / "small.png", 512)


def test_a_painting_below_half_the_style_size_gets_a_note(painting):
    assert open_painting(painting, 128).notes == ()
    (note,) = open_painting(painting, 512).notes
    assert "has 64×40 pixels, less than half the style size of 512" in note


def test_only_the_opaque_part_of_a_painting_is_learned(tmp_path):
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[...] = (0, 255, 0, 0)  # invisible green
    pixels[10:50, 20:70] = (255, 0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "cut.png")
    opened = open_painting(tmp_path / "cut.png", 80)
    assert opened.image.shape == (3, 40, 50)
    assert colour(tmp_path / "cut.png") == [255, 0, 0]
    assert any("only 50×40 pixels at 20, 10" in note for note in opened.notes)


def test_a_palette_with_a_transparent_colour_is_cropped_as_well(tmp_path):
    image = Image.new("P", (60, 40), 1)
    image.putpalette([0, 255, 0, 255, 0, 0])
    image.paste(0, (0, 0, 20, 40))
    image.save(tmp_path / "palette.gif", transparency=0)
    assert open_painting(tmp_path / "palette.gif", 64).image.shape == (3, 40, 40)
    assert colour(tmp_path / "palette.gif") == [255, 0, 0]


def test_a_painting_without_an_opaque_part_is_refused(tmp_path):
    Image.new("RGBA", (60, 40), (255, 0, 0, 128)).save(tmp_path / "veil.png")
    with pytest.raises(MediaError, match=r"veil\.png has no part of 16×16 pixels without transparency"):
        read_painting(tmp_path / "veil.png", 64)


def test_an_opaque_alpha_channel_changes_nothing(tmp_path):
    Image.new("RGBA", (60, 40), (255, 0, 0, 255)).save(tmp_path / "whole.png")
    assert open_painting(tmp_path / "whole.png", 64).notes == ()
    assert colour(tmp_path / "whole.png") == [255, 0, 0]


def test_the_opaque_rectangle_is_the_largest_one():
    opaque = np.ones((20, 30), bool)
    opaque[5, 12] = False
    assert opaque_rectangle(opaque) == (0, 6, 30, 14)
    assert opaque_rectangle(np.zeros((20, 30), bool)) == (0, 0, 0, 0)
    assert opaque_rectangle(np.ones((600, 20), bool)) == (0, 0, 18, 600)  # cells of 3×3
    rng = np.random.default_rng(0)
    for _ in range(20):
        opaque = rng.random((7, 8)) < 0.8
        left, top, width, height = opaque_rectangle(opaque)
        assert opaque[top : top + height, left : left + width].all()
        assert width * height == max(
            w * h
            for y in range(7)
            for x in range(8)
            for h in range(8 - y)
            for w in range(9 - x)
            if opaque[y : y + h, x : x + w].all()
        )


def test_cmyk_and_sixteen_bits_become_eight_bit_rgb(tmp_path):
    Image.new("CMYK", (60, 40), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    assert np.abs(np.subtract(colour(tmp_path / "cmyk.jpg"), (255, 0, 0))).max() <= 2
    cv2.imwrite(str(tmp_path / "rgb.png"), np.full((40, 60, 3), (0, 32896, 65535), np.uint16))
    cv2.imwrite(str(tmp_path / "rgb.tif"), np.full((40, 60, 3), (0, 32896, 65535), np.uint16))
    cv2.imwrite(str(tmp_path / "gray.png"), np.full((40, 60), 51400, np.uint16))
    cv2.imwrite(str(tmp_path / "gray.tif"), np.full((40, 60), 51400, np.uint16))
    for suffix in ("png", "tif"):
        assert colour(tmp_path / f"rgb.{suffix}") == [255, 128, 0]
        assert colour(tmp_path / f"gray.{suffix}") == [200, 200, 200]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_painting_is_upright(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (0, 0, 32, 32))
    image.save(tmp_path / f"turned.{suffix}", exif=exif)
    upright = read_painting(tmp_path / f"turned.{suffix}", 64)
    assert upright.shape == (3, 64, 32)
    assert upright[:, :24].mean((1, 2)).tolist() == pytest.approx([0, 0, 1], abs=0.06)


def test_colours_are_converted_from_the_profile(tmp_path):
    # The profile of sRGB with red and green exchanged, under another name.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")
    swapped = swapped.replace(b"s\0R\0G\0B", b"s\0W\0A\0P").replace(b"sRGB", b"sWAP")
    for name, profile in (("plain", srgb), ("swapped", swapped), ("damaged", b"nothing")):
        Image.new("RGB", (60, 40), (200, 20, 20)).save(tmp_path / f"{name}.png", icc_profile=profile)
    assert colour(tmp_path / "plain.png") == [200, 20, 20]
    assert colour(tmp_path / "damaged.png") == [200, 20, 20]
    assert colour(tmp_path / "swapped.png") == [20, 200, 20]
    for mode in ("P", "RGBA", "L"):
        image = Image.new("RGB", (60, 40), (200, 20, 20)).convert(mode)
        image.save(tmp_path / f"{mode}.png", icc_profile=swapped)
    assert np.abs(np.subtract(colour(tmp_path / "P.png"), (20, 200, 20))).max() <= 10
    assert colour(tmp_path / "RGBA.png") == [20, 200, 20]
    assert len(set(colour(tmp_path / "L.png"))) == 1  # a profile that does not fit is ignored


def test_the_first_frame_of_an_animation_is_learned(tmp_path):
    frames = [Image.new("RGB", (60, 40), each) for each in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    opened = open_painting(tmp_path / "moving.gif", 64)
    assert opened.notes == (f"{tmp_path / 'moving.gif'} has 2 frames or pages: the first is learned",)
    assert colour(tmp_path / "moving.gif") == [255, 0, 0]


def test_a_painting_that_is_no_regular_file_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", tmp_path):
        with pytest.raises(MediaError, match="is not a file"):
            read_painting(path, 64)


def mask_file(path, values):
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


def test_a_mask_has_the_size_of_the_painting(painting, tmp_path):
    left = np.zeros((10, 16))
    left[:, :8] = 255
    found = open_painting(painting, 32, mask=mask_file(tmp_path / "m.png", left))
    assert found.mask is not None
    assert found.mask.shape == (1, 20, 32)
    assert (found.mask[..., :14] == 1).all()
    assert (found.mask[..., 18:] == 0).all()
    assert open_painting(painting, 32).mask is None


def test_a_mask_may_be_the_alpha_of_its_file(painting, tmp_path):
    pixels = np.full((40, 64, 4), 255, np.uint8)
    pixels[:, 32:, 3] = 0
    found = open_painting(painting, 64, mask=mask_file(tmp_path / "m.png", pixels))
    assert found.mask is not None
    assert found.mask.mean((0, 1)).tolist() == [1.0] * 32 + [0.0] * 32


def test_a_mask_is_cut_as_the_painting_is(tmp_path):
    pixels = np.full((64, 64, 4), 200, np.uint8)
    pixels[..., 3] = 255
    pixels[:, 32:, 3] = 0  # only the left half is learned
    mask_file(tmp_path / "p.png", pixels)
    mask = np.zeros((64, 64))
    mask[:32] = 255
    found = open_painting(tmp_path / "p.png", 64, mask=mask_file(tmp_path / "m.png", mask))
    assert found.mask is not None
    assert found.mask.shape == (1, *found.image.shape[1:]) == (1, 64, 32)
    assert found.mask.mean() == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: mask_file(path, np.zeros((40, 64))), "leaves 0 pixels of .* expected 256 or more"),
        (lambda path: path.write_text("no"), "cannot be used: not a picture that can be read"),
        (
            lambda path: None,
            r"cannot be read: No such file or directory; expected the mask of .*storm\.png",
        ),
        (lambda path: path.mkdir(), "is not a file; expected the mask of"),
    ],
)
def test_a_mask_that_cannot_be_used_gets_one_line(painting, tmp_path, make, message):
    make(tmp_path / "m.png")
    with pytest.raises(MediaError, match=message) as caught:
        open_painting(painting, 64, mask=tmp_path / "m.png")
    assert "m.png" in str(caught.value)
    assert "\n" not in str(caught.value)
