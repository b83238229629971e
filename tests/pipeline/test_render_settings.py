"""Settings: values, sizes and names; invalid ones are refused with a message."""

from __future__ import annotations

import math
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
import torch

import vst.device
import vst.losses.style_statistics
import vst.modes.tiling
import vst.styles.loss_network
import vst.styles.quality
from tests.clips import make_clip
from vst.errors import MediaError, UsageError, WeightsError
from vst.frame import Frame
from vst.media.decode import options, reader
from vst.media.probe import probe
from vst.media.segments import disk_space
from vst.modes import save_weights
from vst.modes.backend_choice import AUTO
from vst.modes.itn.network import ITN
from vst.nn.backends import BACKENDS
from vst.pipeline import RenderSettings, render, stylize
from vst.pipeline.fingerprint import fingerprint_of
from vst.pipeline.frame_size import output_size, resize_frame
from vst.pipeline.option_groups import clip, machine, optimisation, output, stylization
from vst.pipeline.option_groups.optimisation import OptimisationOptions
from vst.pipeline.option_values import parse_frame_rate
from vst.pipeline.options import Effect, options_of
from vst.pipeline.output_path import output_path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 1.5}, "strength is 1.5"),
        ({"strength": -0.1}, "strength is -0.1"),
        ({"strength": math.nan}, "strength is nan"),
        ({"style_scale": 0.09}, "style scale is 0.09"),
        ({"style_scale": 10.5}, "style scale is 10.5"),
        ({"style_scale": -1}, "style scale is -1"),
        ({"style_scale": math.nan}, "style scale is nan"),
        ({"scale": 0.5, "size": 360}, "give one of them"),
        ({"scale": 0}, "scale is 0"),
        ({"scale": math.inf}, "scale is inf"),
        ({"size": 15}, "size is 15"),
        ({"size": 10**6}, "size is 1000000"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
        ({"quality": "good"}, "quality is 'good'"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": 2**31}, "threads is 2147483648"),
        ({"tile": 63}, r"tile is 63; expected 64 to 16384 pixels, or 0 \(no tiles\)"),
        ({"fps": Fraction(0)}, "fps is 0; expected more than 0 and at most 1000"),
        ({"max_damaged": -1}, "max damaged is -1; expected 0 frames or more"),
        ({"min_free": math.inf}, "min free is inf; expected 0 MiB"),
        ({"hdr": "drop"}, "hdr is 'drop': expected one of tonemap, keep"),
        ({"frames": 0}, "frames is 0; expected 1 or more"),
        ({"frames": 3, "end": 2.0}, "end and frames were both given"),
        ({"start": 5, "end": 4}, "is not after"),
        ({"hwaccel": "gpu"}, "hwaccel is 'gpu'"),
    ],
)
def test_an_invalid_value_is_refused_by_name(options, message):
    with pytest.raises(UsageError, match=message):
        RenderSettings(style="red", **options)


def test_the_table_agrees_with_the_packages_that_use_its_values():
    # The table cannot import them: it has to load without torch and PyAV.
    assert machine.PRECISIONS == vst.device.PRECISIONS
    assert stylization.QUALITIES == vst.styles.quality.QUALITIES
    assert (clip.HDR_MODES, clip.DEINTERLACE_MODES) == (options.HDR, options.DEINTERLACE)
    assert output.MAX_DAMAGED == reader.MAX_DAMAGED
    assert output.MIN_FREE_MIB * 2**20 == disk_space.MIN_FREE
    assert tuple(vst.losses.style_statistics.STYLE_LOSSES) == optimisation.STYLE_LOSSES
    assert optimisation.POOLING == vst.styles.loss_network.POOLING
    assert machine.MIN_TILE == vst.modes.tiling.SMALLEST_TILE


def test_settings_that_are_not_in_the_fingerprint_are_there_as_what_they_select():
    # `fingerprint_of` has the device, precision, threads, flow and weight files in place of these.
    effects = (Effect.RESOLVED, Effect.ROUNDING)
    selected = {each.name for each in options_of(RenderSettings) if each.option.effect in effects}
    networks = {"device", "precision", "backend", "threads", "flow", "quality", "weights_dir"}
    assert selected == networks | {"loss_network", "steps"}


def test_options_of_a_section_are_recorded_for_the_modes_that_have_them(tmp_path):
    info = probe(make_clip(tmp_path / "clip.mp4", frames=2))

    def fingerprint(mode: str) -> dict[str, str]:
        settings = RenderSettings(style="red", mode=mode)
        return fingerprint_of(settings, info, torch.device("cpu"), torch.float32, [], None)

    sections = {each.name: each.section for each in options_of(RenderSettings)}
    assert sections["style_weight"] == OptimisationOptions.SECTION
    assert sections["strength"] == ""
    assert "--style-weight" not in fingerprint("itn")
    assert fingerprint("gatys")["--style-weight"] == "60.0"


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (1921, 1081)),
        ({"scale": 0.5}, (960, 540)),
        ({"scale": 2}, (3842, 2162)),
        ({"size": 720}, (1280, 720)),
        ({"size": 17}, (30, 16)),
    ],
)
def test_a_given_size_is_even_and_the_default_is_that_of_the_clip(options, size):
    assert output_size(1921, 1081, RenderSettings(style="red", **options)) == size


def test_size_is_the_short_side_of_portrait_clips_too():
    assert output_size(1080, 1920, RenderSettings(style="red", size=540)) == (540, 960)


def test_an_output_without_pixels_or_too_large_is_refused():
    with pytest.raises(UsageError, match=r"64×8 scaled by 0\.1 is smaller than 2 pixels"):
        output_size(64, 8, RenderSettings(style="red", scale=0.1))
    with pytest.raises(UsageError, match="no side may be longer than 16384"):
        output_size(3840, 2160, RenderSettings(style="red", scale=8))


def test_a_frame_of_the_right_size_is_returned_unchanged():
    frame = Frame(0, 0, 1, torch.rand(3, 6, 8))
    assert resize_frame(frame, 8, 6) is frame


def test_alpha_is_resized_with_the_frame_and_stays_between_0_and_1():
    alpha = torch.zeros(1, 16, 16)
    alpha[:, :, 8:] = 1
    resized = resize_frame(Frame(3, 0, 1, torch.full((3, 16, 16), 0.25), alpha), 24, 20)
    assert resized.index == 3
    assert resized.image.shape == (3, 20, 24)
    assert resized.alpha is not None
    assert resized.alpha.shape == (1, 20, 24)
    assert 0 <= resized.alpha.min() < 0.01 < 0.99 < resized.alpha.max() <= 1
    torch.testing.assert_close(resized.image, torch.full((3, 20, 24), 0.25))


@pytest.mark.parametrize(
    ("source", "style", "output"),
    [
        ("clip.mp4", "red", "clip.red.mp4"),
        ("a.b.MOV", "red", "a.b.red.MOV"),
        ("clip.mov", "red:0.6+blue:0.4", "clip.red+blue.mov"),
        ("broadcast.ts", "red", "broadcast.red.mkv"),
        ("photo.jpg", "red", "photo.red.jpg"),
        ("photo.bmp", "red", "photo.red.png"),
    ],
)
def test_an_output_is_named_after_its_clip_and_style(source, style, output):
    folder = Path("footage")
    assert output_path(folder / source, RenderSettings(style=style)) == folder / output


@pytest.mark.parametrize("folder", [".", "/"])
def test_a_folder_without_a_name_is_not_a_clip(folder):
    with pytest.raises(MediaError, match="is a folder"):
        output_path(Path(folder), RenderSettings(style="red"))


def test_an_output_folder_gets_a_file_of_the_default_name(tmp_path):
    settings = RenderSettings(style="red")
    assert output_path(Path("clip.mp4"), settings, tmp_path) == tmp_path / "clip.red.mp4"
    assert output_path(Path("clip.mp4"), settings, tmp_path / "x.mkv") == tmp_path / "x.mkv"


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (torch.rand(4, 20, 20), {}),
        (torch.rand(20, 20), {}),
        (torch.zeros(3, 20, 20, dtype=torch.uint8), {}),
        (torch.zeros(3, 0, 20), {}),
        (torch.rand(3, 20, 20), {"strength": 2}),
        (torch.rand(3, 20, 20), {"style_scale": 0}),
        (torch.rand(3, 20, 20), {"style_scale": 0.1}),
        (torch.rand(3, 20, 20), {"precision": "double"}),
        (torch.rand(3, 20, 20), {"device": "gpu"}),
        (torch.rand(3, 20, 20), {"mode": "nope"}),
    ],
)
def test_an_invalid_picture_or_option_is_refused(tiny_weights, image, options):
    with pytest.raises(UsageError):
        stylize(image, "red", weights_dir=tiny_weights, **options)


def test_one_picture_is_stylized_in_memory(tiny_weights):
    options = {"device": "cpu", "precision": "fp32", "weights_dir": tiny_weights}
    image = torch.rand(3, 20, 31, dtype=torch.float64)
    stylized = stylize(image, "red", **options)
    assert (stylized.shape, stylized.dtype) == (image.shape, torch.float32)
    assert 0 <= stylized.min() <= stylized.max() <= 1
    assert not torch.equal(stylized, stylize(image, "blue", **options))
    assert torch.equal(stylize(image, "red", strength=0, **options), image.float())


def test_a_quality_selects_the_network_of_its_width(tiny_weights, tmp_path):
    narrow = tiny_weights / "itn-tiny.safetensors"
    shutil.copy(narrow, tmp_path)
    metadata = {"styles": ("red",), "loss_network": "-", "recipe": "-", "steps": 0}
    save_weights(tmp_path / "itn-wide.safetensors", ITN(3), mode="itn", **metadata)
    image = torch.rand(3, 20, 31)

    def stylized(folder, quality):
        options = {"device": "cpu", "precision": "fp32", "weights_dir": folder}
        return stylize(image, "red", quality=quality, **options)

    assert torch.equal(stylized(tmp_path, "fast"), stylized(tiny_weights, "best"))
    assert not torch.equal(stylized(tmp_path, "fast"), stylized(tmp_path, "best"))


def test_at_strength_0_weight_files_are_not_read_and_otherwise_compared_with_the_catalogue(
    tiny_weights, tmp_path
):
    shutil.copy(tiny_weights / "itn-tiny.safetensors", tmp_path)
    (tmp_path / "catalog.toml").write_text(f'[files."itn-tiny.safetensors"]\nsha256 = "{"0" * 64}"\n')
    clip = make_clip(tmp_path / "clip.mp4", frames=2)
    options = {"style": "red", "mode": "itn", "device": "cpu", "weights_dir": tmp_path}
    render(clip, RenderSettings(strength=0.0, **options), tmp_path / "same.mkv")
    with pytest.raises(WeightsError, match="not the file"):
        render(clip, RenderSettings(**options), tmp_path / "other.mkv")


def test_every_backend_can_be_asked_for():
    assert (AUTO, *BACKENDS) == machine.BACKEND_NAMES


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("47.95", Fraction(48000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        ("25", Fraction(25)),
        ("12.5", Fraction(25, 2)),
        ("24", Fraction(24)),
    ],
)
def test_decimals_of_ntsc_mean_its_fractions(text, rate):
    assert parse_frame_rate(text) == rate
