"""Kernels are loaded once and launched in the right context; errors of the driver are one line."""

from __future__ import annotations

import ctypes
from threading import Barrier, Thread

import pytest
import torch

from vst.errors import VstError
from vst.motion.kernels import channelnorm
from vst.motion.kernels.driver import Driver


@pytest.fixture
def driver(built_gpu) -> Driver:
    return Driver(built_gpu.library)


def test_code_that_the_driver_refuses_is_compiled_again_once(built_gpu, driver):
    code = built_gpu.compile_operation("channelnorm", torch.float32, (9, 0))
    asked = []

    def compile_code(force: bool) -> bytes:
        asked.append(force)
        return code if force else b"/nowhere/damaged.so"

    driver.kernel(0, "module", "channelnorm_forward", compile_code)
    driver.kernel(0, "module", "channelnorm_forward", compile_code)
    driver.kernel(0, "module", "channelnorm_backward", compile_code)
    assert asked == [False, True]
    assert built_gpu.library.contexts_left() == 0


def test_code_that_is_refused_twice_gives_an_error_of_one_line(built_gpu, driver):
    with pytest.raises(
        VstError, match=r"cannot load the compiled kernels: software gpu says no.*--device cpu"
    ):
        driver.kernel(0, "module", "any", lambda force: b"/nowhere/damaged.so")
    assert built_gpu.library.contexts_left() == 0


def test_a_missing_kernel_is_reported_by_name(built_gpu, driver):
    code = built_gpu.compile_operation("channelnorm", torch.float32, (9, 0))
    with pytest.raises(VstError, match="cannot find the kernel nothing"):
        driver.kernel(0, "module", "nothing", lambda force: code)


def test_a_missing_device_is_reported_by_number(built_gpu, driver):
    with pytest.raises(VstError, match=r"cannot find device 7.*CUDA error 101"):
        driver.kernel(7, "module", "any", lambda force: b"")


def test_a_refused_launch_gives_an_error_of_one_line(built_gpu, driver):
    code = built_gpu.compile_operation("channelnorm", torch.float32, (9, 0))
    kernel = driver.kernel(0, "module", "channelnorm_forward", lambda force: code)
    with pytest.raises(VstError, match="cannot launch a kernel"):
        driver.launch(kernel, 0, (0, 1, 1), [ctypes.c_longlong(0)])
    assert built_gpu.library.contexts_left() == 0


def test_a_module_is_loaded_once_for_concurrent_threads(built_gpu, driver):
    code = built_gpu.compile_operation("channelnorm", torch.float32, (9, 0))
    built = []
    together = Barrier(4)

    def compile_code(force: bool) -> bytes:
        built.append(force)
        return code

    def ask() -> None:
        together.wait()
        driver.kernel(0, "module", "channelnorm_forward", compile_code)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [False]


def test_a_failed_compilation_is_raised_and_the_next_call_tries_again(software_gpu, monkeypatch):
    def refuse(*given: object) -> bytes:
        raise VstError("channelnorm.cu does not compile")

    x = torch.ones(1, 2, 3, 4)
    with monkeypatch.context() as patch:
        patch.setattr("vst.motion.kernels.launch.load_driver", lambda: Driver(software_gpu.library))
        patch.setattr("vst.motion.kernels.launch.compile_operation", refuse)
        with pytest.raises(VstError, match="does not compile"):
            channelnorm(x)
    torch.testing.assert_close(channelnorm(x), torch.full((1, 1, 3, 4), 2**0.5))
