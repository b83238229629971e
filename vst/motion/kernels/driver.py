"""NVIDIA's driver: modules are loaded into PyTorch's context, kernels started on PyTorch's stream.

PyTorch has the primary context of each device, which any library may share. Nothing of PyTorch that is not
public is used, so that one code serves all its releases.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import NamedTuple

from vst.errors import VstError

BLOCK = (32, 4, 1)
"""Threads of a block in x, y and z; the sources are compiled for at most so many together."""

_MOST_BLOCKS = 65535
"""In y and in z; a kernel goes on in strides of the grid."""


class Kernel(NamedTuple):
    """One that can be started.

    Attributes:
        function: The driver's handle of it.
        context: The primary context of the device on which it is loaded.
    """

    function: ctypes.c_void_p
    context: ctypes.c_void_p


class Driver:
    """The driver, for one process. It may be called from any thread."""

    def __init__(self, library: ctypes.CDLL) -> None:
        _declare(library)
        self._library = library
        self._lock = Lock()
        self._contexts: dict[int, ctypes.c_void_p] = {}
        self._modules: dict[tuple[int, str], ctypes.c_void_p] = {}
        self._kernels: dict[tuple[int, str, str], Kernel] = {}
        self._check(library.cuInit(0), "be started")

    def kernel(self, device: int, module: str, name: str, build: Callable[[bool], bytes]) -> Kernel:
        """A kernel, loaded when it is first asked for.

        Args:
            device: PyTorch's number of the device.
            module: A name for what ``build`` gives.
            name: The kernel's name in it.
            build: Gives the code; called with True if the driver refused what it gave for False.

        Raises:
            VstError: The driver refuses the code, or ``build`` fails.
        """
        found = self._kernels.get((device, module, name))
        if found is not None:
            return found
        with self._lock:
            context = self._context(device)
            with self._current(context):
                if (device, module) not in self._modules:
                    self._modules[device, module] = self._load(build)
                function = ctypes.c_void_p()
                status = self._library.cuModuleGetFunction(
                    ctypes.byref(function), self._modules[device, module], name.encode()
                )
                self._check(status, f"find the kernel {name}")
            self._kernels[device, module, name] = Kernel(function, context)
            return self._kernels[device, module, name]

    def start(
        self,
        kernel: Kernel,
        stream: int,
        extent: tuple[int, int, int],
        arguments: Sequence[ctypes.c_void_p | ctypes.c_longlong],
    ) -> None:
        """Start a kernel: enough blocks for a thread a column, row and layer, or as many as there may be.

        Raises:
            VstError: The driver refuses.
        """
        columns, rows, layers = (-(-size // threads) for size, threads in zip(extent, BLOCK, strict=True))
        blocks = columns, min(rows, _MOST_BLOCKS), min(layers, _MOST_BLOCKS)
        values = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        with self._current(kernel.context):
            status = self._library.cuLaunchKernel(kernel.function, *blocks, *BLOCK, 0, stream, values, None)
        self._check(status, "start a kernel")

    def _load(self, build: Callable[[bool], bytes]) -> ctypes.c_void_p:
        module = ctypes.c_void_p()
        status = self._library.cuModuleLoadData(ctypes.byref(module), build(False))
        if status != 0:
            status = self._library.cuModuleLoadData(ctypes.byref(module), build(True))
        self._check(status, "load the compiled kernels")
        return module

    def _context(self, device: int) -> ctypes.c_void_p:
        """The device's primary context, kept from the first call on."""
        if device not in self._contexts:
            number, context = ctypes.c_int(), ctypes.c_void_p()
            self._check(self._library.cuDeviceGet(ctypes.byref(number), device), f"find device {device}")
            status = self._library.cuDevicePrimaryCtxRetain(ctypes.byref(context), number)
            self._check(status, f"use device {device}")
            self._contexts[device] = context
        return self._contexts[device]

    @contextmanager
    def _current(self, context: ctypes.c_void_p) -> Iterator[None]:
        """The context is this thread's own while inside: a new thread has none, others may have another."""
        self._check(self._library.cuCtxPushCurrent_v2(context), "use the device")
        try:
            yield
        finally:
            self._library.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))

    def _check(self, status: int, aim: str) -> None:
        if status == 0:
            return
        text = ctypes.c_char_p()
        self._library.cuGetErrorString(status, ctypes.byref(text))
        reason = (text.value or b"unknown error").decode(errors="replace")
        raise VstError(
            f"NVIDIA's driver cannot {aim}: {reason} (CUDA error {status}); update it, or use --device cpu"
        )


@cache
def load_driver() -> Driver:
    """The driver of this machine.

    Raises:
        VstError: There is none.
    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise VstError(
            f"NVIDIA's driver was not found ({name}): install it, or use --device cpu"
        ) from error
    return Driver(library)


def _declare(library: ctypes.CDLL) -> None:
    """Tell ctypes the arguments; a pointer that it takes for an int would lose its upper half."""
    pointer, number, count = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint
    pointers = ctypes.POINTER(pointer)
    signatures: dict[str, tuple[object, ...]] = {
        "cuInit": (count,),
        "cuDeviceGet": (ctypes.POINTER(number), number),
        "cuDevicePrimaryCtxRetain": (pointers, number),
        "cuCtxPushCurrent_v2": (pointer,),
        "cuCtxPopCurrent_v2": (pointers,),
        "cuModuleLoadData": (pointers, ctypes.c_char_p),
        "cuModuleGetFunction": (pointers, pointer, ctypes.c_char_p),
        "cuLaunchKernel": (pointer, *[count] * 6, count, pointer, pointers, pointers),
        "cuGetErrorString": (number, ctypes.POINTER(ctypes.c_char_p)),
    }
    for name, arguments in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, number
