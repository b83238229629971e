"""OpenEXR: data windows, alpha that is not a number, layers and parts."""

from __future__ import annotations

import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image

from vst.errors import MediaError
from vst.media import Reader, open_writer
from vst.media.probe import probe
from vst.media.stills.exr import probe_exr
from vst.media.stills.exr_windows import Box


def copy(source, target, size=None, **options):
    options = {"for_exr": target.suffix == ".exr", **options}
    with Reader(source, **options) as reader:
        width, height = size or (reader.info.width, reader.info.height)
        with open_writer(target, reader.info, width=width, height=height) as writer:
            for frame in reader:
                if size is None:
                    writer.write(frame)
                else:
                    from vst.pipeline.frame_size import resize_frame

                    writer.write(resize_frame(frame, *size))
    return reader, writer


def write(path, data, display, names="RGB", planes=None, kind=np.float32):
    """A picture with these windows (left, top, width, height); all samples differ."""
    left, top, width, height = data
    if planes is None:
        count = len(names) * width * height
        planes = (np.arange(count, dtype=np.float32).reshape(len(names), height, width) + 1) / count
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "dataWindow": (np.array([left, top], "i4"), np.array([left + width - 1, top + height - 1], "i4")),
        "displayWindow": (
            np.array(display[:2], "i4"),
            np.array([display[0] + display[2] - 1, display[1] + display[3] - 1], "i4"),
        ),
    }
    path.parent.mkdir(exist_ok=True)
    channels = {name: np.ascontiguousarray(p.astype(kind)) for name, p in zip(names, planes, strict=True)}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path


def read(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def same(one, two):
    before, after = read(one), read(two)
    assert before.keys() == after.keys()
    for name, plane in before.items():
        assert plane.dtype == after[name].dtype
        assert np.allclose(plane, after[name], rtol=2e-5, atol=1e-6)


FRAME = (0, 0, 10, 8)
WINDOWS = [
    ((-2, -1, 14, 10), FRAME),
    ((2, 1, 5, 4), FRAME),
    ((-3, 2, 6, 9), FRAME),
    ((0, 0, 10, 8), FRAME),
    ((20, 30, 10, 8), (20, 30, 10, 8)),
    ((15, 28, 20, 12), (20, 30, 10, 8)),
    ((-30, -40, 3, 2), (-20, -30, 10, 8)),
]


@pytest.mark.parametrize(("data", "display"), WINDOWS)
@pytest.mark.parametrize("names", ["RGB", "RGBA"])
def test_windows_are_kept_and_overscan_is_in_the_frame(tmp_path, data, display, names):
    source = write(tmp_path / "p.exr", data, display, names)
    reader, writer = copy(source, tmp_path / "o.exr")
    before, after = probe_exr(source).windows, probe_exr(tmp_path / "o.exr").windows
    assert before == after
    assert reader.info.width == before.whole.width
    same(source, tmp_path / "o.exr")
    assert not any("cropped" in note for note in (*reader.notes, *writer.notes))
    assert any("with their overscan" in note for note in reader.notes) == (before.whole != before.frame)


def test_overscan_is_cropped_with_a_note_where_the_output_has_none(tmp_path):
    source = write(tmp_path / "p.exr", (-2, -1, 14, 10), FRAME)
    reader, _ = copy(source, tmp_path / "o.png")
    assert Image.open(tmp_path / "o.png").size == (10, 8)
    note = "pixels outside the display window are cropped; only OpenEXR output keeps them"
    assert note in reader.notes
    assert (probe(source).width, probe(source).height) == (10, 8)


@pytest.mark.parametrize(("data", "display"), WINDOWS)
@pytest.mark.parametrize("factor", [0.5, 2])
def test_windows_are_scaled_with_the_frame(tmp_path, data, display, factor):
    source = write(tmp_path / "p.exr", data, display)
    whole = probe_exr(source).windows.whole
    size = (2 * round(whole.width * factor / 2), 2 * round(whole.height * factor / 2))
    copy(source, tmp_path / "o.exr", size)
    windows = probe_exr(tmp_path / "o.exr").windows
    for before, after in zip(probe_exr(source).windows.stored, windows.stored, strict=True):
        assert abs(before * factor - after) <= 2
    assert abs(windows.display.width - display[2] * factor) <= 1


def test_each_file_of_a_sequence_keeps_its_own_windows(tmp_path):
    windows = [(2, 1, 5, 4), (-2, -1, 14, 10), (8, 6, 6, 3), (0, 0, 10, 8)]
    for number, data in enumerate(windows, 1):
        write(tmp_path / "in" / f"{number}.exr", data, FRAME, "RGBA")
    reader, _ = copy(tmp_path / "in" / "%d.exr", tmp_path / "out" / "%d.exr")
    assert (reader.info.width, reader.info.height) == (16, 10)
    for number, data in enumerate(windows, 1):
        assert probe_exr(tmp_path / "out" / f"{number}.exr").windows.data == Box(*data)
        same(tmp_path / "in" / f"{number}.exr", tmp_path / "out" / f"{number}.exr")


def test_a_huge_data_window_far_away_is_refused(tmp_path, monkeypatch):
    write(tmp_path / "in" / "1.exr", FRAME, FRAME)
    write(tmp_path / "in" / "2.exr", (100_000, 100_000, 4, 4), FRAME)
    with pytest.raises(MediaError, match="pixels per frame, more than the limit"):
        Reader(tmp_path / "in" / "%d.exr", for_exr=True)
    assert len(list(Reader(tmp_path / "in" / "%d.exr"))) == 2


def test_a_damaged_file_of_a_sequence_does_not_decide_the_frame(tmp_path):
    for number in (1, 2, 3):
        write(tmp_path / "in" / f"{number}.exr", (-2, -1, 14, 10), FRAME)
    (tmp_path / "in" / "2.exr").write_bytes((tmp_path / "in" / "2.exr").read_bytes()[:150])
    _, writer = copy(tmp_path / "in" / "%d.exr", tmp_path / "out" / "%d.exr")
    assert writer.frames == 3
    assert probe_exr(tmp_path / "out" / "2.exr").windows.data == Box(-2, -1, 14, 10)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_strange_alpha_is_limited_with_a_note_and_keeps_the_light(tmp_path, kind):
    planes = np.full((4, 2, 4), 0.25, np.float32)
    planes[3] = [[np.nan, -0.5, 1.5, np.inf], [-np.inf, 0.5, 1.0, 0.0]]
    source = write(tmp_path / "p.exr", (0, 0, 4, 2), (0, 0, 4, 2), "RGBA", planes, kind)
    reader, _ = copy(source, tmp_path / "o.exr")
    assert "alpha is limited to 0..1, and set to 1 where it is NaN" in reader.notes
    after = read(tmp_path / "o.exr")
    assert after["A"].tolist() == [[1, 0, 1, 1], [0, 0.5, 1, 0]]
    assert after["G"].astype(np.float32) == pytest.approx(planes[1], rel=1e-3)
    (frame,) = Reader(source)
    assert frame.image.isfinite().all()
    assert frame.alpha.min() >= 0
    assert frame.alpha.max() <= 1


@pytest.mark.parametrize("alpha", [0.0, 1e-7, 6e-8, 1e-30, 1e-45])
@pytest.mark.parametrize("light", [1e-4, 1.0, 60000.0])
def test_light_in_pixels_that_are_hardly_opaque_is_kept(tmp_path, alpha, light):
    planes = np.full((4, 2, 2), light, np.float32)
    planes[3] = alpha
    source = write(tmp_path / "p.exr", (0, 0, 2, 2), (0, 0, 2, 2), "RGBA", planes)
    reader, _ = copy(source, tmp_path / "o.exr")
    assert reader.notes == ()
    after = read(tmp_path / "o.exr")
    assert after["R"] == pytest.approx(light, rel=1e-4)
    assert after["A"] == pytest.approx(alpha, abs=2e-8)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", range(4))
def test_a_sample_that_is_not_finite_does_not_spread(tmp_path, value, channel):
    planes = np.full((4, 4, 4), 0.5, np.float32)
    planes[channel, 1, 2] = value
    source = write(tmp_path / "p.exr", (0, 0, 4, 4), (0, 0, 4, 4), "RGBA", planes)
    copy(source, tmp_path / "o.exr")
    after = read(tmp_path / "o.exr")
    for name, plane in zip("RGBA", planes, strict=True):
        assert np.isfinite(after[name]).all()
        others = np.ones((4, 4), bool)
        others[1, 2] = False
        assert after[name][others] == pytest.approx(plane[others], rel=1e-5)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_an_unchanged_frame_is_written_as_it_was(tmp_path, kind):
    planes = (np.random.default_rng(3).random((4, 12, 16)) ** 4 * 50).astype(np.float32)
    planes[3] = np.random.default_rng(4).random((12, 16)).clip(0.01, 1)
    planes[:3] *= planes[3]
    planes[:, :2] = 0
    source = write(tmp_path / "p.exr", (0, 0, 16, 12), (0, 0, 16, 12), "RGBA", planes, kind)
    copy(source, tmp_path / "o.exr")
    before, after = read(source), read(tmp_path / "o.exr")
    for name, plane in before.items():
        if kind == np.float16:
            assert np.array_equal(plane, after[name])
        else:
            assert np.allclose(plane, after[name], rtol=1e-5, atol=1e-9)


def test_what_is_not_read_is_named(tmp_path):
    names = ("R", "G", "B", "Z", "id", "beauty.R", "beauty.G", "beauty.B", *(f"aov{n}.X" for n in range(6)))
    source = write(tmp_path / "p.exr", FRAME, FRAME, names)
    assert probe(source).notes == (
        "OpenEXR channels R, G, B are used; channels Z, aov0.X, aov1.X, aov2.X, aov3.X, aov4.X, aov5.X, "
        "beauty.B and 3 more are dropped",
    )


def parts(path, *each):
    plane = np.full((4, 6), 0.5, np.float32)
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    found = [
        OpenEXR.Part({**header, "name": name}, {channel: plane * level for channel in channels})
        for name, channels, level in each
    ]
    OpenEXR.File(found).write(str(path))
    return path


def test_the_first_part_with_colours_is_read(tmp_path):
    source = parts(tmp_path / "p.exr", ("depth", "Z", 9), ("rgba", "RGBA", 1), ("left", "RGB", 0.5))
    info = probe(source)
    assert info.has_alpha
    assert info.notes == ("OpenEXR channels R, G, B, A are used; parts depth, left are dropped",)
    (frame,) = Reader(source)
    assert frame.alpha.mean().item() == pytest.approx(0.5)


def test_a_part_with_a_layer_is_read_if_no_part_has_plain_colours(tmp_path):
    names = ("beauty.R", "beauty.G", "beauty.B")
    source = parts(tmp_path / "p.exr", ("depth", "Z", 9), ("main", (*names, "id"), 1))
    assert probe(source).notes == (
        "OpenEXR channels beauty.R, beauty.G, beauty.B are used; channels id and part depth are dropped",
    )
    (frame,) = Reader(source)
    assert torch.allclose(frame.image, frame.image[0, 0, 0])


def test_the_sample_type_is_that_of_the_channels_that_are_read(tmp_path):
    plane = np.full((4, 6), 0.5)
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    channels = {name: plane.astype(np.float16) for name in "RGB"} | {"AR": plane.astype(np.float32)}
    with OpenEXR.File(header, channels) as file:
        file.write(str(tmp_path / "p.exr"))
    assert probe(tmp_path / "p.exr").bit_depth == 16
