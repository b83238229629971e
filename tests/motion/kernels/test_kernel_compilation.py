"""NVRTC is found and compiles every source for every type, which needs no GPU."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vst.errors import VstError
from vst.motion.kernels import nvrtc as nvrtc_module
from vst.motion.kernels import sources
from vst.motion.kernels.build import build
from vst.motion.kernels.nvrtc import Nvrtc, compile_options, find_nvrtc, load_nvrtc
from vst.motion.kernels.sources import DEFINITIONS, OPERATIONS, Source, read_source


@pytest.fixture
def nvrtc() -> Nvrtc:
    try:
        return load_nvrtc()
    except VstError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], ids=["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", DEFINITIONS, ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_source_compiles_for_every_type_and_has_its_kernels(nvrtc, operation, dtype, capability):
    source = read_source(operation)
    code = nvrtc.compile(source, nvrtc.architecture(capability), DEFINITIONS[dtype])
    assert code.startswith(b"\x7fELF")
    kernels = re.findall(r"^(\w+)\(", source.text, re.MULTILINE)
    assert len(kernels) >= 2
    for kernel in kernels:
        assert f".text.{kernel}\0".encode() in code


def test_a_gpu_that_is_newer_than_nvrtc_gets_what_its_driver_can_translate(nvrtc):
    architecture = nvrtc.architecture((99, 9))
    assert architecture == f"compute_{nvrtc.architectures[-1]}"
    code = nvrtc.compile(read_source("channelnorm"), architecture, "VST_FLOAT32")
    assert b".visible .entry channelnorm_forward(" in code
    assert code.endswith(b"\0")


def test_a_gpu_that_is_older_than_all_that_nvrtc_knows_is_refused(nvrtc):
    with pytest.raises(VstError, match=r"capability 1\.0.*--device cpu"):
        nvrtc.architecture((1, 0))


def test_what_does_not_compile_is_told_in_one_line_with_the_first_of_the_log(nvrtc):
    source = Source("broken.cu", "// one\nthis is no code;\n", {})
    with pytest.raises(
        VstError, match=r"broken\.cu does not compile for .*broken\.cu\(2\): error"
    ) as caught:
        nvrtc.compile(source, f"sm_{nvrtc.architectures[-1]}", "VST_FLOAT32")
    assert "\n" not in str(caught.value)


def test_sources_and_headers_are_all_in_the_package():
    folder = Path(sources.__file__).parent
    there = {path.name for path in folder.glob("*.cu*")}
    read = {read_source(operation).name for operation in OPERATIONS}
    assert there == read | set(read_source("correlation").headers)


def test_the_second_build_comes_from_the_disk(nvrtc, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    capability = divmod(nvrtc.architectures[-1], 10)
    first = build("channelnorm", torch.float32, capability)
    (entry,) = (tmp_path / "vst" / "kernels").iterdir()
    assert entry.name.startswith(f"channelnorm-float32-sm_{nvrtc.architectures[-1]}-")
    with monkeypatch.context() as patch:
        patch.setattr(Nvrtc, "compile", None)
        assert build("channelnorm", torch.float32, capability) == first
    entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert build("channelnorm", torch.float32, capability) == first
    # It was repaired.
    with monkeypatch.context() as patch:
        patch.setattr(Nvrtc, "compile", None)
        assert build("channelnorm", torch.float32, capability) == first


def test_another_source_type_device_compiler_or_option_is_another_entry(nvrtc, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(Nvrtc, "compile", lambda *given: b"code")
    older, newest = (divmod(each, 10) for each in nvrtc.architectures[-2:])
    build("channelnorm", torch.float32, newest)
    build("channelnorm", torch.float32, older)
    build("channelnorm", torch.float16, newest)
    with monkeypatch.context() as patch:
        patch.setattr(Nvrtc, "__str__", lambda self: "99.9")
        build("channelnorm", torch.float32, newest)
    with monkeypatch.context() as patch:
        options = (*compile_options("sm_90", "VST_FLOAT32"), "--use_fast_math")
        patch.setattr("vst.motion.kernels.build.compile_options", lambda *given: options)
        build("channelnorm", torch.float32, newest)
    changed = read_source("channelnorm")._replace(headers={"scalar.cuh": "// another"})
    with monkeypatch.context() as patch:
        patch.setattr("vst.motion.kernels.build.read_source", lambda operation: changed)
        build("channelnorm", torch.float32, newest)
    assert len(list((tmp_path / "vst" / "kernels").iterdir())) == 6


LINUX = ("libnvrtc.so.12", "libnvrtc-builtins.so.12.8", "libnvrtc.alt.so.12", "libcudart.so.12")
WINDOWS = ("nvrtc64_120_0.dll", "nvrtc-builtins64_128.dll", "nvrtc64_120_0.alt.dll", "cudart64_12.dll")


@pytest.fixture
def places(monkeypatch, tmp_path):
    """Empty folders in place of those of wheels, of PyTorch and of a toolkit."""
    for name in ("nvidia", "torch", "toolkit"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(nvrtc_module, "_package_folders", lambda: [tmp_path / "nvidia"])
    monkeypatch.setattr(nvrtc_module, "_toolkit_folders", lambda: [tmp_path / "toolkit", tmp_path / "gone"])
    monkeypatch.setattr(nvrtc_module, "_torch_folder", lambda: tmp_path / "torch")
    monkeypatch.setattr(nvrtc_module, "_torch_major", lambda: 12)
    return tmp_path


@pytest.mark.parametrize(("windows", "names"), [(False, LINUX), (True, WINDOWS)], ids=["linux", "windows"])
def test_the_compiler_is_told_from_what_lies_beside_it(monkeypatch, places, windows, names):
    monkeypatch.setattr(nvrtc_module, "_WINDOWS", windows)
    for name in names:
        (places / "nvidia" / name).touch()
    found = list(find_nvrtc())
    assert found[0] == str(places / "nvidia" / names[0])
    assert not any(Path(place).is_absolute() for place in found[1:])
    assert found[1] == ("nvrtc64_120_0.dll" if windows else "libnvrtc.so.12")


def test_pytorchs_own_come_first_and_of_the_same_cuda(monkeypatch, places):
    monkeypatch.setattr(nvrtc_module, "_WINDOWS", False)
    for place in ("toolkit/libnvrtc.so.12", "torch/libnvrtc-0ab12f.so.12", "nvidia/libnvrtc.so.13"):
        (places / place).touch()
    (places / "nvidia" / "libnvrtc.so.12").touch()
    assert list(find_nvrtc())[:4] == [
        str(places / place)
        for place in (
            "nvidia/libnvrtc.so.12",
            "nvidia/libnvrtc.so.13",
            "torch/libnvrtc-0ab12f.so.12",
            "toolkit/libnvrtc.so.12",
        )
    ]


def test_where_there_is_none_one_line_says_what_to_install(monkeypatch, places):
    (places / "nvidia" / "libnvrtc.so.12").write_text("no library")
    monkeypatch.setattr(nvrtc_module, "_KNOWN", ())
    load_nvrtc.cache_clear()
    try:
        with pytest.raises(VstError, match="pip install nvidia-cuda-nvrtc-cu12, or use --device cpu"):
            load_nvrtc()
    finally:
        load_nvrtc.cache_clear()
