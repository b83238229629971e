"""NVIDIA's driver: loads modules into PyTorch's context and launches kernels on PyTorch's stream.

PyTorch uses the primary context of each device, which any library may share. Only PyTorch's public
interface is used, so that this works with all its releases.
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
"""Threads of a block in x, y and z. Their product is the launch bound in the sources."""

_MAX_BLOCKS = 65535
"""Limit of a grid in y and in z; kernels loop over larger extents."""


class Kernel(NamedTuple):
    """A loaded kernel.

    Attributes:
        function: The driver's handle.
        context: The primary context of the device on which it is loaded.
    """

    function: ctypes.c_void_p
    context: ctypes.c_void_p


class Driver:
    """The driver, one object per process. Thread-safe."""

    def __init__(self, library: ctypes.CDLL) -> None:
        _declare(library)
        self._library = library
        self._lock = Lock()
        self._contexts: dict[int, ctypes.c_void_p] = {}
        self._modules: dict[tuple[int, str], ctypes.c_void_p] = {}
        self._kernels: dict[tuple[int, str, str], Kernel] = {}
        self._check(library.cuInit(0), "be initialized")

    def kernel(self, device: int, module: str, name: str, compile_code: Callable[[bool], bytes]) -> Kernel:
        """A kernel, loaded on first use.

        Args:
            device: PyTorch's index of the device.
            module: A name for the code that ``compile_code`` returns.
            name: Name of the kernel in it.
            compile_code: Returns the code; called with True if the driver refuses what it returned for
                False.

        Raises:
            VstError: The driver refuses the code, or ``compile_code`` fails.
        """
        cached = self._kernels.get((device, module, name))
        if cached is not None:
            return cached
        with self._lock:
            context = self._context(device)
            with self._current(context):
                if (device, module) not in self._modules:
                    self._modules[device, module] = self._load(compile_code)
                function = ctypes.c_void_p()
                status = self._library.cuModuleGetFunction(
                    ctypes.byref(function), self._modules[device, module], name.encode()
                )
                self._check(status, f"find the kernel {name}")
            self._kernels[device, module, name] = Kernel(function, context)
            return self._kernels[device, module, name]

    def launch(
        self,
        kernel: Kernel,
        stream: int,
        extent: tuple[int, int, int],
        arguments: Sequence[ctypes.c_void_p | ctypes.c_longlong],
    ) -> None:
        """Launch a kernel with one thread per column, row and layer, within the limits of a grid.

        Raises:
            VstError: The driver refuses.
        """
        columns, rows, layers = (-(-size // threads) for size, threads in zip(extent, BLOCK, strict=True))
        blocks = columns, min(rows, _MAX_BLOCKS), min(layers, _MAX_BLOCKS)
        values = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        with self._current(kernel.context):
            status = self._library.cuLaunchKernel(kernel.function, *blocks, *BLOCK, 0, stream, values, None)
        self._check(status, "launch a kernel")

    def _load(self, compile_code: Callable[[bool], bytes]) -> ctypes.c_void_p:
        module = ctypes.c_void_p()
        status = self._library.cuModuleLoadData(ctypes.byref(module), compile_code(False))
        if status != 0:
            status = self._library.cuModuleLoadData(ctypes.byref(module), compile_code(True))
        self._check(status, "load the compiled kernels")
        return module

    def _context(self, device: int) -> ctypes.c_void_p:
        """The device's primary context, retained by the first call."""
        if device not in self._contexts:
            number, context = ctypes.c_int(), ctypes.c_void_p()
            self._check(self._library.cuDeviceGet(ctypes.byref(number), device), f"find device {device}")
            status = self._library.cuDevicePrimaryCtxRetain(ctypes.byref(context), number)
            self._check(status, f"use device {device}")
            self._contexts[device] = context
        return self._contexts[device]

    @contextmanager
    def _current(self, context: ctypes.c_void_p) -> Iterator[None]:
        """Make the context current in this thread: a new thread has none, others may have another."""
        self._check(self._library.cuCtxPushCurrent_v2(context), "use the device")
        try:
            yield
        finally:
            self._library.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))

    def _check(self, status: int, action: str) -> None:
        if status == 0:
            return
        text = ctypes.c_char_p()
        self._library.cuGetErrorString(status, ctypes.byref(text))
        reason = (text.value or b"unknown error").decode(errors="replace")
        raise VstError(
            f"NVIDIA's driver cannot {action}: {reason} (CUDA error {status}); "
            "update it, or use --device cpu"
        )


@cache
def load_driver() -> Driver:
    """Load the driver library.

    Raises:
        VstError: It is not installed.
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
    """Declare the argument types; ctypes would cut a pointer to the size of an int."""
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
