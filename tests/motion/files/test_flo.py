from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vst.errors import MediaError
from vst.motion import read_flo, write_flo

SHARED = Path(__file__).parents[2].parent / "shared"


def test_flow_is_read_exactly_as_written(tmp_path):
    flow = torch.randn(2, 7, 13) * 50
    write_flo(tmp_path / "a.flo", flow)
    assert torch.equal(read_flo(tmp_path / "a.flo"), flow)
    assert [each.name for each in tmp_path.iterdir()] == ["a.flo"]


def test_the_bytes_have_the_layout_of_middlebury(tmp_path):
    write_flo(tmp_path / "a.flo", torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]]))
    assert (tmp_path / "a.flo").read_bytes() == b"PIEH" + struct.pack("<ii4f", 2, 1, 1, 3, 2, 4)


def test_unknown_flow_is_read_as_nan_and_written_as_unknown(tmp_path):
    flow = torch.zeros(2, 3, 3)
    flow[0, 1, 1] = 1.7e9
    flow[1, 0, 0] = float("inf")
    write_flo(tmp_path / "a.flo", flow)
    back = read_flo(tmp_path / "a.flo")
    assert back.isnan().sum() == 4
    assert back[:, 1, 1].isnan().all()
    write_flo(tmp_path / "b.flo", back)
    assert (tmp_path / "a.flo").read_bytes() == (tmp_path / "b.flo").read_bytes()


HEADER = b"PIEH" + struct.pack("<ii", 2, 1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a .flo file"),
        (b"PIE", "not a .flo file"),
        (b"GIF89a" * 10, "not a .flo file"),
        (HEADER, "cut short"),
        (HEADER + bytes(15), "cut short"),
        (HEADER + bytes(17), "damaged"),
        (b"PIEH" + struct.pack("<ii", 0, 1), "sides of 1 to"),
        (b"PIEH" + struct.pack("<ii", -4, 4) + bytes(128), "sides of 1 to"),
        (b"PIEH" + struct.pack("<ii", 2**31 - 1, 2**31 - 1), "sides of 1 to"),
        (b"PIEH" + struct.pack("<ii", 32768, 32768), "cut short"),
    ],
)
def test_an_invalid_file_is_refused_by_name_with_the_reason(tmp_path, content, complaint):
    path = tmp_path / "bad.flo"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=complaint) as caught:
        read_flo(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=64), st.booleans())
def test_arbitrary_bytes_give_a_media_error(tmp_path_factory, content, tagged):
    path = tmp_path_factory.mktemp("flo") / "any.flo"
    path.write_bytes((b"PIEH" if tagged else b"") + content)
    try:
        flow = read_flo(path)
    except MediaError:
        return
    assert flow.shape[0] == 2


def test_missing_files_and_folders_give_errors_of_one_line(tmp_path):
    with pytest.raises(MediaError, match="No such file"):
        read_flo(tmp_path / "none.flo")
    with pytest.raises(MediaError, match="cannot write flow"):
        write_flo(tmp_path / "none" / "a.flo", torch.zeros(2, 2, 2))
    with pytest.raises(MediaError, match="cannot read flow"):
        read_flo(tmp_path)


def test_a_tensor_of_another_shape_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected 2×H×W"):
        write_flo(tmp_path / "a.flo", torch.zeros(3, 4, 4))


def test_a_file_of_the_middlebury_data_set_is_read():
    path = SHARED / "data" / "flow" / "middlebury" / "RubberWhale" / "flow10.flo"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    flow = read_flo(path)
    assert flow.shape == (2, 388, 584)
    assert 0 < flow.isnan().float().mean() < 0.1
    assert flow.nan_to_num().abs().max() < 10
