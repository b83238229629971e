"""Planes to R'G'B' and back."""

from __future__ import annotations

import itertools

import av
import numpy as np
import pytest
import torch

from vst.errors import MediaError
from vst.media.colour.layout import find_layout, layout_of
from vst.media.colour.planes import from_rgb, to_rgb
from vst.media.colour.spec import LUMA_WEIGHTS, RGB, ColourSpec, spec_from_tags

RGB_IN_YUV = ColourSpec("bt709", True)

FORMATS = [
    "yuv420p",
    "yuv422p",
    "yuv440p",
    "yuv444p",
    "yuv411p",
    "yuv410p",
    "yuva420p",
    "yuv420p10le",
    "yuv422p12le",
    "yuv444p16le",
    "gray",
    "gray10le",
    "gbrp",
    "gbrp10le",
    "gbrap16le",
    "rgb24",
    "bgr0",
    "argb",
    "rgba64be",
]


def noise(pix_fmt: str, width: int, height: int) -> av.VideoFrame:
    layout = find_layout(pix_fmt)
    generator = np.random.default_rng(5)
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane in frame.planes:
        samples = np.frombuffer(memoryview(plane), np.dtype(layout.dtype))
        samples[:] = generator.integers(0, 1 << layout.bits, samples.shape)
    return frame


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    layout = find_layout(frame.format.name)
    result = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.dtype(layout.dtype)).reshape(plane.height, -1)
        pixels = rows[:, : plane.width * (len(layout.order) or 1)]
        if "0" in layout.order:
            pixels = pixels.reshape(plane.height, plane.width, -1)
            pixels = pixels[:, :, [i for i, letter in enumerate(layout.order) if letter != "0"]]
        result.append(pixels.copy())
    return result


@pytest.mark.parametrize("pix_fmt", FORMATS)
@pytest.mark.parametrize("size", [(32, 16), (33, 17), (7, 5), (6, 6), (1, 1)])
def test_every_code_value_returns_unchanged(pix_fmt, size):
    frame = noise(pix_fmt, *size)
    is_rgb = layout_of(pix_fmt).is_rgb
    for matrix, full in itertools.product(["rgb"] if is_rgb else LUMA_WEIGHTS, (False, True)):
        spec = ColourSpec(matrix, full)
        image, alpha = to_rgb(frame, spec)
        back = from_rgb(image, alpha, pix_fmt, spec)
        for ours, theirs in zip(planes(back), planes(frame), strict=True):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("matrix", "full", "code", "expected"),
    [
        ("bt601", False, (81, 90, 240), (1, 0, 0)),
        ("bt709", False, (63, 102, 240), (1, 0, 0)),
        ("bt709", True, (54, 99, 255), (1, 0, 0)),
        ("bt601", False, (16, 128, 128), (0, 0, 0)),
        ("bt709", False, (235, 128, 128), (1, 1, 1)),
        ("bt601", True, (255, 128, 128), (1, 1, 1)),
        ("bt2020", False, (74, 97, 240), (1, 0, 0)),
    ],
)
def test_known_colours_have_their_known_codes(matrix, full, code, expected):
    spec = ColourSpec(matrix, full)
    frame = av.VideoFrame(2, 2, "yuv444p")
    for plane, value in zip(frame.planes, code, strict=True):
        np.frombuffer(memoryview(plane), "u1")[:] = value
    image, _ = to_rgb(frame, spec)
    assert image[:, 0, 0].tolist() == pytest.approx(expected, abs=0.012)
    wanted = torch.tensor(expected, dtype=torch.float32)[:, None, None].expand(3, 2, 2)
    assert [int(p[0, 0]) for p in planes(from_rgb(wanted, None, "yuv444p", spec))] == list(code)


def chroma_of(samples: list[int], pix_fmt: str) -> list[float]:
    """The blue difference that is read along a line, where these are its samples; down for yuv440p."""
    layout = find_layout(pix_fmt)
    length = len(samples) * max(layout.sub_x, layout.sub_y)
    across = layout.sub_x > 1
    frame = av.VideoFrame(*((length, 8) if across else (8, length)), pix_fmt)
    u = np.array(samples) if across else np.array(samples)[:, None]
    for plane, value in zip(frame.planes, (126, u, 128), strict=True):
        pixels = np.frombuffer(memoryview(plane), "u1").reshape(plane.height, -1)[:, : plane.width]
        pixels[:] = value
    image, _ = to_rgb(frame, ColourSpec("bt709", True))
    difference = (image[2] * 255 - 126) / (2 * (1 - LUMA_WEIGHTS["bt709"][1])) + 128
    return (difference[3] if across else difference[:, 3]).tolist()


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv440p"])
def test_chroma_has_the_slope_between_samples_and_their_mean(pix_fmt):
    # A slope is that to the nearer of both neighbours, and 0 at the edges and where they are on one side.
    expected = {100: [100, 100], 120: [115, 125], 200: [200, 200], 190: [190, 190], 198: [198, 198]}
    samples = [100, 120, 200, 190, 198]
    found = chroma_of(samples, pix_fmt)
    assert found == pytest.approx([pixel for sample in samples for pixel in expected[sample]], abs=1e-3)


def test_four_columns_share_a_slope():
    inner = [105, 115, 125, 135]
    assert chroma_of([80, 120, 160], "yuv411p")[4:8] == pytest.approx(inner, abs=1e-3)


def test_no_chroma_runs_into_a_flat_region():
    assert chroma_of([128, 128, 240, 30], "yuv420p")[:4] == pytest.approx([128] * 4, abs=1e-3)


def test_a_ramp_of_colour_stays_a_ramp():
    ramp = torch.linspace(0.2, 0.8, 64).expand(32, 64)
    image = torch.stack([ramp, torch.full_like(ramp, 0.5), 1 - ramp])
    spec = ColourSpec("bt709", True)
    back, _ = to_rgb(from_rgb(image, None, "yuv420p16le", spec), spec)
    # Repeated samples would be off by half a step of the ramp, 0.0048.
    assert (back - image)[:, :, 4:-4].abs().max() < 1e-4


def test_the_image_outlives_its_frame():
    frame = noise("yuv444p", 64, 64)
    spec = ColourSpec("bt709", False)
    image, _ = to_rgb(frame, spec)
    before = image.clone()
    for plane in frame.planes:
        np.frombuffer(memoryview(plane), "u1")[:] = 0
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("other", "planar"), [("nv12", "yuv420p"), ("p010le", "yuv420p10le"), ("uyvy422", "yuv422p")]
)
def test_repacking_a_layout_changes_no_sample(other, planar):
    frame = noise(planar, 32, 16)
    packed = frame.reformat(format=other, src_color_range=1, dst_color_range=1)
    for full in (False, True):
        spec = ColourSpec("bt601", full)
        assert torch.equal(to_rgb(packed, spec)[0], to_rgb(frame, spec)[0])


def test_colours_outside_of_rgb_are_not_clamped():
    frame = noise("yuv444p", 16, 16)
    image, _ = to_rgb(frame, ColourSpec("bt709", False))
    assert image.min() < 0
    assert image.max() > 1


def test_values_beyond_the_format_go_to_its_limits():
    image = torch.full((3, 4, 4), 7.0)
    for large in (1e12, float("inf")):
        assert all((plane == 255).all() for plane in planes(from_rgb(image * large, None, "gbrp", RGB)))
        assert (planes(from_rgb(image * large, None, "yuv444p16le", RGB_IN_YUV))[0] == 65535).all()
    (luma, *_) = planes(from_rgb(image, None, "yuv420p", ColourSpec("bt709", False)))
    assert (luma == 255).all()
    (luma, *_) = planes(from_rgb(-image, None, "yuv420p10le", ColourSpec("bt709", False)))
    assert (luma == 0).all()


@pytest.mark.parametrize(("height", "matrix"), [(576, "bt601"), (577, "bt709")])
def test_an_untagged_matrix_is_assumed_from_the_size(height, matrix):
    spec = spec_from_tags(layout_of("yuv420p"), height, matrix=2, range_=0, primaries=2, transfer=2)
    assert (spec.matrix, spec.full_range, spec.matrix_tagged, spec.range_tagged) == (
        matrix,
        False,
        False,
        False,
    )


def test_a_tagged_matrix_is_used():
    spec = spec_from_tags(layout_of("yuvj420p"), 240, matrix=1, range_=0, primaries=1, transfer=1)
    assert (spec.matrix, spec.full_range, spec.matrix_tagged, spec.range_tagged) == (
        "bt709",
        True,
        True,
        True,
    )


def test_an_unsupported_matrix_is_refused():
    with pytest.raises(MediaError, match="colour matrix 8"):
        spec_from_tags(layout_of("yuv420p"), 240, matrix=8, range_=0, primaries=2, transfer=2)


def test_an_unsupported_pixel_format_is_refused():
    with pytest.raises(MediaError, match="bayer_rggb8 is not supported"):
        layout_of("bayer_rggb8")
