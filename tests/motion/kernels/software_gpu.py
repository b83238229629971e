"""The CUDA sources run by the host's C++ compiler, so that a machine without a GPU tests them too.

The sources, the code that launches them and the order of arguments are the real ones. Not covered: the
compiler for the GPU, PTX code, and races between threads.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from vst.motion.kernels.driver import Driver
from vst.motion.kernels.sources import OPERATIONS, TYPE_DEFINITIONS, read_source

HERE = Path(__file__).parent


class SoftwareGpu:
    """One device on which kernels run thread by thread.

    Args:
        folder: For compiled libraries.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[tuple[str, torch.dtype], Path] = {}

    @cached_property
    def library(self) -> ctypes.CDLL:
        """The library that ``Driver`` calls."""
        return ctypes.CDLL(str(self._compile("driver", HERE / "software_gpu.cpp")))

    @cached_property
    def driver(self) -> Driver:
        return Driver(self.library)

    @cached_property
    def _supports_half(self) -> bool:
        """Whether the compiler has _Float16: GCC for C++ since version 12."""
        probe = self._folder / "half.cpp"
        probe.write_text("_Float16 zero = 0;\n")
        try:
            self._compile("half", probe)
        except subprocess.CalledProcessError:
            return False
        return True

    def compile_operation(
        self, operation: str, dtype: torch.dtype, capability: tuple[int, int], force: bool = False
    ) -> bytes:
        """Replaces the package's ``compile_operation``."""
        if dtype == torch.float16 and not self._supports_half:
            pytest.skip("the C++ compiler here has no _Float16")
        if (operation, dtype) not in self._built:
            definition = TYPE_DEFINITIONS[dtype]
            folder = self._folder / f"{operation}-{definition}"
            folder.mkdir()
            source = read_source(operation)
            for name, text in source.headers.items():
                (folder / name).write_text(text)
            shutil.copy(HERE / "software_half.h", folder / "half.cuh")
            kernels = re.findall(r"^(\w+)\(", source.text, re.MULTILINE)
            text = f'#include "{HERE / "software_kernel.h"}"\n{source.text}\n'
            for kernel in kernels:
                text += (
                    f'extern "C" void start_{kernel}(const unsigned *blocks, const unsigned *threads, '
                    f"void **values) {{ start({kernel}, blocks, threads, values); }}\n"
                )
            (folder / "kernels.cpp").write_text(text)
            self._built[operation, dtype] = self._compile(
                folder.name, folder / "kernels.cpp", f"-D{definition}"
            )
        return str(self._built[operation, dtype]).encode()

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run the operations on this device, with tensors on the CPU."""
        # From sys.modules, since the functions in the package have the names of their modules.
        for name in OPERATIONS:
            module = sys.modules[f"vst.motion.kernels.{name}"]
            monkeypatch.setattr(module, "runs_compiled", lambda tensor: tensor.numel() > 0)
        launcher = sys.modules["vst.motion.kernels.launch"]
        monkeypatch.setattr(launcher, "load_driver", lambda: self.driver)
        monkeypatch.setattr(launcher, "compile_operation", self.compile_operation)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (9, 0))
        monkeypatch.setattr(torch.cuda, "current_stream", lambda index: SimpleNamespace(cuda_stream=0))

    def _compile(self, name: str, source: Path, *options: str) -> Path:
        library = self._folder / f"{name}.so"
        compiler = find_compiler()
        assert compiler is not None
        command = [compiler, "-std=c++17", "-O1", "-w", "-shared", "-fPIC", *options, str(source)]
        subprocess.run([*command, "-o", str(library), "-ldl"], check=True)
        return library


def find_compiler() -> str | None:
    return shutil.which("g++") or shutil.which("clang++")
