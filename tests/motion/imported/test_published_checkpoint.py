"""Published checkpoints of all ages are read, and nothing in them is executed."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import pickletools
import struct
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vst.errors import WeightsError
from vst.motion.imported.published_checkpoint import read_checkpoint

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.tensor([0.5, -1.0])}


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[name], STATE[name]) for name in STATE)


def saved(path: Path, content: object, *, new: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=new)
    return path


def as_written_by_python_2(data: bytes) -> bytes:
    """A checkpoint of the old format with strings as Python 2 pickles them, without encoding."""
    stream, out = io.BytesIO(data), b""
    for _ in range(5):  # magic number, version, system, content, names of storages
        start = stream.tell()
        operations = list(pickletools.genops(stream))
        positions = [position for _, _, position in operations] + [stream.tell()]
        for (operation, value, position), after in zip(operations, positions[1:], strict=True):
            if operation.name == "BINUNICODE":
                raw = value.encode("latin1")
                out += b"U" + bytes([len(raw)]) + raw
            else:
                out += data[position:after]
        assert stream.tell() > start
    return out + stream.read()


class Malicious:
    """Creates a file if it is unpickled without restrictions."""

    def __init__(self, call, *arguments):
        self._call = call, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        STATE,
        OrderedDict(STATE),
        {"state_dict": STATE, "epoch": 3},
        {"state_dict": OrderedDict(STATE), "best_EPE": np.float64(1e10), "loss": np.float32(2)},
        {f"module.{name}": value for name, value in STATE.items()},
        {"state_dict": {f"module.{name}": torch.nn.Parameter(value) for name, value in STATE.items()}},
    ],
)
def test_checkpoints_are_read_with_and_without_state_dict_and_module_prefix(tmp_path, content, new):
    found = read_checkpoint(saved(tmp_path / "x.pth.tar", content, new=new))
    assert same(found)
    assert not any(value.requires_grad for value in found.values())


def test_safetensors_are_read_whatever_the_extension(tmp_path):
    save_file(STATE, tmp_path / "x.pth")
    assert same(read_checkpoint(tmp_path / "x.pth"))


def test_scalars_of_numpy_1_are_ignored(tmp_path):
    path = saved(tmp_path / "x.pth.tar", {"best": np.float64(1e10), "state_dict": STATE}, new=False)
    data = path.read_bytes().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert b"cnumpy.core.multiarray\nscalar" in data
    path.write_bytes(data)
    assert same(read_checkpoint(path))


def test_a_checkpoint_of_python_2_is_read(tmp_path):
    path = saved(tmp_path / "x.pth.tar", {"best": np.float64(1e10), "state_dict": STATE}, new=False)
    data = as_written_by_python_2(path.read_bytes())
    assert b"U\x08a.weight" in data
    assert struct.pack("<d", 1e10) in data
    path.write_bytes(data)
    assert same(read_checkpoint(path))


class Tensor02:
    """A tensor as PyTorch 0.2 pickled it, which wrote the published checkpoints."""

    def __init__(self, value: torch.Tensor) -> None:
        self._value = value

    def __reduce__(self):
        value = self._value
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # typed storages are deprecated
            storage = value.storage()
        return torch._utils._rebuild_tensor, (
            storage,
            value.storage_offset(),
            tuple(value.shape),
            value.stride(),
        )


@pytest.mark.parametrize("gpu", [False, True])
def test_a_checkpoint_of_pytorch_0_2_is_read_even_if_saved_from_a_gpu(tmp_path, gpu):
    state = OrderedDict((name, Tensor02(value)) for name, value in STATE.items())
    path = saved(tmp_path / "x.pth.tar", {"state_dict": state, "best_EPE": 1e10}, new=False)
    data = as_written_by_python_2(path.read_bytes())
    assert b"_rebuild_tensor\n" in data
    if gpu:
        data = data.replace(b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n")
        data = data.replace(b"U\x03cpu", b"U\x06cuda:0")
        assert b"ctorch.cuda\nFloatStorage\n" in data
        assert b"cuda:0" in data
    path.write_bytes(data)
    assert same(read_checkpoint(path))


@pytest.mark.parametrize("where", ["state", "beside", "alone"])
@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize(("call", "named"), [(os.system, "system"), (builtins.eval, "eval")])
def test_a_malicious_pickle_is_refused_and_not_executed(tmp_path, call, named, new, where):
    marker = tmp_path / "marker"
    command = f"touch {marker}" if call is os.system else f"open({str(marker)!r}, 'w')"
    evil = Malicious(call, command)
    content = {
        "state": {"state_dict": {**STATE, "evil": evil}},
        "beside": {"state_dict": STATE, "epoch": evil},
        "alone": evil,
    }[where]
    path = saved(tmp_path / "evil.pth", content, new=new)
    with pytest.raises(WeightsError, match=f"evil.pth calls .*{named}.*was not executed") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    pickle.loads(pickle.dumps(evil))
    assert marker.exists(), "the pickle would have run"


def test_other_objects_of_numpy_are_refused(tmp_path):
    path = saved(tmp_path / "x.pth", {"state_dict": STATE, "seen": np.arange(3)})
    with pytest.raises(WeightsError, match=r"calls numpy\._?core\.multiarray\._reconstruct"):
        read_checkpoint(path)


def test_the_allow_list_of_torch_is_restored_after_reading(tmp_path):
    before = torch.serialization.get_safe_globals()
    read_checkpoint(saved(tmp_path / "x.pth", {"best": np.float64(1), "state_dict": STATE}))
    assert set(torch.serialization.get_safe_globals()) == set(before)


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.98])
def test_a_truncated_file_gives_an_error_of_one_line(tmp_path, new, part):
    path = saved(tmp_path / "cut.pth", {"state_dict": STATE}, new=new)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(
        WeightsError, match=r"cut\.pth is not a checkpoint, or damaged .*[^ .]\); download it again"
    ) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert "internal miniz error" not in str(caught.value)


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    plain = saved(tmp_path / "plain.pth", {"state_dict": {"a": torch.zeros(100_000)}})
    with zipfile.ZipFile(plain) as whole, zipfile.ZipFile(tmp_path / "bomb.pth", "w") as packed:
        for entry in whole.infolist():
            packed.writestr(entry.filename, whole.read(entry), zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(torch, "load", lambda *arguments, **options: pytest.fail("unpacked"))
    with pytest.raises(WeightsError, match=r"bomb\.pth would unpack to 4\d\d,\d{3} bytes, but has"):
        read_checkpoint(tmp_path / "bomb.pth")


def test_a_truncated_safetensors_file_is_refused(tmp_path):
    save_file(STATE, tmp_path / "x.safetensors")
    data = (tmp_path / "x.safetensors").read_bytes()
    (tmp_path / "x.safetensors").write_bytes(data[:-3])
    with pytest.raises(WeightsError, match="is damaged"):
        read_checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "is not a checkpoint, or damaged"),
        (b"hello, this is some text\n", "is not a checkpoint, or damaged"),
        (bytes(range(256)) * 4, "is not a checkpoint, or damaged"),
        (b"\n<!DOCTYPE html><html>Google Drive - Virus scan warning</html>", "is a web page"),
    ],
)
def test_files_that_are_not_checkpoints_are_refused(tmp_path, data, line):
    (tmp_path / "x.pth").write_bytes(data)
    with pytest.raises(WeightsError, match=line) as caught:
        read_checkpoint(tmp_path / "x.pth")
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "absent.pth"):
        with pytest.raises(WeightsError, match="cannot be read"):
            read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (torch.zeros(3), "contains no parameters"),
        ({}, "contains no parameters"),
        ({"state_dict": {}}, "contains no parameters"),
        ({"epoch": 3}, "contains int under 'epoch'"),
        ({3: torch.zeros(1)}, "contains Tensor under '3'"),
        ({"a": torch.zeros(2, dtype=torch.int64)}, "contains Tensor under 'a'"),
        ({"a": torch.eye(3).to_sparse()}, "contains Tensor under 'a'"),
    ],
)
def test_a_checkpoint_with_other_objects_than_tensors_is_refused(tmp_path, content, line):
    with pytest.raises(WeightsError, match=line):
        read_checkpoint(saved(tmp_path / "x.pth", content))
