"""Kernels are loaded once, started in the right context, and refusals are one line."""

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


def test_code_that_the_driver_refuses_is_built_anew_once(built_gpu, driver):
    code = built_gpu.build("channelnorm", torch.float32, (9, 0))
    asked = []

    def build(anew: bool) -> bytes:
        asked.append(anew)
        return code if anew else b"/nowhere/damaged.so"

    driver.kernel(0, "module", "channelnorm_forward", build)
    driver.kernel(0, "module", "channelnorm_forward", build)
    driver.kernel(0, "module", "channelnorm_backward", build)
    assert asked == [False, True]
    assert built_gpu.library.contexts_left() == 0


def test_code_that_is_refused_twice_is_told_in_one_line(built_gpu, driver):
    with pytest.raises(
        VstError, match=r"cannot load the compiled kernels: software gpu says no.*--device cpu"
    ):
        driver.kernel(0, "module", "any", lambda anew: b"/nowhere/damaged.so")
    assert built_gpu.library.contexts_left() == 0


def test_a_kernel_that_is_not_there_is_named(built_gpu, driver):
    code = built_gpu.build("channelnorm", torch.float32, (9, 0))
    with pytest.raises(VstError, match="cannot find the kernel nothing"):
        driver.kernel(0, "module", "nothing", lambda anew: code)


def test_a_device_that_is_not_there_is_named(built_gpu, driver):
    with pytest.raises(VstError, match=r"cannot find device 7.*CUDA error 101"):
        driver.kernel(7, "module", "any", lambda anew: b"")


def test_a_start_that_is_refused_is_told_in_one_line(built_gpu, driver):
    code = built_gpu.build("channelnorm", torch.float32, (9, 0))
    kernel = driver.kernel(0, "module", "channelnorm_forward", lambda anew: code)
    with pytest.raises(VstError, match="cannot start a kernel"):
        driver.start(kernel, 0, (0, 1, 1), [ctypes.c_longlong(0)])
    assert built_gpu.library.contexts_left() == 0


def test_threads_that_come_at_once_load_once(built_gpu, driver):
    code = built_gpu.build("channelnorm", torch.float32, (9, 0))
    built = []
    together = Barrier(4)

    def build(anew: bool) -> bytes:
        built.append(anew)
        return code

    def ask() -> None:
        together.wait()
        driver.kernel(0, "module", "channelnorm_forward", build)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [False]


def test_a_failing_compilation_reaches_the_caller_and_the_next_call_tries_again(software_gpu, monkeypatch):
    def refuse(*given: object) -> bytes:
        raise VstError("channelnorm.cu does not compile")

    x = torch.ones(1, 2, 3, 4)
    with monkeypatch.context() as patch:
        patch.setattr("vst.motion.kernels.launch.load_driver", lambda: Driver(software_gpu.library))
        patch.setattr("vst.motion.kernels.launch.build", refuse)
        with pytest.raises(VstError, match="does not compile"):
            channelnorm(x)
    torch.testing.assert_close(channelnorm(x), torch.full((1, 1, 3, 4), 2**0.5))
