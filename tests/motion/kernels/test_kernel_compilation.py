"""NVRTC is found and compiles every source for every type, which needs no GPU."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vst.errors import VstError
from vst.motion.kernels import nvrtc as nvrtc_module
from vst.motion.kernels import sources
from vst.motion.kernels.compilation import compile_operation
from vst.motion.kernels.nvrtc import Nvrtc, compile_options, find_nvrtc, load_nvrtc
from vst.motion.kernels.sources import OPERATIONS, TYPE_DEFINITIONS, KernelSource, read_source


@pytest.fixture
def nvrtc() -> Nvrtc:
    try:
        return load_nvrtc()
    except VstError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], ids=["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", TYPE_DEFINITIONS, ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_source_compiles_for_every_type_with_all_its_kernels(nvrtc, operation, dtype, capability):
    source = read_source(operation)
    code = nvrtc.compile(source, nvrtc.architecture(capability), TYPE_DEFINITIONS[dtype])
    assert code.startswith(b"\x7fELF")
    kernels = re.findall(r"^(\w+)\(", source.text, re.MULTILINE)
    assert len(kernels) >= 2
    for kernel in kernels:
        assert f".text.{kernel}\0".encode() in code


def test_a_gpu_that_is_newer_than_nvrtc_gets_ptx(nvrtc):
    architecture = nvrtc.architecture((99, 9))
    assert architecture == f"compute_{nvrtc.architectures[-1]}"
    code = nvrtc.compile(read_source("channelnorm"), architecture, "VST_FLOAT32")
    assert b".visible .entry channelnorm_forward(" in code
    assert code.endswith(b"\0")


def test_a_gpu_that_is_older_than_nvrtc_supports_is_refused(nvrtc):
    with pytest.raises(VstError, match=r"capability 1\.0.*--device cpu"):
        nvrtc.architecture((1, 0))


def test_a_compile_error_is_reported_in_one_line_with_the_first_line_of_the_log(nvrtc):
    source = KernelSource("broken.cu", "// one\nthis is no code;\n", {})
    with pytest.raises(
        VstError, match=r"broken\.cu does not compile for .*broken\.cu\(2\): error"
    ) as caught:
        nvrtc.compile(source, f"sm_{nvrtc.architectures[-1]}", "VST_FLOAT32")
    assert "\n" not in str(caught.value)


def test_all_sources_and_headers_in_the_package_are_used():
    folder = Path(sources.__file__).parent
    there = {path.name for path in folder.glob("*.cu*")}
    read = {read_source(operation).name for operation in OPERATIONS}
    assert there == read | set(read_source("correlation").headers)


def test_the_second_compilation_is_read_from_the_cache(nvrtc, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    capability = divmod(nvrtc.architectures[-1], 10)
    first = compile_operation("channelnorm", torch.float32, capability)
    (entry,) = (tmp_path / "vst" / "kernels").iterdir()
    assert entry.name.startswith(f"channelnorm-float32-sm_{nvrtc.architectures[-1]}-")
    with monkeypatch.context() as patch:
        patch.setattr(Nvrtc, "compile", None)
        assert compile_operation("channelnorm", torch.float32, capability) == first
    entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert compile_operation("channelnorm", torch.float32, capability) == first
    # The damaged entry was replaced.
    with monkeypatch.context() as patch:
        patch.setattr(Nvrtc, "compile", None)
        assert compile_operation("channelnorm", torch.float32, capability) == first


def test_another_source_type_device_compiler_or_option_is_another_cache_entry(nvrtc, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(Nvrtc, "compile", lambda *given: b"code")
    older, newest = (divmod(each, 10) for each in nvrtc.architectures[-2:])
    compile_operation("channelnorm", torch.float32, newest)
    compile_operation("channelnorm", torch.float32, older)
    compile_operation("channelnorm", torch.float16, newest)
    with monkeypatch.context() as patch:
        patch.setattr(Nvrtc, "__str__", lambda self: "99.9")
        compile_operation("channelnorm", torch.float32, newest)
    with monkeypatch.context() as patch:
        options = (*compile_options("sm_90", "VST_FLOAT32"), "--use_fast_math")
        patch.setattr("vst.motion.kernels.compilation.compile_options", lambda *given: options)
        compile_operation("channelnorm", torch.float32, newest)
    changed = read_source("channelnorm")._replace(headers={"scalar.cuh": "// another"})
    with monkeypatch.context() as patch:
        patch.setattr("vst.motion.kernels.compilation.read_source", lambda operation: changed)
        compile_operation("channelnorm", torch.float32, newest)
    assert len(list((tmp_path / "vst" / "kernels").iterdir())) == 6


LINUX = ("libnvrtc.so.12", "libnvrtc-builtins.so.12.8", "libnvrtc.alt.so.12", "libcudart.so.12")
WINDOWS = ("nvrtc64_120_0.dll", "nvrtc-builtins64_128.dll", "nvrtc64_120_0.alt.dll", "cudart64_12.dll")


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Empty folders instead of those of wheels, PyTorch and a toolkit."""
    for name in ("nvidia", "torch", "toolkit"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(nvrtc_module, "_package_folders", lambda: [tmp_path / "nvidia"])
    monkeypatch.setattr(nvrtc_module, "_toolkit_folders", lambda: [tmp_path / "toolkit", tmp_path / "gone"])
    monkeypatch.setattr(nvrtc_module, "_torch_folder", lambda: tmp_path / "torch")
    monkeypatch.setattr(nvrtc_module, "_torch_major", lambda: 12)
    return tmp_path


@pytest.mark.parametrize(("windows", "names"), [(False, LINUX), (True, WINDOWS)], ids=["linux", "windows"])
def test_nvrtc_is_distinguished_from_other_libraries_in_its_folder(monkeypatch, folders, windows, names):
    monkeypatch.setattr(nvrtc_module, "_WINDOWS", windows)
    for name in names:
        (folders / "nvidia" / name).touch()
    found = list(find_nvrtc())
    assert found[0] == str(folders / "nvidia" / names[0])
    assert not any(Path(each).is_absolute() for each in found[1:])
    assert found[1] == ("nvrtc64_120_0.dll" if windows else "libnvrtc.so.12")


def test_libraries_of_pytorch_and_of_its_cuda_version_come_first(monkeypatch, folders):
    monkeypatch.setattr(nvrtc_module, "_WINDOWS", False)
    for name in ("toolkit/libnvrtc.so.12", "torch/libnvrtc-0ab12f.so.12", "nvidia/libnvrtc.so.13"):
        (folders / name).touch()
    (folders / "nvidia" / "libnvrtc.so.12").touch()
    assert list(find_nvrtc())[:4] == [
        str(folders / name)
        for name in (
            "nvidia/libnvrtc.so.12",
            "nvidia/libnvrtc.so.13",
            "torch/libnvrtc-0ab12f.so.12",
            "toolkit/libnvrtc.so.12",
        )
    ]


def test_a_missing_nvrtc_is_reported_with_the_package_to_install(monkeypatch, folders):
    (folders / "nvidia" / "libnvrtc.so.12").write_text("no library")
    monkeypatch.setattr(nvrtc_module, "_CUDA_MAJORS", ())
    load_nvrtc.cache_clear()
    try:
        with pytest.raises(VstError, match="pip install nvidia-cuda-nvrtc-cu12, or use --device cpu"):
            load_nvrtc()
    finally:
        load_nvrtc.cache_clear()
