from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vst.errors import MediaError
from vst.motion.files.flow_png import fits_png, read_flow_png, read_mask_png, write_flow_png, write_mask_png


def test_flow_is_preserved_to_a_128th_of_a_pixel_up_to_large_motion(tmp_path):
    flow = torch.cat((torch.randn(2, 30, 20) * 200, torch.randn(2, 30, 20)), dim=2).clamp(-511, 511)
    write_flow_png(tmp_path / "a.png", flow)
    assert (read_flow_png(tmp_path / "a.png") - flow).abs().max() <= 1 / 128


def test_multiples_of_a_64th_are_preserved_exactly_over_the_whole_range(tmp_path):
    flow = (torch.tensor([-32767, -1, 0, 1, 32767]) / 64).expand(2, 3, 5)
    write_flow_png(tmp_path / "a.png", flow)
    assert torch.equal(read_flow_png(tmp_path / "a.png"), flow)


def test_the_channels_have_the_layout_of_kitti(tmp_path):
    flow = torch.tensor([[[1.5, torch.nan]], [[-2.0, 0.0]]])
    write_flow_png(tmp_path / "a.png", flow)
    blue_green_red = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert blue_green_red.dtype == np.uint16
    assert blue_green_red[0].tolist() == [[1, 32768 - 128, 32768 + 96], [0, 0, 0]]


def test_unknown_flow_is_read_as_nan_and_written_as_unknown(tmp_path):
    flow = torch.zeros(2, 3, 4)
    flow[0, 1, 2] = torch.inf
    write_flow_png(tmp_path / "a.png", flow)
    back = read_flow_png(tmp_path / "a.png")
    assert back[:, 1, 2].isnan().all()
    assert back.isnan().sum() == 2


def test_motion_out_of_range_is_detected_and_refused(tmp_path):
    flow = torch.zeros(2, 3, 4)
    assert fits_png(flow)
    flow[1, 2, 2] = -513
    assert not fits_png(flow)
    with pytest.raises(ValueError, match="does not fit into 16 bits"):
        write_flow_png(tmp_path / "a.png", flow)
    flow[1, 2, 2] = torch.nan
    assert fits_png(flow)


def test_a_mask_is_read_as_zeros_and_ones(tmp_path):
    mask = (torch.rand(1, 9, 14) > 0.5).float()
    write_mask_png(tmp_path / "m.png", mask)
    assert torch.equal(read_mask_png(tmp_path / "m.png"), mask)
    gray = cv2.imread(str(tmp_path / "m.png"), cv2.IMREAD_UNCHANGED)
    assert gray.shape == (9, 14)
    assert set(np.unique(gray)) == {0, 255}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


BOMB = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**15, 2**15, 16, 2, 0, 0, 0))


@pytest.fixture
def whole(tmp_path):
    write_flow_png(tmp_path / "whole.png", torch.randn(2, 20, 30))
    return (tmp_path / "whole.png").read_bytes()


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda data: b"", "not a PNG"),
        (lambda data: b"PIEH" + data, "not a PNG"),
        (lambda data: data[:20], "expected 1 to|cut short"),
        (lambda data: data[: len(data) // 2], "cut short or damaged"),
        (lambda data: data[:-1], "cut short or damaged"),
        (lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:], "cut short or damaged"),
        (lambda data: BOMB, "32768×32768; expected 1 to"),
        (lambda data: data[:33] + chunk(b"IDAT", b"nonsense") + chunk(b"IEND", b""), "cannot be decoded"),
    ],
)
def test_a_damaged_file_is_refused_by_name_without_output_of_opencv(
    tmp_path, whole, capfd, spoil, complaint
):
    path = tmp_path / "bad.png"
    path.write_bytes(spoil(whole))
    with pytest.raises(MediaError, match=complaint) as caught:
        read_flow_png(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    if complaint != "cannot be decoded":
        assert capfd.readouterr().err == ""


def test_other_pictures_are_refused_as_flow_and_as_masks(tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(MediaError, match="three channels of 16 bits"):
        read_flow_png(tmp_path / "photo.png")
    with pytest.raises(MediaError, match="grayscale PNG of 8 bits"):
        read_mask_png(tmp_path / "photo.png")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(MediaError, match=r"cannot read .*none\.png: No such file"):
        read_flow_png(tmp_path / "none.png")


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=80))
def test_arbitrary_bytes_give_a_media_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("png") / "any.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + content)
    with pytest.raises(MediaError):
        read_flow_png(path)


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 4), (1, 2, 4, 4)])
def test_tensors_of_another_shape_are_not_written(tmp_path, shape):
    with pytest.raises(ValueError, match="expected 2×H×W"):
        write_flow_png(tmp_path / "a.png", torch.zeros(shape))
    with pytest.raises(ValueError, match="expected 1×H×W"):
        write_mask_png(tmp_path / "a.png", torch.zeros(2, 4, 4))
