"""Launching of a kernel on tensors."""

from __future__ import annotations

import ctypes
from functools import partial

import torch
from torch import Tensor

from vst.motion.kernels.compilation import compile_operation
from vst.motion.kernels.driver import load_driver
from vst.motion.kernels.operands import type_name


def launch(kernel: str, dtype: torch.dtype, extent: tuple[int, int, int], *arguments: Tensor | int) -> None:
    """Launch a kernel on the current stream of its tensors' device; compile it first if necessary.

    Args:
        kernel: Name of the kernel; it begins with the name of its operation.
        dtype: The type that the source calls Scalar.
        extent: Columns, rows and layers of the work, each above 0.
        arguments: The kernel's arguments: contiguous tensors of one device, then sizes.

    Raises:
        VstError: It cannot be compiled or launched.
    """
    device = next(value.device for value in arguments if isinstance(value, Tensor))
    index = torch.cuda.current_device() if device.index is None else device.index
    operation = kernel.partition("_")[0]
    capability = torch.cuda.get_device_capability(index)
    driver = load_driver()
    compile_code = partial(compile_operation, operation, dtype, capability)
    loaded = driver.kernel(index, f"{operation}-{type_name(dtype)}", kernel, compile_code)
    values = [
        ctypes.c_void_p(value.data_ptr()) if isinstance(value, Tensor) else ctypes.c_longlong(value)
        for value in arguments
    ]
    stream = torch.cuda.current_stream(index).cuda_stream
    driver.launch(loaded, stream, extent, values)
